/** A verdict with everything filled in, for tests. */
import type { Verdict } from '../../collector/diagnose/verdict.ts';

export function makeVerdict(
  given: { edge?: string; spanId?: string; atUnixMs?: number } & Partial<Verdict> = {},
): Verdict {
  const { edge = 'checkout->payments', spanId = '0'.repeat(15) + '1', atUnixMs = 0, ...fields } = given;
  return {
    giveUp: {
      kind: 'timeout',
      spanId,
      service: 'checkout',
      at: new Date(atUnixMs).toISOString(),
      budgetMs: 3000,
      timer: 'http_timeout',
      elapsedMs: 3000,
    },
    origin: { spanId, service: 'checkout', peer: 'payments.local:8443', edge },
    openAtGiveUp: [],
    phase: 'connect',
    cause: 'B1',
    category: 'firewall',
    title: 'SYN dropped',
    reason: null,
    confidence: 'possible',
    sentence: 'checkout gave up on payments.',
    evidence: [],
    alternatives: [],
    contributing: [],
    nextChecks: [],
    path: [spanId],
    abandonedMs: 0,
    hosts: [],
    ...fields,
  };
}
