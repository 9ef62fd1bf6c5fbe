/** Spans that are in no block yet: rows of a table in memory, and the segments that hold the same rows on disk. */
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import {
  createSpanTable,
  resetTable,
  tableBytes,
  traceIdOf,
  type SpanTable,
} from '../../columns/span-table.ts';
import type { Fingerprint } from './recent-requests.ts';

/**
 * A table is folded when it has so many rows, or so many bytes: what a block is made of at full load. With what is
 * usually in flight, 4 MB of spans, it stays within 131,072: what it has room for before it doubles once more.
 */
export const FOLD_ROWS = 114_688;
export const FOLD_BYTES = 40_000_000;

/** A cleared table keeps the room that it has, unless that is more than this and hardly any of it was used. */
const ROOM_KEPT_ROWS = 32_768;
const USED_SHARE_MIN = 1 / 16;

export class Unfolded {
  table = createSpanTable();
  segmentIds: number[] = [];
  fingerprints: Fingerprint[] = [];
  firstArrivedUnixMs = Infinity;
  lastArrivedUnixMs = -Infinity;
  /** When the first of them came, by `performance.now()`. */
  sinceMs = 0;

  /** How full the table is; beyond 1 it is to be folded before more is taken. */
  get fill(): number {
    return Math.max(this.table.rows / FOLD_ROWS, tableBytes(this.table) / FOLD_BYTES);
  }

  add(segmentId: number, arrivedUnixMs: number, fingerprints: Iterable<Fingerprint>): void {
    if (this.segmentIds.length === 0) this.sinceMs = performance.now();
    this.segmentIds.push(segmentId);
    this.fingerprints.push(...fingerprints);
    this.firstArrivedUnixMs = Math.min(this.firstArrivedUnixMs, arrivedUnixMs);
    this.lastArrivedUnixMs = Math.max(this.lastArrivedUnixMs, arrivedUnixMs);
  }

  clear(): void {
    const room = this.table.shape.length;
    // After a flood, what it took is given back.
    if (room > ROOM_KEPT_ROWS && this.table.rows < room * USED_SHARE_MIN) this.table = createSpanTable();
    else resetTable(this.table);
    this.segmentIds = [];
    this.fingerprints = [];
    this.firstArrivedUnixMs = Infinity;
    this.lastArrivedUnixMs = -Infinity;
  }
}

export function holdsTrace({ traceId, rows }: SpanTable, wanted: Buffer): boolean {
  for (let row = 0; row < rows; row++) {
    const at = row * TRACE_ID_BYTES;
    if (wanted.compare(traceId, at, at + TRACE_ID_BYTES) === 0) return true;
  }
  return false;
}

/** So many that few rows of other traces have the slot of one that is looked for. */
const SLOTS = 1 << 17;

/** Those of these traces that have rows in the tables: 100,000 rows take a millisecond, or two for a thousand traces. */
export function tracesIn(tables: readonly SpanTable[], traceIds: readonly string[]): string[] {
  const wanted = new Set(traceIds);
  const ids = wordsOf(Uint8Array.from(Buffer.from([...wanted].join(''), 'hex')));
  /** How many have the slot that are not found yet. */
  const sought = new Uint16Array(SLOTS);
  for (let trace = 0; trace < wanted.size; trace++) sought[slotOf(ids, trace)]!++;
  const found: string[] = [];
  for (const table of tables) {
    const words = wordsOf(table.traceId);
    for (let row = 0; row < table.rows; row++) {
      const slot = slotOf(words, row);
      if (sought[slot] === 0) continue;
      const traceId = traceIdOf(table, row);
      if (!wanted.delete(traceId)) continue;
      found.push(traceId);
      sought[slot]!--;
    }
  }
  return found;
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT);
}

/** By all of the id: older senders leave half of it zero. */
function slotOf(words: Uint32Array, row: number): number {
  const at = row * 4;
  const word = words[at]! ^ words[at + 1]! ^ words[at + 2]! ^ words[at + 3]!;
  return (word ^ (word >>> 15)) & (SLOTS - 1);
}
