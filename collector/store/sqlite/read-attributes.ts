/**
 * Names and values of attributes with counts, for completion while typing: taken from the newest spans of the range,
 * so that the answer costs the same however much is stored.
 */
import type { AttributeValue, Attributes, Span } from '../../span.ts';
import { Cancelled, type TimeRange } from '../store.ts';
import type { Connection } from './open-database.ts';
import { rangeNano } from './read-calls.ts';
import type { createSpanReader, SpanRow } from './read-spans.ts';

const SPANS_LOOKED_AT_MAX = 10_000;

export function createAttributeReader(database: Connection, spans: ReturnType<typeof createSpanReader>) {
  const newest = database.prepare<[bigint, bigint, number], SpanRow>(
    `SELECT resource_id, scope_id, body FROM span WHERE start_unix_ns >= ? AND start_unix_ns < ?
     ORDER BY start_unix_ns DESC LIMIT ?`,
  );

  function* newestSpans(range: TimeRange, isCancelled: () => boolean): Generator<Span> {
    const { decode } = spans.decoder();
    for (const row of newest.iterate(...rangeNano(range), SPANS_LOOKED_AT_MAX)) {
      if (isCancelled()) throw new Cancelled('the caller went away');
      yield decode(row);
    }
  }

  return {
    readKeys(range: TimeRange, prefix: string, limit: number, isCancelled: () => boolean) {
      const counts = new Map<string, number>();
      for (const span of newestSpans(range, isCancelled)) {
        const keys = new Set(attributesOf(span).flatMap((attributes) => [...attributes.keys()]));
        for (const key of keys) if (key.startsWith(prefix)) counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      return mostFrequent(counts, limit).map(([key, count]) => ({ key, count }));
    },
    readValues(range: TimeRange, key: string, prefix: string, limit: number, isCancelled: () => boolean) {
      const counts = new Map<string | number | boolean, number>();
      for (const span of newestSpans(range, isCancelled)) {
        const values = new Set(attributesOf(span).flatMap((attributes) => shown(attributes.get(key))));
        for (const value of values) {
          if (String(value).startsWith(prefix)) counts.set(value, (counts.get(value) ?? 0) + 1);
        }
      }
      return mostFrequent(counts, limit).map(([value, count]) => ({ value, count }));
    },
  };
}

function attributesOf(span: Span): readonly Attributes[] {
  return [span.attributes, span.resource.attributes, span.scope.attributes];
}

/** The values one can search for: an array's elements one by one, no maps and bytes. */
function shown(value: AttributeValue | undefined): (string | number | boolean)[] {
  if (typeof value === 'bigint') return [String(value)];
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [value];
  return Array.isArray(value) ? (value as readonly AttributeValue[]).flatMap(shown) : [];
}

function mostFrequent<K>(counts: ReadonlyMap<K, number>, limit: number): [K, number][] {
  return [...counts]
    .toSorted((a, b) => b[1] - a[1] || (String(a[0]) < String(b[0]) ? -1 : 1))
    .slice(0, limit);
}
