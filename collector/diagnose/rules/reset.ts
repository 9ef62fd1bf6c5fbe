/** A2, B5, C7, E3, E4: the connection was ended in the middle of the call. */
import { numberAttribute } from '../../span.ts';
import type { Case, Finding } from '../case.ts';
import { attributeFact, errorFact, spanFact } from '../evidence.ts';
import { kernelFacts, unacknowledged, wasResent } from './established.ts';

/** Below this a pooled connection was in steady use: no idle timer anywhere is so short. */
const IDLE_MS_MIN = 500;
/** Idle timers of NAT devices and load balancers begin here; those of servers are mostly shorter. */
const DEVICE_IDLE_MS = 60_000;

export function brokenConnection(of: Case): Finding | null {
  const { call, failure, phase, server } = of;
  if (call === null || failure?.kind !== 'reset') return null;
  const reused = call.span.attributes.get('sockeye.connection.reused');
  const idleMs = numberAttribute(call.span.attributes, 'sockeye.connection.idle_ms');
  const evidence = [
    errorFact(call),
    attributeFact(call, 'sockeye.connection.reused', 'whether the connection had been used before'),
    attributeFact(call, 'sockeye.connection.idle_ms', 'how long it had been idle'),
    server === null ? null : spanFact(server, 'the request had reached the server: its span is here'),
  ];
  if (wasResent(call.span.attributes)) {
    // What a keep-alive timer of its own gives up: nothing that was sent got through any more.
    const suspects = [...unacknowledged(of), { code: 'C7' }];
    return {
      confidence: 'possible',
      suspects,
      favoured: 'A2',
      evidence: [...evidence, ...kernelFacts(call)],
    };
  }
  if (phase === 'receive') {
    return { confidence: 'possible', suspects: [{ code: 'C7' }, { code: 'E4' }, { code: 'A1' }], evidence };
  }
  const couldBeIdle = reused !== false && (idleMs === null || idleMs >= IDLE_MS_MIN) && server === null;
  if (!couldBeIdle) {
    // Node accepts what it has no descriptor for, and closes it at once.
    const unserved = reused === false && server === null ? [{ code: 'C6' }] : [];
    const suspects = [{ code: 'C7' }, { code: 'E4' }, { code: 'B4' }, ...unserved];
    return { confidence: 'possible', suspects, evidence };
  }
  const suspects = [{ code: 'C7' }, { code: 'E3' }, { code: 'B5' }, { code: 'E4' }];
  if (idleMs === null) return { confidence: 'possible', suspects, evidence };
  return { confidence: 'possible', suspects, favoured: idleMs >= DEVICE_IDLE_MS ? 'B5' : 'E3', evidence };
}
