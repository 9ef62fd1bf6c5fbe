/**
 * Marks the rows one of whose attributes of a key holds: the span's own, its resource's, its scope's, those of its
 * events and links. What many rows share (a listed value, a class of rows) is asked about once.
 */
import type { AttributeValue } from '../../span.ts';
import type { Granule } from '../columns/granule.ts';
import { ATTRIBUTE_TYPES, numberOfCode, OPERATIONS, typeOfCode } from '../columns/operations.ts';
import type { Shape } from '../columns/shape-book.ts';
import type { FilterNames, RowMarks } from './row-filter.ts';

export type Holds = (value: AttributeValue) => boolean;

/** What a shape alone says of the key. */
interface KeyInShape {
  /** An attribute without a value. */
  readonly isNull: boolean;
  /** Only decoding tells: the span is kept whole, or one list of attributes has the key twice. */
  readonly isUnsure: boolean;
}

export function markAttribute(
  granule: Granule,
  key: string,
  holdsPlain: Holds,
  names: Pick<FilterNames, 'resource' | 'scope'>,
): RowMarks {
  const holds: Holds = (value) => holdsPlain(value) || (Array.isArray(value) && value.some(holdsPlain));
  const { classes, stored } = granule;
  const inShapes = stored.shapes.map((shape) => keyInShape(shape, key));
  let isCertain = true;
  const ofClass = new Uint8Array(classes.count);
  for (let index = 0; index < classes.count; index++) {
    const { isNull, isUnsure } = inShapes[classes.shape[index]!]!;
    if (isUnsure) isCertain = false;
    const shared = [names.resource(classes.resource[index]!), names.scope(classes.scope[index]!)];
    const isMarked =
      isUnsure || (isNull && holds(null)) || shared.some((attributes) => holdsFor(attributes, key, holds));
    ofClass[index] = isMarked ? 1 : 0;
  }
  const may = expandClasses(granule, ofClass);
  for (const { name } of stored.columns) {
    if (!isOfKey(name, key)) continue;
    const column = granule.column(name);
    if (column === null) continue;
    const listed = new Uint8Array(column.listed);
    for (let index = 0; index < listed.length; index++)
      listed[index] = holds(column.attributeAt(index)) ? 1 : 0;
    if (listed.includes(1)) column.markRows(listed, may);
  }
  return { may, isCertain };
}

/** Marks of classes as marks of rows. */
export function expandClasses({ classes, rows }: Granule, ofClass: Uint8Array): Uint8Array {
  const may = new Uint8Array(rows);
  if (!ofClass.includes(1)) return may;
  for (let row = 0; row < rows; row++) may[row] = ofClass[classes.of[row]!]!;
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
