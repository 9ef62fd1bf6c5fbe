/**
 * The parts of a block's granule, each opened when it is asked for and kept as it was packed: rows are decoded from them,
 * all or those of one trace.
 */
import { SPAN_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { openColumn, type OpenColumn } from './block-column.ts';
import type { BlockHeader } from './block-header.ts';
import { GranuleWords } from './decode-column.ts';
import {
  openEnds,
  openParents,
  openStarts,
  readTraces,
  type PackedEnds,
  type PackedParents,
  type PackedStarts,
  type TraceRuns,
} from './decode-rows.ts';
import { readGiveUps } from './give-ups.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import type { RowGiveUp } from './span-table.ts';
import type { GranuleZone } from './zone.ts';

/** A part by its name; null when the granule has none of it. */
export type ReadPart = (name: string) => PartSource | null;

export class GranuleParts {
  readonly stored: BlockHeader;
  readonly zone: GranuleZone;
  readonly #read: ReadPart;
  readonly #columns = new Map<string, OpenColumn | null>();
  readonly #words = new Map<string, GranuleWords>();
  #runs: TraceRuns | undefined;
  #spanIds: Uint8Array | undefined;
  #parents: PackedParents | undefined;
  #starts: PackedStarts | undefined;
  #ends: PackedEnds | undefined;
  #classOf: Uint32Array | undefined;
  #giveUps: ReadonlyMap<number, RowGiveUp> | undefined;

  constructor(stored: BlockHeader, zone: GranuleZone, read: ReadPart) {
    this.stored = stored;
    this.zone = zone;
    this.#read = read;
  }

  get runs(): TraceRuns {
    return (this.#runs ??= readTraces(this.#part('trace'), this.zone.rows));
  }
  /** 8 bytes a row: a view of the part. */
  get spanIds(): Uint8Array {
    return (this.#spanIds ??= this.#part('span_id').dense.take(this.zone.rows * SPAN_ID_BYTES));
  }
  get parents(): PackedParents {
    return (this.#parents ??= openParents(this.#part('parent'), this.zone.rows));
  }
  get starts(): PackedStarts {
    const runs = this.runs.starts.length - 1;
    return (this.#starts ??= openStarts(this.#part('start'), runs, this.zone.rows));
  }
  get ends(): PackedEnds {
    return (this.#ends ??= openEnds(this.#part('end'), this.zone.rows));
  }

  /** The class of each row as it is stored: resources apart. Of all rows: those before tell where a row's values are. */
  get classOf(): Uint32Array {
    if (this.#classOf !== undefined) return this.#classOf;
    const classOf = new PackedIntegers(this.#part('class'), this.zone.rows).toArray();
    const { count } = this.stored.classes;
    for (let row = 0; row < classOf.length; row++) {
      if (classOf[row]! >= count)
        throw new DamagedPart(`part class: got ${classOf[row]}, expected one of ${count}`);
    }
    return (this.#classOf = classOf);
  }

  /** By row. */
  get giveUps(): ReadonlyMap<number, RowGiveUp> {
    if (this.#giveUps !== undefined) return this.#giveUps;
    const part = this.#read('give_up');
    return (this.#giveUps = part === null ? new Map() : readGiveUps(part.loose, this.zone.rows));
  }

  /** Of a column of which every row has one value. */
  words(name: 'resource' | 'peer'): GranuleWords {
    let words = this.#words.get(name);
    if (words === undefined) this.#words.set(name, (words = this.#openWords(name)));
    return words;
  }

  column(name: string): OpenColumn | null {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#openColumn(name)));
    return column;
  }

  #openWords(name: 'resource' | 'peer'): GranuleWords {
    const stored = this.stored[name];
    if (stored.ranks?.isByClass === true) return new GranuleWords(stored, null, 0);
    const part = this.#part(name);
    const { rows } = this.zone;
    const count = part.loose.varint(rows);
    if (count !== rows) throw new DamagedPart(`part ${name}: got ${count} values, expected ${rows}`);
    return new GranuleWords(stored, part, count);
  }

  #openColumn(name: string): OpenColumn | null {
    const stored = this.stored.columns.find((column) => column.name === name);
    if (stored === undefined) return null;
    const part = this.#read(name);
    return part === null && !stored.isInHeader ? null : openColumn(stored, part);
  }

  #part(name: string): PartSource {
    const part = this.#read(name);
    if (part === null) throw new DamagedPart(`part ${name} is missing`);
    return part;
  }
}
