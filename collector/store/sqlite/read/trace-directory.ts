/** Which traces a unit has, and where: to look one up takes no decoding, and to keep that some bytes a trace. */
import { DamagedPart } from '../../columns/damaged-part.ts';
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { prefixAt, tracePrefixesOf, type TracePrefixes } from '../../columns/trace-prefixes.ts';

export interface TraceDirectory {
  readonly bytes: number;
  /** Numbers of granules that may hold rows of the trace; mostly none. */
  granulesOf(traceId: Uint8Array): readonly number[];
}

const NOWHERE: readonly number[] = [];

export function directoryOf({ prefixes, granules }: TracePrefixes): TraceDirectory {
  return {
    bytes: prefixes.byteLength + granules.byteLength,
    granulesOf(traceId) {
      const prefix = prefixAt(traceId, 0);
      let index = lowerBound(prefixes, prefix);
      if (prefixes[index] !== prefix) return NOWHERE;
      const found: number[] = [];
      for (; prefixes[index] === prefix; index++)
        if (found.at(-1) !== granules[index]) found.push(granules[index]!);
      return found;
    },
  };
}

/** Of a single granule that is not opened yet: 16 bytes an id, in any order, as often as they come. */
export function directoryOfIds(traceIds: Uint8Array): TraceDirectory {
  const { prefixes, granules } = tracePrefixesOf([traceIds]);
  return directoryOf({ prefixes: prefixes.toSorted(), granules });
}

/** The first of rising numbers that is not less. */
function lowerBound(numbers: Uint32Array, wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The ids of a block's traces. */
export interface TraceIds {
  readonly bytes: number;
  /** The id of a granule's run of rows of one trace. */
  idOf(granule: number, run: number): Buffer;
}

/** `ids`: of each granule's runs of rows of one trace, 16 bytes each. */
export function traceIdsOf(ids: readonly Buffer[]): TraceIds {
  return {
    bytes: ids.reduce((sum, { length }) => sum + length, 0),
    idOf(granule, run) {
      const at = run * TRACE_ID_BYTES;
      const ofGranule = ids[granule];
      if (ofGranule === undefined || at >= ofGranule.length)
        throw new DamagedPart(`got run ${run} of granule ${granule}, expected one that is there`);
      return ofGranule.subarray(at, at + TRACE_ID_BYTES);
    },
  };
}

/** Rows of the trace in a granule, `[first, end)`; null when it has none. */
export function rowsOfTrace(granule: Granule, traceId: Uint8Array): { first: number; end: number } | null {
  const run = runOfTrace(granule, traceId);
  const { starts } = granule.traces;
  return run === null ? null : { first: starts[run]!, end: starts[run + 1]! };
}

/** Which of a granule's runs is of the trace; null when none is. */
export function runOfTrace({ traces: { ids, starts } }: Granule, traceId: Uint8Array): number | null {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = middle * TRACE_ID_BYTES;
    const order = ids.compare(traceId, 0, TRACE_ID_BYTES, at, at + TRACE_ID_BYTES);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}
