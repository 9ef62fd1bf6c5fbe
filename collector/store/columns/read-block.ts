/** Opens what encode-granule.ts made: a block's header and its granules. */
import { HEADER } from './encode-granule.ts';
import { BlockGranule } from './block-granule.ts';
import type { Granule } from './granule.ts';
import { GranuleParts } from './granule-parts.ts';
import { openPart } from './part.ts';
import { readBlockHeader, type BlockHeader } from './block-header.ts';

export type { BlockHeader };

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
  const parts = new GranuleParts(block, block.zone(number), (name) => {
    const bytes = read(name);
    return bytes === null ? null : openPart(name, bytes);
  });
  return new BlockGranule(parts);
}
