/** Rows of a granule of a block, all or those of one trace; each column is decoded when it is asked for. */
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from './codes.ts';
import {
  readEnds,
  readParentIds,
  readParentRows,
  readStarts,
  type RowWindow,
  type Times,
  type TraceRuns,
} from './decode-rows.ts';
import { storedSpanBytes } from './span-bytes.ts';
import type { RowGiveUp } from './span-table.ts';
import { pick, type ResourceClasses, type StoredClasses } from './block-classes.ts';
import type { BlockHeader } from './block-header.ts';
import type { ValueColumn } from './value-column.ts';
import { BlockColumn } from './block-column.ts';
import type { Granule, GranuleClasses, RowClassColumns, RunRows } from './granule.ts';
import type { GranuleParts } from './granule-parts.ts';
import type { GranuleZone } from './zone.ts';

export class BlockGranule implements Granule {
  readonly zone: GranuleZone;
  readonly rows: number;
  readonly stored: BlockHeader;
  readonly #parts: GranuleParts;
  /** Null: all rows. */
  readonly #run: number | null;
  readonly #columns = new Map<string, ValueColumn | null>();
  #window: RowWindow | undefined;
  #traceId: Uint8Array | undefined;
  #spanId: Uint8Array | undefined;
  #parentSpanId: Uint8Array | undefined;
  #parentRows: Uint32Array | undefined;
  #starts: Times | undefined;
  #ends: Times | undefined;
  #classes: GranuleClasses | undefined;
  #classesOfAnyResource: RowClassColumns | undefined;
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

  /** The rows of one run, or all. */
  constructor(parts: GranuleParts, run: number | null = null) {
    this.#parts = parts;
    this.#run = run;
    this.stored = parts.stored;
    this.zone = parts.zone;
    this.rows = run === null ? parts.zone.rows : parts.runs.starts[run + 1]! - parts.runs.starts[run]!;
  }

