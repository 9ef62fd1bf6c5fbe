/** Searches the lists of slow spans, which answer what most look for without opening a granule. */
import type { SlowRows } from '../columns/slow-rows.ts';
import type { SpanConditions } from './span-conditions.ts';

export interface SlowSpans {
  /** Those listed that match; a trace may come more than once. */
  readonly spans: readonly number[];
  /** No other span of the block matches. */
  readonly isAll: boolean;
}

/** For conditions that are all that is asked. */
export function searchSlow(slow: SlowRows, { isWanted, isLong }: SpanConditions): SlowSpans {
  const spans: number[] = [];
  let isAll = true;
  for (let index = 0; index < slow.operations.length; index++) {
    if (!isWanted(slow.operations[index]!)) continue;
    // What is shorter than the shortest listed could match, too.
    if (isLong(slow.fromMs(index))) isAll = false;
    for (let span = slow.firsts[index]!; span < slow.firsts[index + 1]!; span++)
      if (isLong(slow.durationMs(span))) spans.push(span);
  }
  return { spans, isAll };
}
