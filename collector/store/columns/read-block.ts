/** Opens what encode-granule.ts made: a block's header and granules, and segments. */
import { ByteSource } from './byte-source.ts';
import { DamagedPart } from './damaged-part.ts';
import { HEADER, SEGMENT } from './encode-granule.ts';
import { Granule } from './granule.ts';
import { openPart, PART_BYTES_MAX, type PartSource } from './part.ts';
import { readShapes, type StoredShapes } from './shapes-part.ts';
import { readZone, type GranuleZone } from './zone.ts';

export interface BlockHeader {
  readonly stored: StoredShapes;
  /** Of the granules, in order. */
  readonly zones: readonly GranuleZone[];
}

const GRANULES_MAX = 65_536;
const PARTS_MAX = 2_048;

/** Throws DamagedPart. */
export function decodeBlockHeader(bytes: Uint8Array): BlockHeader {
  const part = openPart(HEADER, bytes);
  const stored = readShapes(part);
  const zones: GranuleZone[] = [];
  for (let left = part.loose.varint(GRANULES_MAX), firstRow = 0; left > 0; left--) {
    const zone = readZone(part.loose, firstRow);
    zones.push(zone);
    firstRow += zone.rows;
  }
  return { stored, zones };
}

/** `read` gives a part of this granule as it was stored; null when there is none. It is called when a part is needed. */
export function openGranule(
  { stored, zones }: BlockHeader,
  number: number,
  read: (partName: string) => Uint8Array | null,
): Granule {
  const zone = zones[number];
  if (zone === undefined) throw new DamagedPart(`got granule ${number}, expected one of ${zones.length}`);
  return new Granule(stored, zone, (name) => {
    const bytes = read(name);
    return bytes === null ? null : openPart(name, bytes);
  });
}

/** Throws DamagedPart. */
export function openSegment(bytes: Uint8Array): Granule {
  const { dense, loose } = openPart(SEGMENT, bytes);
  const directory = Array.from({ length: loose.varint(PARTS_MAX) }, () => {
    const name = loose.take(loose.varint(256)).toString();
    return { name, dense: loose.varint(PART_BYTES_MAX), loose: loose.varint(PART_BYTES_MAX) };
  });
  const parts = new Map(
    directory.map((entry) => [
      entry.name,
      { dense: dense.take(entry.dense), loose: loose.take(entry.loose) },
    ]),
  );
  const read = (name: string): PartSource | null => {
    const part = parts.get(name);
    return part === undefined
      ? null
      : { dense: new ByteSource(part.dense), loose: new ByteSource(part.loose) };
  };
  const header = read(HEADER);
  if (header === null) throw new DamagedPart('got a segment without a header');
  const stored = readShapes(header);
  return new Granule(stored, readZone(header.loose, 0), read);
}
