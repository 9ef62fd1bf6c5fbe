/**
 * Which traces a unit has, and where: their ids, rising, and how many each granule has. To look one up takes no decoding,
 * and to keep them 16 bytes a trace.
 */
import { DamagedPart } from '../../columns/damaged-part.ts';
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { viewOf } from '../../columns/string-pool.ts';

export interface TraceDirectory {
  readonly bytes: number;
  /** Numbers of granules that may hold rows of the trace; mostly none. */
  granulesOf(traceId: Uint8Array): readonly number[];
}

export interface BlockDirectory extends TraceDirectory {
  /** The id of a granule's run of rows of one trace. */
  idOf(granule: number, run: number): Buffer;
}

const NOWHERE: readonly number[] = [];

/** `idsOf` gives the ids of a granule's runs of rows of one trace, 16 bytes each. */
export function directoryOf(granules: number, idsOf: (granule: number) => Uint8Array): BlockDirectory {
  const parts = Array.from({ length: granules }, (_, granule) => idsOf(granule));
  const ids = Buffer.concat(parts);
  /** The byte that each granule's ids begin with; one more at the end. */
  const firsts = new Uint32Array(granules + 1);
  for (const [granule, part] of parts.entries()) firsts[granule + 1] = firsts[granule]! + part.length;
  // Much quicker than `readUInt32BE`, and for each trace asked for some fifteen are read of each block.
  const view = viewOf(ids);
  const prefixAt = (index: number) => view.getUint32(index * TRACE_ID_BYTES);
  return {
    bytes: ids.length,
    granulesOf(traceId) {
      const prefix = prefixOf(traceId);
      let index = lowerBound(ids.length / TRACE_ID_BYTES, prefixAt, prefix);
      if (index * TRACE_ID_BYTES >= ids.length || prefixAt(index) !== prefix) return NOWHERE;
      const found: number[] = [];
      let granule = 0;
      for (; index * TRACE_ID_BYTES < ids.length && prefixAt(index) === prefix; index++) {
        while (firsts[granule + 1]! <= index * TRACE_ID_BYTES) granule++;
        if (found.at(-1) !== granule) found.push(granule);
      }
      return found;
    },
    idOf(granule, run) {
      const at = firsts[granule]! + run * TRACE_ID_BYTES;
      if (granule >= granules || at >= firsts[granule + 1]!)
        throw new DamagedPart(`got run ${run} of granule ${granule}, expected one that is there`);
      return ids.subarray(at, at + TRACE_ID_BYTES);
    },
  };
}

/** Of a single granule that is not opened yet: 16 bytes an id, in any order, as often as they come. */
export function directoryOfIds(traceIds: Uint8Array): TraceDirectory {
  const ids = Buffer.from(traceIds.buffer, traceIds.byteOffset, traceIds.byteLength);
  const prefixes = new Uint32Array(ids.length / TRACE_ID_BYTES);
  for (let row = 0; row < prefixes.length; row++) prefixes[row] = ids.readUInt32BE(row * TRACE_ID_BYTES);
  const sorted = prefixes.toSorted();
  return {
    bytes: sorted.byteLength,
    granulesOf(traceId) {
      const prefix = prefixOf(traceId);
      return sorted[lowerBound(sorted.length, (index) => sorted[index]!, prefix)] === prefix ? [0] : NOWHERE;
    },
  };
}

/** Every unit is asked: a view of the bytes would be most of the work. */
function prefixOf(traceId: Uint8Array): number {
  return ((traceId[0]! << 24) | (traceId[1]! << 16) | (traceId[2]! << 8) | traceId[3]!) >>> 0;
}

/** The first of `count` rising numbers that is not less. */
function lowerBound(count: number, at: (index: number) => number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
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
