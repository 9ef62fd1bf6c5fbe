/**
 * The shapes of spans: which operations (operations.ts) their bytes are made of, learnt as they come.
 *
 * Shapes are paths in a tree, so that a span is matched while it is read: what followed the same beginning last time
 * nearly always follows now, and is recognised by comparing one key.
 *
 *     TRACE_ID ─ SPAN_ID ─┬─ NAME ─ KIND=2 ─ … ─ ATTRIBUTE "url.path" ─ STATUS ─ CLOSE ●  shape 1
 *                         └─ PARENT_SPAN_ID ─ NAME ─ KIND=3 ─ … ●                         shape 2
 */
import { columnOfCode, RAW, type Format } from './operations.ts';
import { StringPool, viewOf } from './string-pool.ts';

/** What is beyond one of these is stored as sent, in one piece: correct, but larger and slower to search. */
export const SHAPES_MAX = 4_096;
export const SHAPE_OPERATIONS_MAX = 1_000;
export const OPERATIONS_MAX = 4_096;
export const NODES_MAX = 65_536;
export const COLUMNS_MAX = 1_024;

/** One operation of a shape. */
export interface Step {
  /** Among the steps of the book, or of the stored shapes. */
  readonly number: number;
  readonly code: number;
  readonly key: string;
  readonly keyBytes: Uint8Array;
  /** Among the columns of the book, or of the stored shapes; -1 where there is no hole. */
  readonly column: number;
}

export interface Column {
  readonly name: string;
  readonly format: Format;
}

export interface Shape {
  readonly steps: readonly Step[];
  /** The columns of its holes, in order. */
  readonly holes: Uint16Array;
  /** Words its holes take in a table; of each, twice the column, and one more if it is the second word of a pair. */
  readonly words: number;
  readonly streams: Uint16Array;
  /** Of each word: how many of the same stream come before it. */
  readonly ordinals: Uint16Array;
  /** 1 where the word is the id of a string. */
  readonly isString: Uint8Array;
}

export function shapeOf(steps: readonly Step[], columns: readonly Column[]): Shape {
  const holes: number[] = [];
  const streams: number[] = [];
  for (const { column } of steps) {
    if (column < 0) continue;
    holes.push(column);
    streams.push(2 * column);
    if (columns[column]!.format === 'pair') streams.push(2 * column + 1);
  }
  const isString = new Uint8Array(streams.length);
  const ordinals = new Uint16Array(streams.length);
  const seen = new Uint16Array(2 * columns.length);
  for (const [word, stream] of streams.entries()) {
    isString[word] = Number(columns[stream >>> 1]!.format === 'string');
    ordinals[word] = seen[stream]!++;
  }
  return {
    steps,
    holes: new Uint16Array(holes),
    words: streams.length,
    streams: new Uint16Array(streams),
    ordinals,
    isString,
  };
}

/** The shape of a span that is kept whole. */
export const RAW_SHAPE = 0;
const ROOT = 0;

export class ShapeBook {
  readonly shapes: Shape[] = [];
  readonly columns: Column[] = [];
  readonly #columnByName = new Map<string, number>();
  readonly #steps: Step[] = [];
  readonly #stepOf = new Map<number, number>();
  readonly #keys = new StringPool();
  #nodes = 1;
  /** Of each node: its step, its parent, its shape (-1: none), how deep it is, and the children last walked to. */
  readonly #step = new Uint16Array(NODES_MAX);
  readonly #parent = new Uint16Array(NODES_MAX);
  readonly #shape = new Int16Array(NODES_MAX).fill(-1);
  readonly #depth = new Uint16Array(NODES_MAX);
  readonly #recent = new Uint16Array(NODES_MAX);
  readonly #older = new Uint16Array(NODES_MAX);
  /** Of each node's step, again: what is compared on the way. */
  readonly #code = new Int32Array(NODES_MAX);
  readonly #key = new Uint16Array(NODES_MAX);
  readonly #child = new Map<number, number>();

  constructor() {
    // The root is nobody's child.
    this.#code[ROOT] = -1;
    this.shapeAt(this.next(ROOT, RAW, NO_BYTES, NO_VIEW, 0, 0));
  }

  /** Where every span begins. */
  get root(): number {
    return ROOT;
  }

