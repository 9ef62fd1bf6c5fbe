/** What a block's header says: shapes, classes, what the columns share, and the zones of the granules. */
import { KINDS, OUTCOMES, STATUSES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import {
  readStoredStrings,
  readStoredWords,
  type StoredStrings,
  type StoredWords,
  type Taken,
} from './decode-column.ts';
import { WORDS_OF } from './operations.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import type { Column, Shape } from './shape-book.ts';
import { readShapes } from './shapes-part.ts';
import { GRANULE_ROWS_MAX, readZone, type GranuleZone } from './zone.ts';

/** Where the holes of the classes begin: the same for all columns that each shape has equally many values of. */
class ClassHoles {
  /** How many the classes have. */
  readonly count: number;
  readonly #perShape: Uint16Array;
  readonly #shapeOf: Uint32Array;
  readonly #taken: Taken;
  #firsts: Uint32Array | null = null;

  /**
   * `perShape`: how many values of the column a span of each shape has; `shapeOf`: the shape of each class; `classesOfShape`:
   * how many classes each shape has.
   */
  constructor(perShape: Uint16Array, shapeOf: Uint32Array, classesOfShape: Uint32Array, taken: Taken) {
    this.#perShape = perShape;
    this.#shapeOf = shapeOf;
    this.#taken = taken;
    taken.bytes += perShape.byteLength;
    let count = 0;
    for (let shape = 0; shape < perShape.length; shape++) count += perShape[shape]! * classesOfShape[shape]!;
    this.count = count;
  }

  /** The first hole of each class; one more at the end. */
  get firsts(): Uint32Array {
    if (this.#firsts !== null) return this.#firsts;
    const shapeOf = this.#shapeOf;
    const firsts = new Uint32Array(shapeOf.length + 1);
    for (let index = 0; index < shapeOf.length; index++)
      firsts[index + 1] = firsts[index]! + this.#perShape[shapeOf[index]!]!;
    this.#taken.bytes += firsts.byteLength;
    return (this.#firsts = firsts);
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
    const holes = classHoles.count;
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
    return this.#classHoles.count;
  }

  /** The hole that the first value of each class fills; one more at the end. */
  get firstHole(): Uint32Array {
    return this.#classHoles.firsts;
  }
}

/** What all rows of a class agree in. Index: class. */
export interface ClassColumns {
  /** Among the shapes of the block or segment. */
  readonly shape: Uint32Array;
  readonly operation: Uint32Array;
  readonly scope: Uint32Array;
  readonly kind: Uint8Array;
  readonly status: Uint8Array;
  readonly outcome: Uint8Array;
  readonly flags: Uint8Array;
}

export interface StoredClasses extends ClassColumns {
  readonly count: number;
}

/** Classes taken apart by resource; each column is made when it is asked for. */
export class ResourceClasses implements StoredClasses {
  readonly count: number;
  readonly #classes: StoredClasses;
  readonly #resource: StoredWords;
  readonly #taken: Taken;
  readonly #made = new Map<Uint32Array | Uint8Array, Uint32Array | Uint8Array>();
  #resources: Uint32Array | null = null;

  constructor(classes: StoredClasses, resource: StoredWords, taken: Taken) {
    if (resource.listed === null) throw new DamagedPart('got resources that are not listed');
    this.count = resource.listed.count;
    this.#classes = classes;
    this.#resource = resource;
    this.#taken = taken;
  }

  get resource(): Uint32Array {
    return (this.#resources ??= this.#kept(this.#resource.listed!.toArray()));
  }
  get shape(): Uint32Array {
    return this.#wide(this.#classes.shape);
  }
  get operation(): Uint32Array {
    return this.#wide(this.#classes.operation);
  }
  get scope(): Uint32Array {
    return this.#wide(this.#classes.scope);
  }
  get kind(): Uint8Array {
    return this.#narrow(this.#classes.kind);
  }
  get status(): Uint8Array {
    return this.#narrow(this.#classes.status);
  }
  get outcome(): Uint8Array {
    return this.#narrow(this.#classes.outcome);
  }
  get flags(): Uint8Array {
    return this.#narrow(this.#classes.flags);
  }

  #wide(column: Uint32Array): Uint32Array {
    let made = this.#made.get(column) as Uint32Array | undefined;
    if (made === undefined)
      this.#made.set(column, (made = this.#kept(pick(column, this.#origin(), new Uint32Array(this.count)))));
    return made;
  }

  #narrow(column: Uint8Array): Uint8Array {
    let made = this.#made.get(column) as Uint8Array | undefined;
    if (made === undefined)
      this.#made.set(column, (made = this.#kept(pick(column, this.#origin(), new Uint8Array(this.count)))));
    return made;
  }

  #kept<T extends Uint32Array | Uint8Array>(made: T): T {
    this.#taken.bytes += made.byteLength;
    return made;
  }

  /** Which class each was taken from. */
  #origin(): Uint32Array {
    const { firsts } = this.#resource.ranks!;
    const classOf = new Uint32Array(this.count);
    for (let index = 0; index + 1 < firsts.length; index++) {
      classOf.fill(index, firsts[index], firsts[index + 1]);
    }
    return classOf;
  }
}

