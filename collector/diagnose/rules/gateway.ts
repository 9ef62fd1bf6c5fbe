/** E: a gateway answered in the place of its backend. */
import { textAttribute } from '../../span.ts';
import { isGateway, type Case, type Finding, type Suspect } from '../case.ts';
import { attributeFact, errorFact, formatMs, spanFact } from '../evidence.ts';
import { httpStatusOf } from '../outcome.ts';
import type { TraceNode } from '../tree.ts';

/** Envoy's own words for what happened to the upstream. */
const ENVOY_FLAGS: readonly (readonly [flag: string, code: string, meaning: string])[] = [
  ['UT', 'E1', 'upstream request time-out'],
  ['UF', 'E2', 'connect to the upstream failed'],
  ['UH', 'E6', 'no healthy upstream'],
  ['NR', 'E2', 'no route configured'],
  ['UO', 'C5', 'upstream overflow: circuit breaker open'],
  ['URX', 'E5', 'upstream retry limit exceeded'],
  ['UC', 'C7', 'the upstream ended the connection'],
  ['UR', 'C7', 'the upstream reset the connection'],
];

const BY_STATUS = new Map<number, readonly string[]>([
  [502, ['E2', 'C7', 'E3']],
  [503, ['E6', 'E2', 'C5', 'C9']],
  [504, ['E1', 'E2', 'G2', 'C3']],
  [524, ['E1', 'G2', 'C3']],
]);

/** The same answers of a service that is no gateway: of what it lacked itself, or called without a span. */
const BY_STATUS_OF_SERVICE = new Map<number, readonly string[]>([
  [502, ['G2', 'C7', 'E2']],
  [503, ['C5', 'G4', 'G2', 'C9', 'E6']],
  [504, ['G2', 'E1', 'C3']],
]);

export function gatewayAnswer({ call, failure, server }: Case): Finding | null {
  if (call === null || failure?.kind !== 'gateway') return null;
  const flagged = envoyFinding(server ?? call) ?? envoyFinding(call);
  if (flagged !== null) return flagged;
  const status = httpStatusOf(call.span);
  const key = call.span.attributes.has('http.response.status_code')
    ? 'http.response.status_code'
    : 'http.status_code';
  const timedOut = failure.timer === 'peer';
  const isService = server !== null && !isGateway(server);
  const codes =
    (isService ? BY_STATUS_OF_SERVICE : BY_STATUS).get(status ?? 0) ??
    (timedOut ? ['E1', 'E2', 'G2', 'C3'] : ['E2', 'E6', 'C7']);
  return {
    confidence: 'possible',
    suspects: codes.map((code): Suspect => ({ code })),
    favoured: codes[0] ?? 'E2',
    evidence: [
      attributeFact(
        call,
        key,
        `the answer was ${status}${status === 503 ? '' : ', which a gateway gives in the place of a service'}`,
      ),
      status === null ? errorFact(call) : null,
      spanFact(call, 'what happened behind it is not in the trace'),
    ],
  };
}

function envoyFinding(node: TraceNode): Finding | null {
  const flags = textAttribute(node.span.attributes, 'response_flags')?.split(',') ?? [];
  for (const [flag, code, meaning] of ENVOY_FLAGS) {
    if (!flags.includes(flag)) continue;
    return {
      confidence: 'likely',
      suspects: [{ code }],
      evidence: [attributeFact(node, 'response_flags', `Envoy says ${flag}: ${meaning}`)],
    };
  }
  return null;
}

/** A server that answered 504 and shows no calls of its own: a gateway seen from the front only. */
export function frontOfGateway({ giveUp, call, origin }: Case): Finding | null {
  const { node } = giveUp;
  if (call !== null || origin.node !== node || node.span.kind !== 'server' || node.children.length > 0)
    return null;
  return {
    confidence: 'unknown',
    suspects: [{ code: 'E1' }, { code: 'E2' }, { code: 'G1' }, { code: 'G2' }, { code: 'C3' }],
    reason: `${node.service} answered that the time was over, and nothing it called was recorded: what is behind it is beyond our view`,
    evidence: [spanFact(node, `answered after ${formatMs(giveUp.elapsedMs)}`), errorFact(node)],
  };
}
