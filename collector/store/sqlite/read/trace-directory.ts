/**
 * Where the traces of a unit are: the first 32 bits of each id, rising, and its granule. Two different traces of a
 * million share them: the granule tells whether it is the one. It takes 8 bytes a trace and no decoding to look one up.
 */
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';

export interface TraceDirectory {
  readonly bytes: number;
  /** Numbers of granules that may hold rows of the trace; mostly none. */
  granulesOf(traceId: Uint8Array): number[];
}

export function directoryOf(unit: {
  readonly granules: number;
  granule(number: number): Granule;
}): TraceDirectory {
  const runs = Array.from({ length: unit.granules }, (_, number) => unit.granule(number).traces);
  const count = runs.reduce((sum, { starts }) => sum + starts.length - 1, 0);
  const prefixes = new Uint32Array(count);
  const granules = new Uint32Array(count);
  let at = 0;
  for (const [number, { ids, starts }] of runs.entries()) {
    for (let run = 0; run + 1 < starts.length; run++) {
      prefixes[at] = ids.readUInt32BE(run * TRACE_ID_BYTES);
      granules[at++] = number;
    }
  }
  return {
    bytes: prefixes.byteLength + granules.byteLength,
    granulesOf(traceId) {
      const prefix = prefixOf(traceId);
      const found: number[] = [];
      for (let i = lowerBound(prefixes, prefix); i < count && prefixes[i] === prefix; i++) {
        if (found.at(-1) !== granules[i]) found.push(granules[i]!);
      }
      return found;
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
      return sorted[lowerBound(sorted, prefix)] === prefix ? [0] : [];
    },
  };
}

function prefixOf(traceId: Uint8Array): number {
  return Buffer.from(traceId.buffer, traceId.byteOffset, TRACE_ID_BYTES).readUInt32BE(0);
}

/** Rows of the trace in a granule, `[first, end)`; null when it has none. */
export function rowsOfTrace(granule: Granule, traceId: Uint8Array): { first: number; end: number } | null {
  const { ids, starts } = granule.traces;
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = ids.compare(
      traceId,
      0,
      TRACE_ID_BYTES,
      middle * TRACE_ID_BYTES,
      (middle + 1) * TRACE_ID_BYTES,
    );
    if (order === 0) return { first: starts[middle]!, end: starts[middle + 1]! };
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}

function lowerBound(prefixes: Uint32Array, prefix: number): number {
  let low = 0;
  let high = prefixes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (prefixes[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
}
