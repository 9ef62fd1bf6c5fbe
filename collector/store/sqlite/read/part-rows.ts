/**
 * Reads parts of blocks from their rows. A row holds a column of several granules: who reads these in turn has it whole,
 * who reads one granule gets its part alone.
 */
import { DamagedPart } from '../../columns/damaged-part.ts';
import { partAt, partPlace, PLACE_BYTES } from '../block-parts.ts';
import { isCorrupt, type Connection } from '../open-database.ts';

export interface PartRows {
  /** Null where the granule has no such part; so does `inTurn`. */
  alone(blockId: number, name: string, granule: number): Uint8Array | null;
  /** A view: it keeps the parts of other granules in memory. */
  inTurn(blockId: number, name: string, granule: number): Uint8Array | null;
}

interface Row {
  readonly first_granule: number;
  readonly data: Buffer;
}

interface Wanted {
  readonly blockId: number;
  readonly name: string;
  readonly granule: number;
}

export function createPartRows(database: Connection): PartRows {
  // `+`: SQLite plans a query anew for another value of a bare parameter, which costs as much as the rest of it.
  const from = `FROM block_part
    WHERE block_id = +@blockId AND column_name = +@name AND first_granule <= @granule
    ORDER BY first_granule DESC LIMIT 1`;
  const selectRow = database.prepare<[Wanted], Row>(`SELECT first_granule, data ${from}`);
  const options = { deterministic: true, directOnly: true };
  database.function('part_start', options, (head, index) => placeOf(head, index)?.start ?? 0);
  database.function('part_length', options, (head, index) => placeOf(head, index)?.length ?? 0);
  const index = '@granule - first_granule';
  const head = `substr(data, 1, ${PLACE_BYTES} * (2 + ${index}))`;
  // SQLite walks all pages of the row either way: it is the copy of it, as garbage in this thread, that is spared.
  const selectPart = database
    .prepare<[Wanted], Buffer>(
      `SELECT substr(data, 1 + part_start(${head}, ${index}), part_length(${head}, ${index})) ${from}`,
    )
    .pluck();
  /** The last of each column is read again by the next granule. */
  let kept = { blockId: -1, rows: new Map<string, Row>() };

  return {
    alone(blockId, name, granule) {
      const part = readStored(() => selectPart.get({ blockId, name, granule }));
      return part === undefined || part.length === 0 ? null : part;
    },
    inTurn(blockId, name, granule) {
      if (kept.blockId !== blockId) kept = { blockId, rows: new Map() };
      const last = kept.rows.get(name);
      const part =
        last === undefined || last.first_granule > granule
          ? null
          : partAt(last.data, granule - last.first_granule);
      if (part !== null) return part;
      const row = readStored(() => selectRow.get({ blockId, name, granule }));
      if (row === undefined) return null;
      kept.rows.set(name, row);
      return partAt(row.data, granule - row.first_granule);
    },
  };
}

function placeOf(head: unknown, index: unknown) {
  return partPlace(head as Buffer, index as number);
}

/** Pages that SQLite cannot read are damage of what they hold. */
export function readStored<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    throw new DamagedPart((error as Error).message);
  }
}