/** `values` at `indexes`, into `to`. */
export function pick<T extends Uint32Array | Uint8Array>(values: T, indexes: Uint32Array, to: T): T {
  for (let index = 0; index < indexes.length; index++) to[index] = values[indexes[index]!]!;
  return to;
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
  readonly zones: readonly GranuleZone[];
}

/** Of a shape's object and lists, and of an entry of these. */
const SHAPE_BYTES = 512;
const STEP_BYTES = 8;
const HOLE_BYTES = 16;
/** Of `ClassColumns`. */
const CLASS_BYTES = 3 * Uint32Array.BYTES_PER_ELEMENT + 4;
const COLUMN_NAME_BYTES = 256;
const COLUMNS_MAX_STORED = 4_096;
const GRANULES_MAX = 65_536;

/** Throws DamagedPart. */
export function readBlockHeader(source: PartSource): BlockHeader {
  const taken: Taken = { bytes: 0 };
  const { shapes, columns } = readShapes(source);
  const classes = readClasses(source, shapes.length);
  const resource = readStoredWords(source, classes.count, taken);
  const peer = readStoredWords(source, classes.count, taken);
  const headerColumns = readColumns(source, shapes, columns, classes, taken);
  const zones: GranuleZone[] = [];
  for (let left = source.loose.varint(GRANULES_MAX), firstRow = 0; left > 0; left--) {
    const zone = readZone(source.loose, firstRow, taken);
    zones.push(zone);
    firstRow += zone.rows;
  }
  taken.bytes += source.dense.at + source.loose.at;
  taken.bytes += classes.count * CLASS_BYTES + shapes.reduce(addShapeBytes, 0);
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
    zones,
  };
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
  const classesOfShape = new Uint32Array(shapes.length);
  for (let index = 0; index < classes.count; index++) classesOfShape[classes.shape[index]!]!++;
  const stored: (HeaderColumn | undefined)[] = Array.from({ length: columns.length });
  const classHoles = new Map<string, ClassHoles>();
  for (let left = source.loose.varint(COLUMNS_MAX_STORED); left > 0; left--) {
    const name = source.loose.text(COLUMN_NAME_BYTES);
    const number = numberOf.get(name);
    if (number === undefined) throw new DamagedPart(`got a column ${name} that no shape has`);
    const counts = perShape[number]!;
    const same = counts.join();
    let holes = classHoles.get(same);
    if (holes === undefined)
      classHoles.set(same, (holes = new ClassHoles(counts, classes.shape, classesOfShape, taken)));
    stored[number] = new HeaderColumn(columns[number]!, source, holes, taken);
  }
  return stored.map((column, number) => {
    if (column === undefined) throw new DamagedPart(`the column ${columns[number]!.name} is missing`);
    return column;
  });
}

function readClasses(source: PartSource, shapes: number): StoredClasses {
  const count = source.loose.varint(GRANULE_ROWS_MAX);
  const wide = (below: number) => {
    const values = new PackedIntegers(source, count).toArray();
    for (let index = 0; index < count; index++) {
      if (values[index]! >= below)
        throw new DamagedPart(`got ${values[index]} in a class, expected less than ${below}`);
    }
    return values;
  };
  const narrow = (below: number) => new Uint8Array(wide(below));
  return {
    count,
    shape: wide(shapes),
    operation: wide(2 ** 32),
    scope: wide(2 ** 32),
    kind: narrow(KINDS.length),
    status: narrow(STATUSES.length),
    outcome: narrow(OUTCOMES.length),
    flags: narrow(256),
  };
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
