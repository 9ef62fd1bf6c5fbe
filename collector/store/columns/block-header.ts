/** What a block's header says: shapes, classes, what the columns share, and the zones of the granules. */
import { PackedClasses, ResourceClasses, type StoredClasses } from './block-classes.ts';
import type { ByteSource } from './byte-source.ts';
import { DamagedPart } from './damaged-part.ts';
import {
  readStoredStrings,
  readStoredWords,
  type StoredStrings,
  type StoredWords,
  type Taken,
} from './decode-column.ts';
import { WORDS_OF } from './operations.ts';
import type { PartSource } from './part.ts';
import type { Column, Shape } from './shape-book.ts';
import { readShapes } from './shapes-part.ts';
import { Starts, type Counts } from './starts.ts';
import { readZone, type GranuleZone } from './zone.ts';

/** The holes of the classes: the same for all columns that each shape has equally many values of. */
class ClassHoles implements Counts {
  /** Of classes. */
  readonly count: number;
  /** How many they have. */
  readonly holes: number;
  /** Where those of each class begin. */
  readonly starts: Starts;
  readonly #perShape: Uint16Array;
  readonly #shapeOf: Uint16Array;

  /**
   * `perShape`: how many values of the column a span of each shape has; `shapeOf`: the shape of each class; `classesOfShape`:
   * how many classes each shape has.
   */
  constructor(perShape: Uint16Array, shapeOf: Uint16Array, classesOfShape: Uint32Array, taken: Taken) {
    this.count = shapeOf.length;
    this.#perShape = perShape;
    this.#shapeOf = shapeOf;
    this.starts = new Starts(this, taken);
    taken.bytes += perShape.byteLength;
    let holes = 0;
    for (let shape = 0; shape < perShape.length; shape++) holes += perShape[shape]! * classesOfShape[shape]!;
    this.holes = holes;
  }

  at(rowClass: number): number {
    return this.#perShape[this.#shapeOf[rowClass]!]!;
  }

  sum(first: number, end: number): number {
    let sum = 0;
    for (let rowClass = first; rowClass < end; rowClass++) sum += this.at(rowClass);
    return sum;
  }

  toArray(): Uint32Array {
    const counts = new Uint32Array(this.count);
    for (let rowClass = 0; rowClass < counts.length; rowClass++) counts[rowClass] = this.at(rowClass);
    return counts;
  }
}

/** A column of the holes, as the header has it: strings, or a word or two. */
export class HeaderColumn implements Column {
  readonly name: string;
  readonly format: Column['format'];
  readonly strings: StoredStrings | null;
  readonly words: readonly StoredWords[];
  readonly #classHoles: ClassHoles;

  constructor({ name, format }: Column, source: PartSource, classHoles: ClassHoles, taken: Taken) {
    this.name = name;
    this.format = format;
    this.#classHoles = classHoles;
    const { holes } = classHoles;
    const words = format === 'string' ? 0 : WORDS_OF[format];
    this.words = Array.from({ length: words }, () => readStoredWords(source, holes, taken));
    this.strings = format === 'string' ? readStoredStrings(source, holes, taken) : null;
  }

  /** Nothing of it is in the granules. */
  get isInHeader(): boolean {
    if (this.strings !== null) return this.strings.ranks?.isByClass === true;
    return this.words.every(({ ranks }) => ranks?.isByClass === true);
  }

  /** How many the classes have of it. */
  get holes(): number {
    return this.#classHoles.holes;
  }

  /** How many values a row of the class has. */
  countOf(rowClass: number): number {
    return this.#classHoles.at(rowClass);
  }

  /** The hole that the first value of each class fills. */
  get firstHole(): Starts {
    return this.#classHoles.starts;
  }
}

export interface BlockHeader {
  /** What it takes in memory by now: what is asked for is made then, and kept. */
  readonly bytes: number;
  readonly shapes: readonly Shape[];
  readonly columns: readonly HeaderColumn[];
  readonly classes: StoredClasses;
  readonly byResource: ResourceClasses;
  readonly resource: StoredWords;
  readonly peer: StoredWords;
  /** Of a granule. Throws DamagedPart when there is none of the number. */
  zone(granule: number): GranuleZone;
}