  /** The node that follows `node` by an operation; -1 when it is unknown and there is no room for it. */
  next(
    node: number,
    code: number,
    source: Uint8Array,
    view: DataView,
    keyAt: number,
    keyLength: number,
  ): number {
    const recent = this.#recent[node]!;
    if (this.#code[recent] === code && this.#hasKey(recent, source, view, keyAt, keyLength)) return recent;
    const older = this.#older[node]!;
    if (this.#code[older] === code && this.#hasKey(older, source, view, keyAt, keyLength)) {
      this.#older[node] = recent;
      this.#recent[node] = older;
      return older;
    }
    const child = this.#find(node, code, source, view, keyAt, keyLength);
    if (child > 0) {
      this.#older[node] = recent;
      this.#recent[node] = child;
    }
    return child;
  }

  #hasKey(node: number, source: Uint8Array, view: DataView, keyAt: number, keyLength: number): boolean {
    return this.#keys.equals(this.#key[node]!, source, view, keyAt, keyLength);
  }

  /** The shape of a span that ends at `node`; -1 when it is new and there is no room for it. */
  shapeAt(node: number): number {
    const known = this.#shape[node]!;
    if (known >= 0 || this.shapes.length >= SHAPES_MAX) return known;
    const steps: Step[] = [];
    for (let at = node; at !== ROOT; at = this.#parent[at]!) steps.push(this.#steps[this.#step[at]!]!);
    steps.reverse();
    const shape = this.shapes.push(shapeOf(steps, this.columns)) - 1;
    this.#shape[node] = shape;
    return shape;
  }

  /** The shape made of these operations; -1 when there is no room for it. */
  shapeOfSteps(steps: readonly { readonly code: number; readonly keyBytes: Uint8Array }[]): number {
    let node = ROOT;
    for (const { code, keyBytes } of steps) {
      node = this.next(node, code, keyBytes, viewOf(keyBytes), 0, keyBytes.length);
      if (node < 0) return -1;
    }
    return this.shapeAt(node);
  }

  /** Whether so much has been learnt that it is better to begin anew: most of it may be of senders long gone. */
  get isFull(): boolean {
    return (
      this.shapes.length > SHAPES_MAX / 2 ||
      this.columns.length > COLUMNS_MAX / 2 ||
      this.#steps.length > OPERATIONS_MAX / 2 ||
      this.#nodes > NODES_MAX / 2
    );
  }

  #find(
    node: number,
    code: number,
    source: Uint8Array,
    view: DataView,
    keyAt: number,
    keyLength: number,
  ): number {
    const keysBefore = this.#keys.count;
    const key = this.#keys.intern(source, view, keyAt, keyLength, true);
    if (key < 0) return -1;
    const step = this.#findStep(code, key);
    if (step < 0) {
      this.#keys.truncate(keysBefore);
      return -1;
    }
    const identity = node * OPERATIONS_MAX + step;
    const known = this.#child.get(identity);
    if (known !== undefined) return known;
    if (this.#nodes >= NODES_MAX || this.#depth[node]! >= SHAPE_OPERATIONS_MAX) return -1;
    const child = this.#nodes++;
    this.#step[child] = step;
    this.#parent[child] = node;
    this.#depth[child] = this.#depth[node]! + 1;
    this.#code[child] = code;
    this.#key[child] = key;
    this.#child.set(identity, child);
    return child;
  }

  #findStep(code: number, key: number): number {
    const identity = code * OPERATIONS_MAX + key;
    const known = this.#stepOf.get(identity);
    if (known !== undefined) return known;
    if (this.#steps.length >= OPERATIONS_MAX) return -1;
    const text = this.#keys.textOf(key);
    const column = columnOfCode(code, text);
    let index = -1;
    if (column !== null) {
      index = this.#columnByName.get(column.name) ?? this.columns.length;
      if (index >= COLUMNS_MAX) return -1;
      if (index === this.columns.length) {
        this.columns.push(column);
        this.#columnByName.set(column.name, index);
      }
    }
    const number = this.#steps.length;
    this.#stepOf.set(identity, number);
    const keyBytes = Uint8Array.from(this.#keys.bytesOf(key));
    return this.#steps.push({ number, code, key: text, keyBytes, column: index }) - 1;
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = viewOf(NO_BYTES);
