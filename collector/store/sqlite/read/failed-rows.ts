/** Opens what the writer kept of a block: the rows of traces that failed, as a small block. */
import { HEADER } from '../../columns/encode-granule.ts';
import type { Granule } from '../../columns/granule.ts';
import { decodeBlockHeader, openGranule } from '../../columns/read-block.ts';
import { readTracePrefixes } from '../../columns/trace-prefixes.ts';
import { partAt, type PartRow } from '../block-parts.ts';
import { directoryOf } from './trace-directory.ts';
import { blockName, needed, type OnDamage, type TraceUnit } from './units.ts';

/** All rows that the block has of some of its traces. */
export interface FailedRows {
  readonly blockId: number;
  readonly granules: number;
  readonly spans: number;
  readonly parts: readonly PartRow[];
}

/** By the names of the blocks. What cannot be opened is left out, and said: its block has it as well. */
export function openFailedRows(
  kept: readonly FailedRows[],
  onDamage: OnDamage,
): ReadonlyMap<string, TraceUnit> {
  const units = new Map<string, TraceUnit>();
  for (const rows of kept) {
    const name = blockName(rows.blockId);
    try {
      units.set(name, unitOf(rows));
    } catch (error) {
      onDamage(`rows kept beside ${name}: ${(error as Error).message}`);
    }
  }
  return units;
}

function unitOf({ blockId, granules, spans, parts }: FailedRows): TraceUnit {
  const read = (name: string, granule: number): Uint8Array | null => {
    const row = parts.findLast(
      ({ columnName, firstGranule }) => columnName === name && firstGranule <= granule,
    );
    if (row === undefined) return null;
    // From another thread, bytes come as no Buffer.
    const { buffer, byteOffset, byteLength } = row.data;
    return partAt(Buffer.from(buffer, byteOffset, byteLength), granule - row.firstGranule);
  };
  const header = decodeBlockHeader(needed(HEADER, read(HEADER, 0)));
  const directory = directoryOf(readTracePrefixes(spans, granules, read));
  const opened: Granule[] = [];
  return {
    name: blockName(blockId),
    directory: () => directory,
    granule: (number) => (opened[number] ??= openGranule(header, number, (name) => read(name, number))),
  };
}
