/**
 * What the calls of an incident have in common, and what sets them apart from calls of the same edge that worked:
 * counted over their attributes, never guessed.
 */
import type { Incident } from '../serve/wire.ts';
import type { AttributeValue, Span } from '../span.ts';

/** Held by at least this share of the calls. */
const SHARED_MIN = 0.8;
/** More frequent by at least this much than among the calls that worked. */
const DIFFERS_MIN = 0.3;
/** Fewer calls than this have nothing in common but chance. */
const CALLS_MIN = 2;
const LISTED_MAX = 10;
const VALUE_LENGTH_MAX = 200;
/** Effects of the failure, facts about the sender's own tooling, and what an edge's calls share by definition. */
const UNTELLING =
  /^(?:error\.|exception\.|sockeye\.|otel\.|telemetry\.|http\.response\.|http\.status_code$|rpc\..*status|process\.command|process\.pid$|process\.runtime\.|service\.name$)/;

type Shares = Map<string, { key: string; value: string; share: number }>;

export function compareCalls(
  failed: readonly Span[],
  working: readonly Span[],
): Pick<Incident, 'shared' | 'differs'> {
  if (failed.length < CALLS_MIN) return { shared: [], differs: [] };
  const ofFailed = sharesOf(failed);
  const ofWorking = sharesOf(working);
  const found = [...ofFailed].map(([id, entry]) => ({
    ...entry,
    othersShare: ofWorking.get(id)?.share ?? 0,
  }));
  const shared = found
    .filter(({ share }) => share >= SHARED_MIN)
    .toSorted((a, b) => b.share - a.share || a.othersShare - b.othersShare)
    .map(({ key, value, share }) => ({ key, value, share }));
  const differs =
    working.length < CALLS_MIN
      ? []
      : found.filter(({ share, othersShare }) => share - othersShare >= DIFFERS_MIN);
  return {
    shared: shared.slice(0, LISTED_MAX),
    differs: differs
      .toSorted((a, b) => b.share - b.othersShare - (a.share - a.othersShare))
      .slice(0, LISTED_MAX),
  };
}

function sharesOf(spans: readonly Span[]): Shares {
  const shares: Shares = new Map();
  for (const span of spans) {
    // A span's own attribute says more than its resource's of the same name.
    for (const [key, value] of new Map([...span.resource.attributes, ...span.attributes])) {
      const text = textOf(value);
      if (text === null || UNTELLING.test(key)) continue;
      const id = `${key}\0${text}`;
      const entry = shares.get(id) ?? { key, value: text, share: 0 };
      entry.share += 1 / spans.length;
      shares.set(id, entry);
    }
  }
  for (const entry of shares.values()) entry.share = Math.min(1, Math.round(entry.share * 1000) / 1000);
  return shares;
}

function textOf(value: AttributeValue): string | null {
  if (value === null || typeof value === 'object') return null;
  const text = String(value);
  return text === '' || text.length > VALUE_LENGTH_MAX ? null : text;
}
