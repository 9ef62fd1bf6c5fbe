/** The traces of a granule that have a marked row, so that where these are few no others are decoded. */
import type { Granule, RunRows } from '../columns/granule.ts';

export interface MarkedRun {
  /** Its number among the granule's runs of rows of one trace, and its rows there. */
  readonly run: number;
  readonly first: number;
  readonly end: number;
  /** Where they are to be read. */
  readonly decoded: RunRows;
}

/** A run takes some µs alone, and a granule of 900 runs as much as so many of them. */
const RUNS_ALONE_SHARE = 1 / 8;

export function markedRuns(granule: Granule, marks: Uint8Array): MarkedRun[] {
  let row = marks.indexOf(1);
  if (row < 0) return [];
  const { starts } = granule.traces;
  const runs: number[] = [];
  for (let run = 0; row >= 0; row = marks.indexOf(1, starts[run])) {
    while (starts[run + 1]! <= row) run++;
    runs.push(run++);
  }
  const isFew = runs.length < starts.length * RUNS_ALONE_SHARE;
  return runs.map((run) => {
    const [first, end] = [starts[run]!, starts[run + 1]!];
    return { run, first, end, decoded: isFew ? granule.ofRun(run) : { rows: granule, first, end } };
  });
}
