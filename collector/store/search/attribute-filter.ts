/**
 * Marks the rows one of whose attributes of a key holds: the span's own, its resource's, its scope's, those of its
 * events and links. What many rows share (a listed value, a class of rows) is asked about once.
 */
import type { AttributeValue } from '../../span.ts';
import type { Granule, RowClassColumns } from '../columns/granule.ts';
import { ATTRIBUTE_TYPES, numberOfCode, OPERATIONS, typeOfCode } from '../columns/operations.ts';
import type { Shape } from '../columns/shape-book.ts';
import type { ValueColumn } from '../columns/value-column.ts';
import type { FilterNames, RowMarks } from './row-filter.ts';

export type Holds = (value: AttributeValue) => boolean;

/** What a shape alone says of the key. */
interface KeyInShape {
  /** An attribute without a value. */
  readonly isNull: boolean;
  /** Only decoding tells: the span is kept whole, or one list of attributes has the key twice. */
  readonly isUnsure: boolean;
}

/** What of a key is asked. */
export interface AttributeQuestion {
  readonly key: string;
  readonly holds: Holds;
  /** The text that a value must be when that is all that is asked: found without looking at each. */
  readonly equals: string | null;
}

export function compileAttribute(
  { key, holds: holdsPlain, equals }: AttributeQuestion,
  names: Pick<FilterNames, 'resource' | 'scope'>,
): (granule: Granule) => RowMarks {
  const holds: Holds = (value) => holdsPlain(value) || (Array.isArray(value) && value.some(holdsPlain));
  /** By the classes' column of resources, which the granules of a block share. */
  const marksOfClasses = new WeakMap<object, ClassMarks>();

  function markClasses({ classes, classesOfAnyResource, stored }: Granule): ClassMarks {
    const inShapes = stored.shapes.map((shape) => keyInShape(shape, key));
    const holdsResource = askEach(classes.resource, (id) => holdsFor(names.resource(id), key, holds));
    const holdsScope = askEach(classesOfAnyResource.scope, (id) => holdsFor(names.scope(id), key, holds));
    // What is looked for is mostly in values of spans: then no class has to be looked at.
    const mayMark =
      holdsResource.size + holdsScope.size > 0 || inShapes.some(({ isNull, isUnsure }) => isUnsure || isNull);
    if (!mayMark) return { ofClass: null, isCertain: true };
    let isCertain = true;
    const ofClass = new Uint8Array(classes.count);
    for (let index = 0; index < classes.count; index++) {
      const { isNull, isUnsure } = inShapes[classes.shape[index]!]!;
      if (isUnsure) isCertain = false;
      const isMarked =
        isUnsure ||
        (isNull && holds(null)) ||
        holdsResource.has(classes.resource[index]!) ||
        holdsScope.has(classes.scope[index]!);
      ofClass[index] = isMarked ? 1 : 0;
    }
    return { ofClass, isCertain };
  }

  function markColumn(column: ValueColumn, may: Uint8Array): void {
    if (equals !== null && column.markEqual(equals, may)) return;
    const listed = new Uint8Array(column.listed);
    for (let index = 0; index < listed.length; index++)
      listed[index] = holds(column.attributeAt(index)) ? 1 : 0;
    if (listed.includes(1)) column.markRows(listed, may);
  }

  return (granule) => {
    let ofClasses = marksOfClasses.get(granule.classes.resource);
    if (ofClasses === undefined)
      marksOfClasses.set(granule.classes.resource, (ofClasses = markClasses(granule)));
    const { ofClass } = ofClasses;
    const may =
      ofClass === null ? new Uint8Array(granule.rows) : expandClasses(granule.classes, granule.rows, ofClass);
    for (const { name } of granule.stored.columns) {
      const column = isOfKey(name, key) ? granule.column(name) : null;
      if (column !== null) markColumn(column, may);
    }
    return { may, isCertain: ofClasses.isCertain };
  };
}

interface ClassMarks {
  /** By class: 1 where all rows of it may match; null where none do. */
  readonly ofClass: Uint8Array | null;
  readonly isCertain: boolean;
}

/** The different numbers of a column of classes, which granules share and one query after the other asks about. */
const numbersOf = new WeakMap<Uint32Array, ReadonlySet<number>>();

/** Those that hold. */
function askEach(numbers: Uint32Array, ask: (id: number) => boolean): ReadonlySet<number> {
  let different = numbersOf.get(numbers);
  if (different === undefined) numbersOf.set(numbers, (different = new Set(numbers)));
  return new Set([...different].filter(ask));
}

/** Marks of classes as marks of rows. */
export function expandClasses(
  classes: Pick<RowClassColumns, 'of'>,
  rows: number,
  ofClass: Uint8Array,
): Uint8Array {
  const may = new Uint8Array(rows);
  if (!ofClass.includes(1)) return may;
  const { of } = classes;
  for (let row = 0; row < rows; row++) may[row] = ofClass[of[row]!]!;
  return may;
}

function holdsFor(attributes: ReadonlyMap<string, AttributeValue>, key: string, holds: Holds): boolean {
  const value = attributes.get(key);
  return value !== undefined && holds(value);
}

function keyInShape({ steps }: Shape, key: string): KeyInShape {
  let isNull = false;
  let seen = 0;
  for (const { code, key: stepKey } of steps) {
    const { content } = OPERATIONS[numberOfCode(code)]!;
    if (content === 'raw') return { isNull, isUnsure: true };
    // An event, a link: its attributes are a list of their own.
    if (content === 'open') seen = 0;
    if (content !== 'attribute' || stepKey !== key) continue;
    if (seen++ > 0) return { isNull, isUnsure: true };
    if (ATTRIBUTE_TYPES[typeOfCode(code)]!.format === null) isNull = true;
  }
  return { isNull, isUnsure: false };
}

/** `a/s/http.route` is of http.route: a letter for where it stands, one for its type, and the key. */
function isOfKey(columnName: string, key: string): boolean {
  return columnName[1] === '/' && columnName[3] === '/' && columnName.slice(4) === key;
}
