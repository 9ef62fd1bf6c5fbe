/**
 * Shapes as they are stored: the operations that occur, once, and each shape as a list of them.
 *
 * A block's granules share the shapes in its header; a segment carries its own.
 */
import { ByteSource } from './byte-source.ts';
import { DamagedPart } from './damaged-part.ts';
import { CODES, columnOfCode, numberOfCode, OPERATIONS, typeOfCode, ATTRIBUTE_TYPES } from './operations.ts';
import type { PartSink, PartSource } from './part.ts';
import {
  COLUMNS_MAX,
  OPERATIONS_MAX,
  SHAPES_MAX,
  SHAPE_OPERATIONS_MAX,
  shapeOf,
  type Column,
  type Shape,
  type ShapeBook,
  type Step,
} from './shape-book.ts';

/** Numbers the shapes of a table that a block uses, in order of first use. */
export class UsedShapes {
  readonly #book: ShapeBook;
  readonly #numbers: Int32Array;
  readonly #used: number[] = [];

  constructor(book: ShapeBook) {
    this.#book = book;
    this.#numbers = new Int32Array(book.shapes.length).fill(-1);
  }

  /** The number by which a reader knows a shape of the table. */
  numberOf(shape: number): number {
    if (this.#numbers[shape]! < 0) this.#numbers[shape] = this.#used.push(shape) - 1;
    return this.#numbers[shape]!;
  }

  write({ loose }: PartSink): void {
    const numbers = new Int32Array(OPERATIONS_MAX).fill(-1);
    const used: Step[] = [];
    const shapes = this.#used.map((shape) => this.#book.shapes[shape]!.steps);
    for (const steps of shapes) {
      for (const step of steps) if (numbers[step.number]! < 0) numbers[step.number] = used.push(step) - 1;
    }
    loose.varint(used.length);
    for (const { code, key } of used) {
      loose.varint(code);
      loose.text(key);
    }
    loose.varint(shapes.length);
    for (const steps of shapes) {
      loose.varint(steps.length);
      for (const { number } of steps) loose.varint(numbers[number]!);
    }
  }
}

/** The shapes of a block or segment as they were read, and the columns of their holes. */
export interface StoredShapes {
  readonly shapes: readonly Shape[];
  readonly columns: readonly Column[];
}

const KEY_BYTES = 127;

/** What an operation is of, the same objects in all blocks and segments: most have the same. */
interface KnownOperation {
  readonly key: string;
  readonly keyBytes: Uint8Array;
  readonly column: Column | null;
}

const knownOperations = new Map<string, KnownOperation>();

function knownOperation(code: number, key: string): KnownOperation {
  const name = `${code} ${key}`;
  let known = knownOperations.get(name);
  if (known === undefined) {
    if (knownOperations.size >= OPERATIONS_MAX) knownOperations.clear();
    known = { key, keyBytes: Buffer.from(key), column: columnOfCode(code, key) };
    knownOperations.set(name, known);
  }
  return known;
}

export function readShapes({ loose }: PartSource): StoredShapes {
  const columns: Column[] = [];
  const columnByName = new Map<string, number>();
  const columnNamed = (column: Column | null): number => {
    if (column === null) return -1;
    const known = columnByName.get(column.name);
    if (known !== undefined) return known;
    if (columns.length >= COLUMNS_MAX) throw new DamagedPart(`got more than ${COLUMNS_MAX} columns`);
    columnByName.set(column.name, columns.length);
    return columns.push(column) - 1;
  };
  const steps = Array.from({ length: loose.varint(OPERATIONS_MAX) }, (_, number): Step => {
    const code = loose.varint(CODES - 1);
    if (numberOfCode(code) >= OPERATIONS.length || typeOfCode(code) >= ATTRIBUTE_TYPES.length) {
      throw new DamagedPart(`got an unknown operation ${code}`);
    }
    const { key, keyBytes, column } = knownOperation(code, loose.text(KEY_BYTES));
    return { number, code, key, keyBytes, column: columnNamed(column) };
  });
  const shapes = Array.from({ length: loose.varint(SHAPES_MAX) }, () => readShape(loose, steps, columns));
  return { shapes, columns };
}

function readShape(loose: ByteSource, steps: readonly Step[], columns: readonly Column[]): Shape {
  const length = loose.varint(SHAPE_OPERATIONS_MAX);
  const list = Array.from({ length }, () => {
    const step = steps[loose.varint(OPERATIONS_MAX)];
    if (step === undefined) throw new DamagedPart('got a shape of an operation that is not there');
    return step;
  });
  return shapeOf(list, columns);
}