/** Of a shape's object and lists, and of an entry of these. */
const SHAPE_BYTES = 512;
const STEP_BYTES = 8;
const HOLE_BYTES = 16;
/** Of a column's objects. */
const COLUMN_BYTES = 1_024;
const COLUMN_NAME_BYTES = 256;
const COLUMNS_MAX_STORED = 4_096;
const GRANULES_MAX = 65_536;

/** Throws DamagedPart. */
export function readBlockHeader(source: PartSource): BlockHeader {
  const taken: Taken = { bytes: 0 };
  const { shapes, columns } = readShapes(source);
  const classes = new PackedClasses(source, shapes.length, taken);
  const resource = readStoredWords(source, classes.count, taken);
  const peer = readStoredWords(source, classes.count, taken);
  const headerColumns = readColumns(source, shapes, columns, classes, taken);
  const zones = new Zones(source.loose, taken);
  taken.bytes += source.dense.bytes.length + source.loose.bytes.length + shapes.reduce(addShapeBytes, 0);
  taken.bytes += COLUMN_BYTES * columns.length;
  return {
    get bytes() {
      return taken.bytes;
    },
    shapes,
    columns: headerColumns,
    classes,
    byResource: new ResourceClasses(classes, resource, taken),
    resource,
    peer,
    zone: (granule) => zones.at(granule),
  };
}

/** Read up to the one that is asked for. */
class Zones {
  readonly #count: number;
  readonly #loose: ByteSource;
  readonly #taken: Taken;
  readonly #read: GranuleZone[] = [];

  constructor(loose: ByteSource, taken: Taken) {
    this.#count = loose.varint(GRANULES_MAX);
    this.#loose = loose;
    this.#taken = taken;
  }

  at(granule: number): GranuleZone {
    if (granule >= this.#count)
      throw new DamagedPart(`got granule ${granule}, expected one of ${this.#count}`);
    while (this.#read.length <= granule) {
      const before = this.#read.at(-1);
      const firstRow = before === undefined ? 0 : before.firstRow + before.rows;
      const { at } = this.#loose;
      try {
        this.#read.push(readZone(this.#loose, firstRow, this.#taken));
      } catch (error) {
        // Who asks again would get what stands in the middle of it.
        this.#loose.at = at;
        throw error;
      }
    }
    return this.#read[granule]!;
  }
}

/** In the order of `columns`. */
function readColumns(
  source: PartSource,
  shapes: readonly Shape[],
  columns: readonly Column[],
  classes: StoredClasses,
  taken: Taken,
): HeaderColumn[] {
  const numberOf = new Map(columns.map(({ name }, number) => [name, number]));
  const perShape = holesPerShape(shapes, columns.length);
  const shapeOf = classes.shape;
  const classesOfShape = new Uint32Array(shapes.length);
  for (let index = 0; index < shapeOf.length; index++) classesOfShape[shapeOf[index]!]!++;
  const stored: (HeaderColumn | undefined)[] = Array.from({ length: columns.length });
  const classHoles = new Map<string, ClassHoles>();
  for (let left = source.loose.varint(COLUMNS_MAX_STORED); left > 0; left--) {
    const name = source.loose.text(COLUMN_NAME_BYTES);
    const number = numberOf.get(name);
    if (number === undefined) throw new DamagedPart(`got a column ${name} that no shape has`);
    const counts = perShape[number]!;
    const same = String.fromCharCode(...counts);
    let holes = classHoles.get(same);
    if (holes === undefined)
      classHoles.set(same, (holes = new ClassHoles(counts, shapeOf, classesOfShape, taken)));
    stored[number] = new HeaderColumn(columns[number]!, source, holes, taken);
  }
  return stored.map((column, number) => {
    if (column === undefined) throw new DamagedPart(`the column ${columns[number]!.name} is missing`);
    return column;
  });
}

function addShapeBytes(bytes: number, { steps, holes }: Shape): number {
  return bytes + SHAPE_BYTES + STEP_BYTES * steps.length + HOLE_BYTES * holes.length;
}

/** Of each column: how many values of it a span of each shape has. */
function holesPerShape(shapes: readonly Shape[], columns: number): Uint16Array[] {
  const counts = Array.from({ length: columns }, () => new Uint16Array(shapes.length));
  for (const [shape, { holes }] of shapes.entries()) for (const column of holes) counts[column]![shape]!++;
  return counts;
}
