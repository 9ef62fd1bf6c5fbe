/**
 * Where a block's traces are, by the first 31 bits of their ids: whoever looks for a trace asks every block, and reads three
 * bytes of each trace for it, where ids are sixteen.
 */
import { TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { PackedIntegers, packIntegers } from './pack-integers.ts';
import { openDense, openPart, PART_BYTES_MAX, PartSink, sealPart } from './part.ts';

export const TRACE_PREFIXES = 'trace_prefix';
/** A smaller block is soon merged, and its ids are few. */
export const PREFIXED_ROWS_MIN = 4_096;

/** Rising; a trace that is in several granules comes as often. */
export interface TracePrefixes {
  readonly prefixes: Uint32Array;
  /** Of each, the granule that it is in. */
  readonly granules: Uint16Array;
}

const sink = new PartSink();

export function sealTracePrefixes({ prefixes, granules }: TracePrefixes): Buffer {
  sink.clear();
  const { dense, loose } = sink;
  loose.varint(prefixes.length);
  packIntegers(sink, prefixes, 0, prefixes.length, 1);
  packIntegers(sink, new Uint32Array(granules), 0, granules.length, 1);
  return sealPart(TRACE_PREFIXES, dense.view(0, dense.length), loose.view(0, loose.length));
}

/** A part of a block's granule as it was stored; null where there is none. */
type ReadPart = (name: string, granule: number) => Uint8Array | null;

/** Of a block of so many spans and granules. Throws DamagedPart. */
export function readTracePrefixes(spans: number, granules: number, read: ReadPart): TracePrefixes {
  const stored = spans < PREFIXED_ROWS_MIN ? null : readStored(read);
  return stored ?? tracePrefixesOf(readTraceIds(granules, read));
}

/** Null where an earlier version made the block, or they are damaged: the ids say the same. */
function readStored(read: ReadPart): TracePrefixes | null {
  try {
    const part = read(TRACE_PREFIXES, 0);
    if (part === null) return null;
    const source = openPart(TRACE_PREFIXES, part);
    const count = source.loose.varint(PART_BYTES_MAX);
    const prefixes = new PackedIntegers(source, count).toArray();
    return { prefixes, granules: new Uint16Array(new PackedIntegers(source, count).toArray()) };
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    return null;
  }
}

/** Of each granule the ids of its runs of rows of one trace; views of its part. Throws DamagedPart. */
export function readTraceIds(granules: number, read: ReadPart): Buffer[] {
  return Array.from({ length: granules }, (_, granule) => {
    const part = read('trace', granule);
    if (part === null) throw new DamagedPart('its trace is missing');
    return openDense('trace', part).bytes;
  });
}

/** Of each granule the ids of its traces, 16 bytes each, rising. */
export function tracePrefixesOf(ids: readonly Uint8Array[]): TracePrefixes {
  const count = ids.reduce((sum, { length }) => sum + length / TRACE_ID_BYTES, 0);
  const made = { prefixes: new Uint32Array(count), granules: new Uint16Array(count) };
  let index = 0;
  for (const [granule, ofGranule] of ids.entries()) {
    for (let at = 0; at < ofGranule.length; at += TRACE_ID_BYTES, index++) {
      made.prefixes[index] = prefixAt(ofGranule, at);
      made.granules[index] = granule;
    }
  }
  return made;
}

/**
 * Of the id that stands there; in the order of the ids. Those of 64 bits, with zeros before them, begin with their own: older
 * senders have no others, and all would begin alike.
 */
export function prefixAt(ids: Uint8Array, at: number): number {
  const first = wordAt(ids, at);
  if (first === 0 && wordAt(ids, at + 4) === 0) return wordAt(ids, at + 8) >>> 1;
  return ((first >>> 1) | 0x80000000) >>> 0;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
