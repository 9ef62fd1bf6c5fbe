/** What a block's header says: shapes, classes, what the columns share, and the zones of the granules. */
import { KINDS, OUTCOMES, STATUSES } from './codes.ts';
import { DamagedPart } from './damaged-part.ts';
import { readStoredStrings, readStoredWords, type StoredStrings, type StoredWords } from './decode-column.ts';
import { PackedIntegers } from './pack-integers.ts';
import type { PartSource } from './part.ts';
import type { Column, Shape } from './shape-book.ts';
import { readShapes } from './shapes-part.ts';
import { GRANULE_ROWS_MAX, readZone, type GranuleZone } from './zone.ts';

/** A column of the holes, as the header has it: strings, or a word or two. */
export interface HeaderColumn extends Column {
  /** How many values of it a row of each class has, and the hole that the first of them fills. */
  readonly perClass: Uint16Array;
  readonly firstHole: Uint32Array;
  readonly strings: StoredStrings | null;
  readonly words: readonly StoredWords[];
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

/** Classes taken apart by resource. */
export interface ResourceClasses extends StoredClasses {
  readonly resource: Uint32Array;
}

export interface BlockHeader {
  readonly shapes: readonly Shape[];
  readonly columns: readonly HeaderColumn[];
  readonly classes: StoredClasses;
  readonly byResource: ResourceClasses;
  readonly resource: StoredWords;
  readonly peer: StoredWords;
  readonly zones: readonly GranuleZone[];
}

const COLUMN_NAME_BYTES = 256;
const COLUMNS_MAX_STORED = 4_096;
const GRANULES_MAX = 65_536;

/** Throws DamagedPart. */
export function readBlockHeader(source: PartSource): BlockHeader {
  const { shapes, columns } = readShapes(source);
  const classes = readClasses(source, shapes.length);
  const resource = readStoredWords(source, classes.count);
  const peer = readStoredWords(source, classes.count);
  const stored = new Map<string, HeaderColumn>();
  for (let left = source.loose.varint(COLUMNS_MAX_STORED); left > 0; left--) {
    const name = source.loose.text(COLUMN_NAME_BYTES);
    const index = columns.findIndex((column) => column.name === name);
    if (index < 0) throw new DamagedPart(`got a column ${name} that no shape has`);
    stored.set(name, readColumn(source, columns[index]!, index, shapes, classes));
  }
  const zones: GranuleZone[] = [];
  for (let left = source.loose.varint(GRANULES_MAX), firstRow = 0; left > 0; left--) {
    const zone = readZone(source.loose, firstRow);
    zones.push(zone);
    firstRow += zone.rows;
  }
  return {
    shapes,
    columns: columns.map(({ name }) => {
      const column = stored.get(name);
      if (column === undefined) throw new DamagedPart(`the column ${name} is missing`);
      return column;
    }),
    classes,
    byResource: takeApart(classes, resource),
    resource,
    peer,
    zones,
  };
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
  const narrow = (below: number) => Uint8Array.from(wide(below));
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

function readColumn(
  source: PartSource,
  column: Column,
  index: number,
  shapes: readonly Shape[],
  classes: StoredClasses,
): HeaderColumn {
  const perShape = shapes.map(({ holes }) => holes.reduce((sum, hole) => sum + Number(hole === index), 0));
  const perClass = Uint16Array.from(classes.shape, (shape) => perShape[shape]!);
  const firstHole = new Uint32Array(classes.count + 1);
  for (let index = 0; index < classes.count; index++)
    firstHole[index + 1] = firstHole[index]! + perClass[index]!;
  const holes = firstHole[classes.count]!;
  const isString = column.format === 'string';
  const words = Array.from({ length: isString ? 0 : column.format === 'pair' ? 2 : 1 }, () =>
    readStoredWords(source, holes),
  );
  return {
    ...column,
    perClass,
    firstHole,
    words,
    strings: isString ? readStoredStrings(source, holes) : null,
  };
}

function takeApart(classes: StoredClasses, { ranks, listed }: StoredWords): ResourceClasses {
  if (ranks === null || listed === null) throw new DamagedPart('got resources that are not listed');
  const { firsts } = ranks;
  const count = listed.count;
  const classOf = new Uint32Array(count);
  for (let index = 0; index < classes.count; index++) classOf.fill(index, firsts[index], firsts[index + 1]);
  const wide = (values: Uint32Array) => Uint32Array.from(classOf, (index) => values[index]!);
  const narrow = (values: Uint8Array) => Uint8Array.from(classOf, (index) => values[index]!);
  return {
    count,
    resource: listed.toArray(),
    shape: wide(classes.shape),
    operation: wide(classes.operation),
    scope: wide(classes.scope),
    kind: narrow(classes.kind),
    status: narrow(classes.status),
    outcome: narrow(classes.outcome),
    flags: narrow(classes.flags),
  };
}
