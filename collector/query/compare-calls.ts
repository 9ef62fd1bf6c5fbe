/**
 * What calls, of an incident or of a part of a heatmap, have in common, and what sets them apart from others: counted over
 * their attributes, never guessed.
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
/** Effects of the failure, and our own notes on it, tell nothing about why. */
const EFFECTS = /^(?:error\.|exception\.|sockeye\.|otel\.|http\.response\.|http\.status_code$|rpc\..*status)/;
/** Of a sender's many facts about itself, those in which instances of one service differ. */
const TELLING_OF_RESOURCE =
  /^(?:service\.(?:version|instance\.id|namespace)$|host\.name$|deployment\.|container\.|k8s\.|cloud\.|faas\.)/;

/** What of a call is compared. */
export type ComparedSpan = Pick<Span, 'attributes'> & {
  readonly resource: Pick<Span['resource'], 'attributes'>;
};

type Shares = Map<string, { key: string; value: string; share: number }>;

export function compareCalls(
  failed: readonly ComparedSpan[],
  working: readonly ComparedSpan[],
): Pick<Incident, 'shared' | 'differs'> {
  if (failed.length < CALLS_MIN) return { shared: [], differs: [] };
  const ofFailed = sharesOf(failed);
  const ofWorking = sharesOf(working);
  // What sets the calls apart most comes first.
  const found = [...ofFailed]
    .map(([id, entry]) => ({ ...entry, othersShare: ofWorking.get(id)?.share ?? 0 }))
    .toSorted((a, b) => b.share - b.othersShare - (a.share - a.othersShare) || b.share - a.share);
  const shared = found.filter(({ share }) => share >= SHARED_MIN);
  const differs =
    working.length < CALLS_MIN
      ? []
      : found.filter(({ share, othersShare }) => share - othersShare >= DIFFERS_MIN);
  return {
    shared: shared.slice(0, LISTED_MAX).map(({ key, value, share }) => ({ key, value, share })),
    differs: differs.slice(0, LISTED_MAX),
  };
}

function sharesOf(spans: readonly ComparedSpan[]): Shares {
  const shares: Shares = new Map();
  for (const span of spans) {
    // A span's own attribute says more than its resource's of the same name.
    const ofResource = [...span.resource.attributes].filter(
      ([key]) => TELLING_OF_RESOURCE.test(key) && !span.attributes.has(key),
    );
    for (const [key, value] of [...span.attributes, ...ofResource]) {
      const text = textOf(value);
      if (text === null || EFFECTS.test(key)) continue;
      const id = JSON.stringify([key, text]);
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
