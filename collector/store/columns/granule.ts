/**
 * Rows as they were stored, read part by part when they are asked for. A segment is read as one granule.
 *
 * Its columns are those of `SpanRows`, so what works on a table works on a granule; rows are ordered as row-order.ts
 * says. Anything that is not as it was written ends in DamagedPart.
 */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { GranuleWords } from './decode-column.ts';
import {
  readEnds,
  readGiveUps,
  readParents,
  readStarts,
  readTraces,
  type Parents,
  type Times,
  type TraceRuns,
} from './decode-rows.ts';
import { WORDS_OF } from './operations.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import type { Shape } from './shape-book.ts';
import { composeSpan } from './span-bytes.ts';
import type { RowGiveUp, SpanRows } from './span-table.ts';
import type { ResourceClasses, BlockHeader, StoredColumn } from './block-header.ts';
import { ValueColumn } from './value-column.ts';
import type { GranuleZone } from './zone.ts';

/** A part by its name; null when the granule has none of it. */
export type ReadPart = (name: string) => PartSource | null;

/** What the rows of a class agree in, resource included, and the class of each row. */
export interface GranuleClasses extends ResourceClasses {
  readonly of: Uint32Array;
}

/** For each word of a shape's values: which hole it belongs to, and how many of the same column stand before that. */
interface ShapeWords {
  readonly column: Uint16Array;
  readonly ordinal: Uint16Array;
  readonly word: Uint8Array;
}

export class Granule implements SpanRows {
  readonly zone: GranuleZone;
  readonly rows: number;
  readonly stored: BlockHeader;
  readonly #read: ReadPart;
  readonly #columns = new Map<string, ValueColumn | null>();
  readonly #shapeWords = new Map<Shape, ShapeWords>();
  #runs: TraceRuns | undefined;
  #traceId: Uint8Array | undefined;
  #spanId: Uint8Array | undefined;
  #parents: Parents | undefined;
  #starts: Times | undefined;
  #ends: Times | undefined;
  /** The class of each row as it is stored: resources apart. */
  #classOf: Uint32Array | undefined;
  #classes: GranuleClasses | undefined;
  #byRow: ReturnType<typeof spread> | undefined;
  #peer: Uint32Array | undefined;
  #giveUps: ReadonlyMap<number, RowGiveUp> | undefined;

  constructor(stored: BlockHeader, zone: GranuleZone, read: ReadPart) {
    this.stored = stored;
    this.zone = zone;
    this.rows = zone.rows;
    this.#read = read;
  }

