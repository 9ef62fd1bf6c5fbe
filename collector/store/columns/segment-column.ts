/** A column of a segment: its values in order of the rows; of strings, the different ones are listed. */
import type { AttributeValue } from '../../span.ts';
import { DamagedPart } from './damaged-part.ts';
import type { Format } from './operations.ts';
import type { PackedIntegers } from './pack-integers.ts';
import type { PackedStrings } from './pack-strings.ts';
import type { StoredShapes } from './shapes-part.ts';
import { attributeOf, wantedOf, type ValueColumn } from './value-column.ts';

export class SegmentColumn implements ValueColumn {
  readonly name: string;
  readonly format: Format;
  readonly listed: number;
  readonly #strings: PackedStrings;
  /** Of the listed strings: their numbers in the segment. */
  readonly #numbers: readonly number[];
  /** Of each position: the index of the listed value. */
  readonly #indexes: Uint32Array;
  /** Of each index, where these are words: low and high. */
  readonly #words: readonly Uint32Array[];
  /** The position of each row's first value, and how many there are. */
  readonly #firsts: Uint32Array;

  /** `index` is the column's among the stored ones; `arrivedShape` the shape of each arrived row, `order` which those are. */
  constructor(
    { shapes, columns }: StoredShapes,
    index: number,
    words: readonly PackedIntegers[],
    strings: PackedStrings,
    arrivedShape: Uint32Array,
    order: Uint32Array,
  ) {
    const { name, format } = columns[index]!;
    this.name = name;
    this.format = format;
    this.#strings = strings;
    const perShape = Uint32Array.from(shapes, ({ holes }) => holes.filter((hole) => hole === index).length);
    const arrived = new Uint32Array(arrivedShape.length + 1);
    for (let row = 0; row < arrivedShape.length; row++)
      arrived[row + 1] = arrived[row]! + perShape[arrivedShape[row]!]!;
    this.#firsts = new Uint32Array(order.length + 1);
    const from = new Uint32Array(arrived[arrivedShape.length]!);
    let position = 0;
    for (let row = 0; row < order.length; row++) {
      this.#firsts[row] = position;
      const arrivedRow = order[row]!;
      for (let at = arrived[arrivedRow]!; at < arrived[arrivedRow + 1]!; at++) from[position++] = at;
    }
    this.#firsts[order.length] = position;
    if (format === 'string') {
      this.#words = [];
      this.#indexes = new Uint32Array(position);
      this.#numbers = this.#listStrings(words[0]!, from);
      this.listed = this.#numbers.length;
    } else {
      this.#words = words.map((word) => from.map((at) => word.at(at)));
      this.#indexes = from.map((_, at) => at);
      this.#numbers = [];
      this.listed = position;
    }
  }

  get list(): object {
    return this;
  }

  bytesAt(index: number): Buffer {
    return this.#strings.at(this.#numbers[index]!);
  }

  wordAt(index: number, word: number): number {
    return this.#words[word]![index]!;
  }

  attributeAt(index: number): AttributeValue {
    return attributeOf(this, index);
  }

  countAt(row: number): number {
    return this.#firsts[row + 1]! - this.#firsts[row]!;
  }

  indexAt(row: number, ordinal: number): number {
    return this.#indexes[this.#firsts[row]! + ordinal]!;
  }

  markRows(holds: Uint8Array, rows: Uint8Array): void {
    for (let row = 0; row + 1 < this.#firsts.length; row++) {
      for (let position = this.#firsts[row]!; position < this.#firsts[row + 1]!; position++) {
        if (holds[this.#indexes[position]!] === 1) rows[row] = 1;
      }
    }
  }

  markEqual(text: string, rows: Uint8Array): boolean {
    const wanted = wantedOf(this.name, text);
    if (wanted === null) return true;
    if ('isList' in wanted) return false;
    const holds = new Uint8Array(this.listed);
    for (let index = 0; index < holds.length; index++) {
      const isEqual =
        'string' in wanted
          ? this.bytesAt(index).equals(wanted.string)
          : 'word' in wanted
            ? this.wordAt(index, 0) === wanted.word
            : String(this.attributeAt(index)) === wanted.each;
      if (isEqual) holds[index] = 1;
    }
    this.markRows(holds, rows);
    return true;
  }

  /** Which strings occur, and which of them is at each position. */
  #listStrings(words: PackedIntegers, from: Uint32Array): number[] {
    const numbers: number[] = [];
    const indexOf = new Map<number, number>();
    for (let position = 0; position < from.length; position++) {
      const number = words.at(from[position]!);
      let index = indexOf.get(number);
      if (index === undefined) {
        if (number >= this.#strings.count)
          throw new DamagedPart(`column ${this.name}: got a string that is not there`);
        indexOf.set(number, (index = numbers.push(number) - 1));
      }
      this.#indexes[position] = index;
    }
    return numbers;
  }
}
