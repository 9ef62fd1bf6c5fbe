/** Opens what encode-granule.ts made: a block's header and granules, and segments. */
import { ByteSource } from './byte-source.ts';
import { DamagedPart } from './damaged-part.ts';
import { HEADER, SEGMENT } from './encode-granule.ts';
import { Granule } from './granule.ts';
import { openPart, PART_BYTES_MAX, type PartSource } from './part.ts';
import { readBlockHeader, type BlockHeader } from './block-header.ts';

export type { BlockHeader };

const PARTS_MAX = 2_048;
const PART_NAME_BYTES = 256;

/** Throws DamagedPart. */
export function decodeBlockHeader(bytes: Uint8Array): BlockHeader {
  return readBlockHeader(openPart(HEADER, bytes));
}

/** `read` gives a part of this granule as it was stored; null when there is none. It is called when a part is needed. */
export function openGranule(
  block: BlockHeader,
  number: number,
  read: (partName: string) => Uint8Array | null,
): Granule {
  const zone = block.zones[number];
  if (zone === undefined)
    throw new DamagedPart(`got granule ${number}, expected one of ${block.zones.length}`);
  return new Granule(block, zone, (name) => {
    const bytes = read(name);
    return bytes === null ? null : openPart(name, bytes);
  });
}

/** Throws DamagedPart. */
export function openSegment(bytes: Uint8Array): Granule {
  const { dense, loose } = openPart(SEGMENT, bytes);
  const directory = Array.from({ length: loose.varint(PARTS_MAX) }, () => {
    return {
      name: loose.text(PART_NAME_BYTES),
      dense: loose.varint(PART_BYTES_MAX),
      loose: loose.varint(PART_BYTES_MAX),
    };
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
  const block = readBlockHeader(header);
  const [zone] = block.zones;
  if (zone === undefined) throw new DamagedPart('got a segment without rows');
  return new Granule(block, zone, read);
}
