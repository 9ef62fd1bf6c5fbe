/**
 * How the columns of a block's granules lie in rows of `block_part`: the same column of several granules in one row,
 *
 *     granules in the row (u32) │ length of each (u32 …) │ bytes of each …
 *
 * because a row of a few kilobytes wastes part of a page, and a search reads a column of all granules anyway.
 */

import { DamagedPart } from '../columns/damaged-part.ts';

export interface PartRow {
  readonly columnName: string;
  readonly firstGranule: number;
  readonly data: Buffer;
}

/**
 * Who reads one granule walks all of its rows, of some 15 columns: less in a row is less to read, but more rows. With 128 KB the
 * file was 1 % smaller, and a trace read 1.1 MB instead of 0.4.
 */
const ROW_BYTES = 32 * 1024;
/** Of the number of granules, and of the length of each. */
export const PLACE_BYTES = 4;

/** `granules` are the columns of each granule in order; a granule may lack some. */
export function partRows(granules: readonly ReadonlyMap<string, Uint8Array>[]): PartRow[] {
  const rows: PartRow[] = [];
  const names = new Set(granules.flatMap((columns) => [...columns.keys()]));
  for (const columnName of names) {
    let parts: (Uint8Array | undefined)[] = [];
    let bytes = 0;
    for (const [granule, columns] of granules.entries()) {
      const part = columns.get(columnName);
      if (parts.length > 0 || part !== undefined) parts.push(part);
      bytes += part?.length ?? 0;
      if (bytes < ROW_BYTES && granule < granules.length - 1) continue;
      const firstGranule = granule - parts.length + 1;
      if (bytes > 0) rows.push({ columnName, firstGranule, data: joinParts(parts) });
      parts = [];
      bytes = 0;
    }
  }
  return rows;
}

/** The part of the granule that stands at `index` of its row; null when it has none. */
export function partAt(data: Buffer, index: number): Buffer | null {
  const place = partPlace(data, index);
  return place === null ? null : data.subarray(place.start, place.start + place.length);
}

/** Where it stands in the row, by its first `2 + index` numbers; null when it has none. Throws DamagedPart. */
export function partPlace(head: Buffer, index: number): { start: number; length: number } | null {
  const count = head.length < PLACE_BYTES ? 0 : head.readUInt32LE(0);
  if (index >= count) return null;
  if (head.length < PLACE_BYTES * (2 + index)) throw new DamagedPart('its row is cut off');
  let start = PLACE_BYTES * (1 + count);
  for (let before = 0; before < index; before++) start += head.readUInt32LE(PLACE_BYTES * (1 + before));
  const length = head.readUInt32LE(PLACE_BYTES * (1 + index));
  return length === 0 ? null : { start, length };
}

function joinParts(parts: readonly (Uint8Array | undefined)[]): Buffer {
  const last = parts.findLastIndex((part) => part !== undefined);
  const kept = parts.slice(0, last + 1);
  const head = Buffer.allocUnsafe(PLACE_BYTES * (1 + kept.length));
  head.writeUInt32LE(kept.length, 0);
  for (const [index, part] of kept.entries()) {
    head.writeUInt32LE(part?.length ?? 0, PLACE_BYTES * (1 + index));
  }
  return Buffer.concat([head, ...kept.filter((part) => part !== undefined)]);
}
