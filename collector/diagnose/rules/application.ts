/** G: the time went into a service's own work, or into a database or dependency that was slow. */
import { numberAttribute, textAttribute, type Span, operationOf } from '../../span.ts';
import type { Case, Finding } from '../case.ts';
import { attributeFact, errorFact, formatMs, historyFact, spanFact } from '../evidence.ts';
import { errorText } from '../outcome.ts';

/** A handler that ends within this of the client's leaving ended because of it. */
const LEFT_SLACK_MS = 50;

export function databaseOf({ attributes }: Span): string | null {
  return textAttribute(attributes, 'db.system.name') ?? textAttribute(attributes, 'db.system');
}

/** What only a call of a database says; the last is all that Zipkin's instrumentations of SQL say. */
const DATABASE_KEYS = ['db.system.name', 'db.system', 'db.query.text', 'db.statement', 'sql.query'] as const;

export function isDatabaseCall({ attributes }: Span): boolean {
  return DATABASE_KEYS.some((key) => attributes.has(key));
}

/** The database's own timer ended the statement. */
export function statementTimer({ call, failure }: Case): Finding | null {
  if (call === null || failure?.timer !== 'peer' || failure.kind !== 'timeout') return null;
  const text = errorText(call.span);
  const lock = /lock/i.test(text);
  if (!lock && !isDatabaseCall(call.span) && !/statement|MaxTimeMS|time limit|57014/i.test(text)) return null;
  const suspects = lock ? [{ code: 'G4' }] : [{ code: 'G2' }, { code: 'G4' }];
  return { confidence: 'likely', suspects, evidence: [errorFact(call)] };
}

/** Many calls in a row, each short. */
export function repeatedCalls({ origin, peer }: Case): Finding | null {
  if (origin.type !== 'repeated') return null;
  const [first] = origin.calls;
  const last = origin.calls.at(-1);
  if (first === undefined || last === undefined) return null;
  const count = origin.calls.length;
  return {
    confidence: 'likely',
    suspects: [{ code: 'G2' }],
    evidence: [
      spanFact(
        origin.node,
        `${count} calls to ${peer} ("${operationOf(first.span)}"), ${formatMs(origin.usedMs)} together`,
        count,
      ),
      spanFact(first, 'the first of them'),
      spanFact(last, 'the last before the give-up'),
    ],
  };
}

/** Nothing below the span used the time. */
export function ownWork({ origin, call, giveUp }: Case): Finding | null {
  if (call !== null || origin.type !== 'own') return null;
  const { node } = origin;
  const leftMs = numberAttribute(node.span.attributes, 'sockeye.client.left_ms');
  const evidence = [
    spanFact(
      node,
      `${formatMs(origin.usedMs)} in "${operationOf(node.span)}" of ${node.service}, with nothing recorded below`,
      origin.usedMs,
    ),
    attributeFact(node, 'sockeye.client.left_ms', 'the client left after this time'),
    origin.normalMs === null
      ? null
      : historyFact(
          `"${operationOf(node.span)}" normally takes ${formatMs(origin.normalMs)}`,
          origin.normalMs,
        ),
    attributeFact(node, 'sockeye.process.event_loop_blocked_ms', 'its event loop was blocked during this'),
  ];
  // Own code and calls that make no spans look the same from outside.
  const suspects = ['G1', 'G2', 'G4', 'C3', 'G3'].map((code) => ({ code }));
  const durationMs = node.endMs - node.startMs;
  const endedAsClientLeft = leftMs !== null && Math.abs(durationMs - leftMs) <= LEFT_SLACK_MS;
  if (node.span.kind === 'server' && (!node.ended || endedAsClientLeft) && node !== giveUp.node) {
    return { confidence: 'possible', suspects, favoured: 'G3', evidence };
  }
  const slowerThanNormal = origin.normalMs !== null && durationMs > 2 * origin.normalMs;
  const set = slowerThanNormal ? suspects : [...suspects, { code: 'F1' }];
  return { confidence: 'possible', suspects: set, favoured: 'G1', evidence };
}
