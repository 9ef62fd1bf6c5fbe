/** A granule of a block, whose parts are read when they are asked for. */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { readGiveUps } from './give-ups.ts';
import { GranuleWords, type StoredWords } from './decode-column.ts';
import {
  readEnds,
  readParents,
  readStarts,
  readTraces,
  type Parents,
  type Times,
  type TraceRuns,
} from './decode-rows.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import { storedSpanBytes } from './span-bytes.ts';
import type { RowGiveUp } from './span-table.ts';
import { pick, type BlockHeader, type ResourceClasses } from './block-header.ts';
import type { ValueColumn } from './value-column.ts';
import { BlockColumn } from './block-column.ts';
import type { Granule, GranuleClasses } from './granule.ts';
import type { GranuleZone } from './zone.ts';

/** A part by its name; null when the granule has none of it. */
export type ReadPart = (name: string) => PartSource | null;

export class BlockGranule implements Granule {
  readonly zone: GranuleZone;
  readonly rows: number;
  readonly stored: BlockHeader;
  readonly #read: ReadPart;
  readonly #columns = new Map<string, ValueColumn | null>();
  #runs: TraceRuns | undefined;
  #traceId: Uint8Array | undefined;
  #spanId: Uint8Array | undefined;
  #parents: Parents | undefined;
  #starts: Times | undefined;
  #ends: Times | undefined;
  /** The class of each row as it is stored: resources apart. */
  #classOf: Uint32Array | undefined;
  #classes: GranuleClasses | undefined;
  #resource: Uint32Array | undefined;
  #scope: Uint32Array | undefined;
  #operation: Uint32Array | undefined;
  #shape: Uint32Array | undefined;
  #kind: Uint8Array | undefined;
  #status: Uint8Array | undefined;
  #outcome: Uint8Array | undefined;
  #flags: Uint8Array | undefined;
  #peer: Uint32Array | undefined;
  #giveUps: ReadonlyMap<number, RowGiveUp> | undefined;

  constructor(stored: BlockHeader, zone: GranuleZone, read: ReadPart) {
    this.stored = stored;
    this.zone = zone;
    this.rows = zone.rows;
    this.#read = read;
  }

  get traces(): TraceRuns {
    return (this.#runs ??= readTraces(this.#part('trace'), this.rows));
  }

  get classes(): GranuleClasses {
    if (this.#classes !== undefined) return this.#classes;
    const readRows = (): Uint32Array => {
      const ofClass = this.#storedClassOf;
      const words = this.#wordsOfRows('resource', this.stored.resource);
      const of = new Uint32Array(this.rows);
      for (let row = 0; row < of.length; row++) of[row] = words.indexAt(row, ofClass[row]!);
      return of;
    };
    return (this.#classes = new RowsByClass(this.stored.byResource, readRows));
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
    return (this.#spanId ??= new Uint8Array(this.#part('span_id').dense.take(this.rows * SPAN_ID_BYTES)));
  }

  get parentSpanId(): Uint8Array {
    return this.#allParents.ids;
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
    return (this.#resource ??= pick(this.classes.resource, this.classes.of, new Uint32Array(this.rows)));
  }
  get scope(): Uint32Array {
    return (this.#scope ??= pick(this.classes.scope, this.classes.of, new Uint32Array(this.rows)));
  }
  get operation(): Uint32Array {
    return (this.#operation ??= pick(this.classes.operation, this.classes.of, new Uint32Array(this.rows)));
  }
  get shape(): Uint32Array {
    return (this.#shape ??= pick(this.classes.shape, this.classes.of, new Uint32Array(this.rows)));
  }
  get kind(): Uint8Array {
    return (this.#kind ??= pick(this.classes.kind, this.classes.of, new Uint8Array(this.rows)));
  }
  get status(): Uint8Array {
    return (this.#status ??= pick(this.classes.status, this.classes.of, new Uint8Array(this.rows)));
  }
  get outcome(): Uint8Array {
    return (this.#outcome ??= pick(this.classes.outcome, this.classes.of, new Uint8Array(this.rows)));
  }
  get flags(): Uint8Array {
    return (this.#flags ??= pick(this.classes.flags, this.classes.of, new Uint8Array(this.rows)));
  }

  get peer(): Uint32Array {
    if (this.#peer !== undefined) return this.#peer;
    const { peer } = this.stored;
    const words = this.#wordsOfRows('peer', peer);
    const peers = new Uint32Array(this.rows);
    const classOf = this.#storedClassOf;
    for (let row = 0; row < peers.length; row++) peers[row] = words.wordAt(words.indexAt(row, classOf[row]!));
    return (this.#peer = peers);
  }

  get giveUps(): ReadonlyMap<number, RowGiveUp> {
    if (this.#giveUps !== undefined) return this.#giveUps;
    const part = this.#read('give_up');
    return (this.#giveUps = part === null ? new Map() : readGiveUps(part.loose, this.rows));
  }

  column(name: string): ValueColumn | null {
    let column = this.#columns.get(name);
    if (column === undefined) this.#columns.set(name, (column = this.#openColumn(name)));
    return column;
  }

  spanBytes(row: number): Buffer {
    const shape = this.stored.shapes[this.stored.classes.shape[this.#storedClassOf[row]!]!]!;
    return storedSpanBytes(this, shape, row);
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
    return (this.#ends ??= readEnds(this.#part('end'), this.#allStarts, this.#allParents.rows, this.rows));
  }

  /** Of a column of which every row has one value. */
  #wordsOfRows(name: string, stored: StoredWords): GranuleWords {
    if (stored.ranks?.isByClass === true) return new GranuleWords(stored, null, 0);
    const part = this.#part(name);
    const count = part.loose.varint(this.rows);
    if (count !== this.rows)
      throw new DamagedPart(`part ${name}: got ${count} values, expected ${this.rows}`);
    return new GranuleWords(stored, part, count);
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
    return part === null && !stored.isInHeader
      ? null
      : new BlockColumn(stored, part, () => this.#storedClassOf);
  }
}

/** What the classes of a block's rows agree in, and the class of each row, read when it is asked for. */
class RowsByClass implements GranuleClasses {
  readonly #shared: ResourceClasses;
  readonly #readRows: () => Uint32Array;
  #of: Uint32Array | null = null;

  constructor(shared: ResourceClasses, readRows: () => Uint32Array) {
    this.#shared = shared;
    this.#readRows = readRows;
  }

  get of(): Uint32Array {
    return (this.#of ??= this.#readRows());
  }

  get count(): number {
    return this.#shared.count;
  }
  get resource(): Uint32Array {
    return this.#shared.resource;
  }
  get shape(): Uint32Array {
    return this.#shared.shape;
  }
  get operation(): Uint32Array {
    return this.#shared.operation;
  }
  get scope(): Uint32Array {
    return this.#shared.scope;
  }
  get kind(): Uint8Array {
    return this.#shared.kind;
  }
  get status(): Uint8Array {
    return this.#shared.status;
  }
  get outcome(): Uint8Array {
    return this.#shared.outcome;
  }
  get flags(): Uint8Array {
    return this.#shared.flags;
  }
}
