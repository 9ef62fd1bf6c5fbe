/**
 * Marks the rows one of whose attributes of a key holds: the span's own, its resource's, its scope's, those of its
 * events and links. Values that many rows share are asked about once.
 */
import { ATTRIBUTE_TYPES, numberOfCode, OPERATIONS, typeOfCode } from '../columns/operations.ts';
import type { Column, Shape } from '../columns/shape-book.ts';
import type { SpanRows } from '../columns/span-table.ts';
import type { FilterNames, RowMarks } from './row-filter.ts';

/** The holes of rows, column by column. */
export interface AttributeRows {
  readonly shapes: readonly Shape[];
  readonly columns: readonly Column[];
  /** All values of a column in row order; a row has as many as its shape says. Two words each where it is of pairs. */
  wordsOf(column: number): Uint32Array;
  /** Of a string that `wordsOf` gave the number of. */
  stringOf(id: number): Uint8Array;
}

type Holds = (value: string | number | bigint | boolean | null) => boolean;

/** How an attribute of one shape is read. */
const [ABSENT, BY_VALUE, UNSURE] = [0, 1, 2] as const;

export function markAttribute(
  rows: SpanRows & AttributeRows,
  key: string,
  holds: Holds,
  names: Pick<FilterNames, 'resource' | 'scope'>,
): RowMarks {
  const may = new Uint8Array(rows.rows);
  let isCertain = markShared(rows.resource, may, key, holds, names.resource);
  isCertain = markShared(rows.scope, may, key, holds, names.scope) && isCertain;
  const plans = rows.shapes.map((shape) => planOf(shape, key));
  const unsure = plans.map((plan) => plan === UNSURE);
  if (unsure.includes(true)) {
    for (let row = 0; row < may.length; row++) {
      if (!unsure[rows.shape[row]!]) continue;
      may[row] = 1;
      isCertain = false;
    }
  }
  if (plans.includes(BY_VALUE)) {
    rows.columns.forEach((column, index) => {
      const test = valueTest(column, key, holds, rows);
      if (test !== null) markColumn(rows, index, column.format === 'pair' ? 2 : 1, test, may);
    });
  }
  return { may, isCertain };
}

/** Whether the marks are certain: an array among the values is for the matcher to look into. */
function markShared(
  numbers: Uint32Array,
  may: Uint8Array,
  key: string,
  holds: Holds,
  attributesOf: (number: number) => ReadonlyMap<string, unknown>,
): boolean {
  const known = new Map<number, number>();
  let isCertain = true;
  for (let row = 0; row < may.length; row++) {
    const number = numbers[row]!;
    let mark = known.get(number);
    if (mark === undefined) {
      const value = attributesOf(number).get(key);
      const isPlain = value === null || typeof value !== 'object';
      if (value !== undefined && !isPlain) isCertain = false;
      mark = value !== undefined && (!isPlain || holds(value as never)) ? 1 : 0;
      known.set(number, mark);
    }
    may[row]! |= mark;
  }
  return isCertain;
}

/** A span kept whole, a value within an array, a key given twice: only decoding tells. */
function planOf(shape: Shape, key: string): number {
  if (isRaw(shape)) return UNSURE;
  let plan: number = ABSENT;
  let seen = 0;
  for (const step of shape.steps) {
    if (OPERATIONS[numberOfCode(step.code)]!.content !== 'attribute' || step.key !== key) continue;
    const { letter } = ATTRIBUTE_TYPES[typeOfCode(step.code)]!;
    if (!'sbild'.includes(letter) || seen++ > 0) return UNSURE;
    plan = BY_VALUE;
  }
  return plan;
}

function isRaw(shape: Shape): boolean {
  return OPERATIONS[numberOfCode(shape.steps[0]!.code)]!.content === 'raw';
}

type WordTest = (low: number, high: number) => boolean;

/** Null when the column holds another attribute, or none. */
function valueTest({ name }: Column, key: string, holds: Holds, rows: AttributeRows): WordTest | null {
  const [place, letter] = name.split('/', 2);
  if (letter === undefined || place === undefined || !name.endsWith(`/${key}`)) return null;
  if (name.length !== place.length + letter.length + key.length + 2) return null;
  const read = VALUE_OF[letter];
  if (read === undefined) return null;
  if (letter === 'd' || letter === 'l') return (low, high) => holds(read(low, high, rows));
  const known = new Map<number, boolean>();
  return (word) => {
    let answer = known.get(word);
    if (answer === undefined) known.set(word, (answer = holds(read(word, 0, rows))));
    return answer;
  };
}

const pair = new DataView(new ArrayBuffer(8));
function pairOf(low: number, high: number): DataView {
  pair.setUint32(0, low, true);
  pair.setUint32(4, high, true);
  return pair;
}

const VALUE_OF: {
  readonly [letter: string]: (
    low: number,
    high: number,
    rows: AttributeRows,
  ) => string | number | bigint | boolean;
} = {
  s: (id, _, rows) => Buffer.from(rows.stringOf(id)).toString('utf8'),
  b: (word) => word !== 0,
  i: (word) => word,
  l: (low, high) => {
    const value = pairOf(low, high).getBigInt64(0, true);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  },
  d: (low, high) => pairOf(low, high).getFloat64(0, true),
};

function markColumn(
  rows: SpanRows & AttributeRows,
  column: number,
  width: number,
  test: WordTest,
  may: Uint8Array,
): void {
  const counts = rows.shapes.map((shape) =>
    shape.holes.reduce((sum, hole) => sum + Number(hole === column), 0),
  );
  if (!counts.some((count) => count > 0)) return;
  const words = rows.wordsOf(column);
  let at = 0;
  for (let row = 0; row < may.length; row++) {
    for (let left = counts[rows.shape[row]!]!; left > 0; left--) {
      if (test(words[at]!, width === 2 ? words[at + 1]! : 0)) may[row] = 1;
      at += width;
    }
  }
}