  ofRun(run: number): RunRows {
    const { starts } = this.traces;
    const [first, end] = [starts[run]!, starts[run + 1]!];
    // Next to all of the granule, or what is known of it already.
    if (this.#run !== null || 2 * (end - first) > this.rows) return { rows: this, first, end };
    return { rows: new BlockGranule(this.#parts, run), first: 0, end: end - first };
  }

  get traces(): TraceRuns {
    return this.#rowWindow.runs;
  }

  get classes(): GranuleClasses {
    if (this.#classes !== undefined) return this.#classes;
    const readRows = (): Uint32Array => {
      const { first } = this.#rowRange;
      const { classOf } = this.#parts;
      const words = this.#parts.words('resource');
      const of = new Uint32Array(this.rows);
      for (let row = 0; row < of.length; row++) of[row] = words.indexAt(first + row, classOf[first + row]!);
      return of;
    };
    return (this.#classes = new RowsByResource(this.stored.byResource, readRows));
  }

  get classesOfAnyResource(): RowClassColumns {
    if (this.#classesOfAnyResource !== undefined) return this.#classesOfAnyResource;
    const readRows = (): Uint32Array => {
      const { first, end } = this.#rowRange;
      return this.#parts.classOf.subarray(first, end);
    };
    return (this.#classesOfAnyResource = new RowsByClass(this.stored.classes, readRows));
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
    if (this.#spanId !== undefined) return this.#spanId;
    const { first, end } = this.#rowRange;
    const ids = this.#parts.spanIds.subarray(first * SPAN_ID_BYTES, end * SPAN_ID_BYTES);
    // In memory of their own, which begins at a word.
    return (this.#spanId = new Uint8Array(ids));
  }

  get parentSpanId(): Uint8Array {
    if (this.#parentSpanId !== undefined) return this.#parentSpanId;
    const { parents } = this.#parts;
    return (this.#parentSpanId = readParentIds(parents, this.#rowWindow, this.spanId, this.#allParentRows));
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
    if (this.#resource !== undefined) return this.#resource;
    // What the classes are taken apart by is not listed for the rows of a trace.
    const words = this.#parts.words('resource');
    return (this.#resource = this.classes.of.map((rowClass) => words.wordAt(rowClass)));
  }
  get scope(): Uint32Array {
    return (this.#scope ??= this.#ofClasses(this.stored.classes.scope, new Uint32Array(this.rows)));
  }
  get operation(): Uint32Array {
    return (this.#operation ??= this.#ofClasses(this.stored.classes.operation, new Uint32Array(this.rows)));
  }
  get shape(): Uint32Array {
    return (this.#shape ??= this.#ofClasses(this.stored.classes.shape, new Uint32Array(this.rows)));
  }
  get kind(): Uint8Array {
    return (this.#kind ??= this.#ofClasses(this.stored.classes.kind, new Uint8Array(this.rows)));
  }
  get status(): Uint8Array {
    return (this.#status ??= this.#ofClasses(this.stored.classes.status, new Uint8Array(this.rows)));
  }
  get outcome(): Uint8Array {
    return (this.#outcome ??= this.#ofClasses(this.stored.classes.outcome, new Uint8Array(this.rows)));
  }
  get flags(): Uint8Array {
    return (this.#flags ??= this.#ofClasses(this.stored.classes.flags, new Uint8Array(this.rows)));
  }

  get peer(): Uint32Array {
    if (this.#peer !== undefined) return this.#peer;
    const { first } = this.#rowRange;
    const { classOf } = this.#parts;
    const words = this.#parts.words('peer');
    const peers = new Uint32Array(this.rows);
    for (let row = 0; row < peers.length; row++)
      peers[row] = words.wordAt(words.indexAt(first + row, classOf[first + row]!));
    return (this.#peer = peers);
  }

  get giveUps(): ReadonlyMap<number, RowGiveUp> {
    if (this.#giveUps !== undefined) return this.#giveUps;
    const { giveUps } = this.#parts;
    if (this.#run === null) return (this.#giveUps = giveUps);
    const { first, end } = this.#rowWindow;
    const ofRun = [...giveUps].filter(([row]) => row >= first && row < end);
    return (this.#giveUps = new Map(ofRun.map(([row, giveUp]) => [row - first, giveUp])));
  }

  column(name: string): ValueColumn | null {
    let column = this.#columns.get(name);
    if (column === undefined) {
      const open = this.#parts.column(name);
      const { first, end } = this.#rowRange;
      column = open === null ? null : new BlockColumn(open, () => this.#parts.classOf, first, end);
      this.#columns.set(name, column);
    }
    return column;
  }

  spanBytes(row: number): Buffer {
    const { shapes, classes } = this.stored;
    const { first } = this.#rowWindow;
    return storedSpanBytes(this, shapes[classes.shape[this.#parts.classOf[first + row]!]!]!, row);
  }

  /** Of each row what its class says, resources apart: those of the block need not be made for it. */
  #ofClasses<T extends Uint32Array | Uint8Array>(values: ArrayLike<number>, to: T): T {
    return pick(values, this.classesOfAnyResource.of, to);
  }

  /** Where its rows are in the granule; of a whole one, without opening its runs. */
  get #rowRange(): { readonly first: number; readonly end: number } {
    return this.#run === null ? { first: 0, end: this.rows } : this.#rowWindow;
  }

  get #rowWindow(): RowWindow {
    return (this.#window ??= windowOf(this.#parts.runs, this.#run));
  }

  get #allParentRows(): Uint32Array {
    return (this.#parentRows ??= readParentRows(this.#parts.parents, this.#rowWindow));
  }

  get #allStarts(): Times {
    return (this.#starts ??= readStarts(this.#parts.starts, this.#rowWindow));
  }

  get #allEnds(): Times {
    return (this.#ends ??= readEnds(this.#parts.ends, this.#rowWindow, this.#allStarts, this.#allParentRows));
  }
}

function windowOf(runs: TraceRuns, run: number | null): RowWindow {
  const { ids, starts } = runs;
  if (run === null) return { first: 0, end: starts.at(-1)!, firstRun: 0, runs };
  const [first, end] = [starts[run]!, starts[run + 1]!];
  const id = ids.subarray(run * TRACE_ID_BYTES, (run + 1) * TRACE_ID_BYTES);
  return { first, end, firstRun: run, runs: { ids: id, starts: Uint32Array.of(0, end - first) } };
}

/** What the classes of a block's rows agree in, and the class of each row, read when it is asked for. */
class RowsByClass<Shared extends StoredClasses> implements RowClassColumns {
  protected readonly shared: Shared;
  readonly #readRows: () => Uint32Array;
  #of: Uint32Array | null = null;

  constructor(shared: Shared, readRows: () => Uint32Array) {
    this.shared = shared;
    this.#readRows = readRows;
  }

  get of(): Uint32Array {
    return (this.#of ??= this.#readRows());
  }

  get count(): number {
    return this.shared.count;
  }
  get shape(): Uint16Array {
    return this.shared.shape;
  }
  get operation(): Uint32Array {
    return this.shared.operation;
  }
  get scope(): Uint32Array {
    return this.shared.scope;
  }
  get kind(): Uint8Array {
    return this.shared.kind;
  }
  get status(): Uint8Array {
    return this.shared.status;
  }
  get outcome(): Uint8Array {
    return this.shared.outcome;
  }
  get flags(): Uint8Array {
    return this.shared.flags;
  }
}

class RowsByResource extends RowsByClass<ResourceClasses> implements GranuleClasses {
  get resource(): Uint32Array {
    return this.shared.resource;
  }
}
