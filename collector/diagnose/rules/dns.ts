/** D: the name did not resolve, or not in time. */
import { numberAttribute } from '../../span.ts';
import type { Case, Finding, Suspect } from '../case.ts';
import { attributeFact, errorFact, formatMs } from '../evidence.ts';
import { errorText } from '../outcome.ts';
import { peerAddress, type TraceNode } from '../tree.ts';

/** Resolver libraries notice a lost answer by a timer of this period. */
const RESOLVER_TIMER_MS = 5_000;
const RESOLVER_TIMER_SLACK_MS = 250;

/** What nearly every machine's own hosts file names, which is read first where its order of lookups is the usual one. */
const IN_HOSTS_FILE = /^(?:ip6-)?localhost$/i;

/** The resolver said no. */
export function unresolvedName({ call, failure }: Case): Finding | null {
  if (call === null || failure?.kind !== 'unresolved') return null;
  const temporary = /EAI_AGAIN|Temporary failure|server misbehaving|ESERVFAIL|SERVFAIL/i.test(
    errorText(call.span),
  );
  return {
    confidence: temporary ? 'likely' : 'proven',
    suspects: temporary
      ? [{ code: 'D2' }, { code: 'D1', against: 'the failure came sooner than a silent resolver gives up' }]
      : [{ code: 'D2' }],
    evidence: [
      errorFact(call),
      attributeFact(call, 'sockeye.phase.dns_ms', 'time until the resolver said so'),
    ],
  };
}

/** The lookup was open at the give-up, or ended so late that the rest was too short. */
export function slowLookup({ call, phase, phaseMs, phaseOpen }: Case): Finding | null {
  if (call === null || phase !== 'dns') return null;
  const evidence = [
    attributeFact(call, 'sockeye.phase.dns_ms', `the lookup took ${formatMs(phaseMs ?? 0)}`),
    errorFact(call),
  ];
  const queuedMs = numberAttribute(call.span.attributes, 'sockeye.process.dns_queue_ms') ?? 0;
  if (phaseMs !== null && queuedMs > phaseMs / 2) {
    const queued = attributeFact(
      call,
      'sockeye.process.dns_queue_ms',
      `${formatMs(queuedMs)} of it waiting for a thread`,
    );
    // Lookups that a silent resolver leaves hanging fill the threads, too: what held them is not recorded.
    return {
      confidence: 'possible',
      suspects: [...byResolver(call, 'D1'), { code: 'D5' }],
      evidence: [queued, ...evidence],
    };
  }
  if (!phaseOpen) {
    const lost = phaseMs !== null && isMultipleOfResolverTimer(phaseMs);
    const suspects = [...byResolver(call, 'D3', 'D6'), { code: 'D5' }];
    return { confidence: 'possible', suspects, favoured: lost ? 'D6' : 'D3', evidence };
  }
  const suspects = [...byResolver(call, 'D1', 'D3'), { code: 'D5' }, ...byResolver(call, 'D6')];
  return { confidence: 'possible', suspects, evidence };
}

function byResolver(call: TraceNode, ...codes: string[]): Suspect[] {
  const { host } = peerAddress(call.span);
  if (host === null || !IN_HOSTS_FILE.test(host)) return codes.map((code) => ({ code }));
  const against = `${host} usually stands in the machine's own hosts file, and no resolver is asked for it then`;
  return codes.map((code) => ({ code, against, isRuledOut: true }));
}

function isMultipleOfResolverTimer(ms: number): boolean {
  const beyondMs = ms % RESOLVER_TIMER_MS;
  return ms >= RESOLVER_TIMER_MS && beyondMs <= RESOLVER_TIMER_SLACK_MS;
}
