/**
 * Two traces as one tree: calls of the same service, operation and kind below the same caller stand on one row, the first with
 * the first, the second with the second. What only one of them has keeps its place among its siblings. Pure.
 *
 *     this one               the other              aligned
 *     buy                    buy                    buy          buy
 *       reserve                reserve                reserve      reserve
 *       pay (failed)           pay                    pay          pay
 *       release                  charge                 –            charge
 *                              ship                   release      –
 *                                                     –            ship
 */
import { operationAt, serviceAt, type TraceColumns } from './columns.ts';
import type { TraceModel } from './trace-model.ts';

export interface Aligned {
  readonly count: number;
  /** Span of this trace on each row; -1 where only the other has one. */
  readonly here: Int32Array;
  /** Span of the other trace; -1 where only this one has one. */
  readonly there: Int32Array;
  readonly depth: Int32Array;
}

const NONE = -1;

export function alignTraces(here: TraceModel, there: TraceModel): Aligned {
  const size = here.columns.count + there.columns.count;
  const rows = { here: new Int32Array(size), there: new Int32Array(size), depth: new Int32Array(size) };
  const keyOf = { here: nameKeys(here.columns), there: nameKeys(there.columns) };
  const below = { here: childSpans(here), there: childSpans(there) };
  let count = 0;
  const waiting = pair(below.here(NONE), below.there(NONE), keyOf)
    .toReversed()
    .map((spans) => ({ ...spans, depth: 0 }));
  // Without recursion: a chain can be 100,000 calls deep.
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    rows.here[count] = row.here;
    rows.there[count] = row.there;
    rows.depth[count] = row.depth;
    count++;
    const children = pair(
      row.here === NONE ? [] : below.here(row.here),
      row.there === NONE ? [] : below.there(row.there),
      keyOf,
    );
    for (const child of children.toReversed()) waiting.push({ ...child, depth: row.depth + 1 });
  }
  return {
    count,
    here: rows.here.subarray(0, count),
    there: rows.there.subarray(0, count),
    depth: rows.depth.subarray(0, count),
  };
}

type KeyOf = (span: number) => string;

/** Equal for spans of the same service, operation and kind, of either trace. */
function nameKeys(columns: TraceColumns): KeyOf {
  return (span) => `${columns.kind[span]}\n${serviceAt(columns, span)}\n${operationAt(columns, span)}`;
}

/** The spans right below a span, or those below none that was received, by their start. */
function childSpans({ rows }: TraceModel): (span: number) => number[] {
  const spansBelow = (from: number, end: number): number[] => {
    const spans: number[] = [];
    for (let row = from; row < end; row = rows.end[row] ?? end) {
      const span = rows.span[row] ?? NONE;
      // What hangs below a missing parent stands where that would.
      if (span < 0) spans.push(...spansBelow(row + 1, rows.end[row] ?? end));
      else spans.push(span);
    }
    return spans;
  };
  return (span) => {
    if (span === NONE) return spansBelow(0, rows.count);
    const row = rows.ofSpan[span] ?? 0;
    return spansBelow(row + 1, rows.end[row] ?? 0);
  };
}

function pair(
  here: readonly number[],
  there: readonly number[],
  keyOf: { readonly here: KeyOf; readonly there: KeyOf },
): { here: number; there: number }[] {
  if (there.length === 0) return here.map((span) => ({ here: span, there: NONE }));
  /** By name, and how many of them have found a partner. */
  const unpaired = new Map(
    [...Map.groupBy(here, keyOf.here)].map(([key, spans]) => [key, { spans, taken: 0 }]),
  );
  /** Of this trace's spans, their partners; of the other's without one, which partner they follow. */
  const partners = new Map<number, number>();
  const after = new Map<number, number[]>();
  let last = NONE;
  for (const span of there) {
    const same = unpaired.get(keyOf.there(span));
    const partner = same?.spans[same.taken++];
    if (partner === undefined) after.set(last, [...(after.get(last) ?? []), span]);
    else {
      partners.set(partner, span);
      last = partner;
    }
  }
  const alone = (span: number) => (after.get(span) ?? []).map((other) => ({ here: NONE, there: other }));
  return [
    ...alone(NONE),
    ...here.flatMap((span) => [{ here: span, there: partners.get(span) ?? NONE }, ...alone(span)]),
  ];
}