  /** The runs of rows of one trace. */
  get traces(): TraceRuns {
    return (this.#runs ??= readTraces(this.#part('trace'), this.rows));
  }

  /** What many rows share, to be tested once; all but `of` is the same for the granules of a block. */
  get classes(): GranuleClasses {
    if (this.#classes !== undefined) return this.#classes;
    const { byResource, resource } = this.stored;
    const ofClass = this.#storedClassOf;
    const source = resource.ranks?.isByClass === true ? null : this.#part('resource');
    const words = new GranuleWords(resource, source, this.rows);
    const of = new Uint32Array(this.rows);
    for (let row = 0; row < of.length; row++) of[row] = words.indexAt(row, ofClass[row]!);
    return (this.#classes = { ...byResource, of });
  }

  get traceId(): Uint8Array {
    if (this.#traceId !== undefined) return this.#traceId;
    const { ids, starts } = this.traces;
    const traceId = new Uint8Array(this.rows * TRACE_ID_BYTES);
    for (let run = 0; run + 1 < starts.length; run++) {
      const id = ids.subarray(run * TRACE_ID_BYTES, (run + 1) * TRACE_ID_BYTES);
      for (let row = starts[run]!; row < starts[run + 1]!; row++) traceId.set(id, row * TRACE_ID_BYTES);
    }
    return (this.#traceId = traceId);
  }

  get spanId(): Uint8Array {
    return (this.#spanId ??= Uint8Array.from(this.#part('span_id').dense.take(this.rows * SPAN_ID_BYTES)));
  }

  get parentSpanId(): Uint8Array {
    return this.#allParents.ids;
  }
  /** The row of each row's parent, where that is here; else the row itself. */
  get parentRow(): Uint32Array {
    return this.#allParents.rows;
  }
  get startLow(): Uint32Array {
    return this.#allStarts.low;
  }
  get startHigh(): Uint32Array {
    return this.#allStarts.high;
  }
  get endLow(): Uint32Array {
    return this.#allEnds.low;
  }
  get endHigh(): Uint32Array {
    return this.#allEnds.high;
  }
  get resource(): Uint32Array {
    return this.#ofRows.resource;
  }
  get scope(): Uint32Array {
    return this.#ofRows.scope;
  }
  get operation(): Uint32Array {
    return this.#ofRows.operation;
  }
  get shape(): Uint32Array {
    return this.#ofRows.shape;
  }
  get kind(): Uint8Array {
    return this.#ofRows.kind;
  }
  get status(): Uint8Array {
    return this.#ofRows.status;
  }
  get outcome(): Uint8Array {
    return this.#ofRows.outcome;
  }
  get flags(): Uint8Array {
    return this.#ofRows.flags;
  }

  get peer(): Uint32Array {
    if (this.#peer !== undefined) return this.#peer;
    const { peer } = this.stored;
    const words = new GranuleWords(
      peer,
      peer.ranks?.isByClass === true ? null : this.#part('peer'),
      this.rows,
    );
    const peers = new Uint32Array(this.rows);
    const classOf = this.#storedClassOf;
    for (let row = 0; row < peers.length; row++) peers[row] = words.wordAt(words.indexAt(row, classOf[row]!));
    return (this.#peer = peers);
  }

  get giveUps(): ReadonlyMap<number, RowGiveUp> {
    return (this.#giveUps ??= readGiveUps(this.#read('give_up'), this.rows));
  }

  /** A column by its name; null when no row has a value of it. (One that is by class is there for the whole block.) */
  column(name: string): ValueColumn | null {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#openColumn(name)));
    return column;
  }

  /** The row's span as it was sent. */
  spanBytes(row: number): Buffer {
    const shape = this.stored.shapes[this.stored.classes.shape[this.#storedClassOf[row]!]!]!;
    const words = this.#wordsOf(shape);
    const idAt = row * SPAN_ID_BYTES;
    const columnAt = (offset: number) => {
      const { name } = this.stored.columns[words.column[offset]!]!;
      const column = this.column(name);
      if (column === null) throw new DamagedPart(`part ${name} is missing`);
      return column;
    };
    return composeSpan(shape, this.stored.columns, {
      traceId: this.traceId.subarray(row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES),
      spanId: this.spanId.subarray(idAt, idAt + SPAN_ID_BYTES),
      parentSpanId: this.parentSpanId.subarray(idAt, idAt + SPAN_ID_BYTES),
      startLow: this.startLow[row]!,
      startHigh: this.startHigh[row]!,
      endLow: this.endLow[row]!,
      endHigh: this.endHigh[row]!,
      word: (offset) => {
        const column = columnAt(offset);
        return column.wordAt(column.indexAt(row, words.ordinal[offset]!), words.word[offset]!);
      },
      string: (offset) => {
        const column = columnAt(offset);
        return column.bytesAt(column.indexAt(row, words.ordinal[offset]!));
      },
    });
  }

  get #storedClassOf(): Uint32Array {
    if (this.#classOf !== undefined) return this.#classOf;
    const classOf = new PackedIntegers(this.#part('class'), this.rows).toArray();
    const { count } = this.stored.classes;
    for (let row = 0; row < classOf.length; row++) {
      if (classOf[row]! >= count)
        throw new DamagedPart(`part class: got ${classOf[row]}, expected one of ${count}`);
    }
    return (this.#classOf = classOf);
  }

  get #allParents(): Parents {
    return (this.#parents ??= readParents(this.#part('parent'), this.traces, this.spanId, this.rows));
  }

  get #allStarts(): Times {
    return (this.#starts ??= readStarts(this.#part('start'), this.traces, this.rows));
  }

  get #allEnds(): Times {
    return (this.#ends ??= readEnds(this.#part('end'), this.#allStarts, this.parentRow, this.rows));
  }

  get #ofRows() {
    return (this.#byRow ??= spread(this.classes));
  }

  #part(name: string): PartSource {
    const part = this.#read(name);
    if (part === null) throw new DamagedPart(`part ${name} is missing`);
    return part;
  }

  #openColumn(name: string): ValueColumn | null {
    const stored = this.stored.columns.find((column) => column.name === name);
    if (stored === undefined) return null;
    const part = this.#read(name);
    return part === null && !isInHeader(stored) ? null : new ValueColumn(stored, part, this.#storedClassOf);
  }

  #wordsOf(shape: Shape): ShapeWords {
    let words = this.#shapeWords.get(shape);
    if (words === undefined) this.#shapeWords.set(shape, (words = shapeWords(shape, this.stored)));
    return words;
  }
}

function isInHeader({ strings, words }: StoredColumn): boolean {
  return strings === null
    ? words.every(({ ranks }) => ranks?.isByClass === true)
    : strings.ranks?.isByClass === true;
}

function shapeWords({ holes, words }: Shape, { columns }: BlockHeader): ShapeWords {
  const column = new Uint16Array(words);
  const ordinal = new Uint16Array(words);
  const word = new Uint8Array(words);
  const seen = new Map<number, number>();
  let offset = 0;
  for (const hole of holes) {
    const before = seen.get(hole) ?? 0;
    seen.set(hole, before + 1);
    for (let part = 0; part < WORDS_OF[columns[hole]!.format]; part++, offset++) {
      column[offset] = hole;
      ordinal[offset] = before;
      word[offset] = part;
    }
  }
  return { column, ordinal, word };
}

/** What the classes say, row by row. */
function spread({ of, ...classes }: GranuleClasses) {
  const wide = (values: Uint32Array) => {
    const rows = new Uint32Array(of.length);
    for (let row = 0; row < of.length; row++) rows[row] = values[of[row]!]!;
    return rows;
  };
  const narrow = (values: Uint8Array) => {
    const rows = new Uint8Array(of.length);
    for (let row = 0; row < of.length; row++) rows[row] = values[of[row]!]!;
    return rows;
  };
  return {
    operation: wide(classes.operation),
    shape: wide(classes.shape),
    resource: wide(classes.resource),
    scope: wide(classes.scope),
    kind: narrow(classes.kind),
    status: narrow(classes.status),
    outcome: narrow(classes.outcome),
    flags: narrow(classes.flags),
  };
}
