/**
 * Packs what fills the holes of the rows' shapes, a part for each column that occurs.
 *
 *     mode │ number of listed values │ the values │ which of them each row (or each class) has
 *
 * Where all rows of a class have the same value, one a class is enough (`by class`). Else, of strings that repeat, a
 * dictionary and a code a value; else the values themselves.
 */
import { WORDS_OF } from './operations.ts';
import { packIntegers } from './pack-integers.ts';
import { packStrings } from './pack-strings.ts';
import type { PartSink } from './part.ts';
import type { RowClasses } from './row-classes.ts';
import type { SpanTable } from './span-table.ts';

export const BY_CLASS = 0;
export const DICTIONARY = 1;
export const PLAIN = 2;

/** A column as it occurs in a granule. */
interface GranuleColumn {
  /** Index in the table's book. */
  readonly index: number;
  readonly words: number;
  /** Where its values stand among the first rows' words: class after class, of which each may have several. */
  readonly holes: number[];
  isByClass: boolean;
  /** How many values its rows have, and where they are gathered. */
  values: number;
  at: number;
}

export class ValueEncoder {
  /** The words of each class's example, one class after the other, and whether another row of it differs there. */
  #first = new Uint32Array(0);
  #differs = new Uint8Array(0);
  #firstAt = new Uint32Array(0);
  #gathered = new Uint32Array(0);
  #listed = new Uint32Array(0);
  #distinct = new Uint32Array(0);
  #codes = new Uint32Array(0);
  #scratch = new Uint32Array(0);
  /** By id of a string: its code, if its mark is the current one. */
  #codeOf = new Uint32Array(0);
  #markOf = new Uint32Array(0);
  #mark = 0;

  encode(
    sink: PartSink,
    table: SpanTable,
    order: Uint32Array,
    from: number,
    to: number,
    classes: RowClasses,
  ): void {
    this.#compare(table, order, from, to, classes);
    const columns = this.#columnsOf(table, classes);
    this.#gather(table, order, from, to, classes, columns);
    for (const column of columns.filter((present) => present !== undefined)) {
      sink.begin(table.book.columns[column.index]!.name);
      this.#pack(sink, table, column);
    }
  }

  /** Which words are the same in all rows of a class. */
  #compare(table: SpanTable, order: Uint32Array, from: number, to: number, classes: RowClasses): void {
    const { values, valueStart, shape, book } = table;
    if (this.#firstAt.length <= classes.count) this.#firstAt = new Uint32Array(2 * classes.count + 1);
    const firstAt = this.#firstAt;
    let words = 0;
    for (let index = 0; index < classes.count; index++) {
      firstAt[index] = words;
      words += book.shapes[shape[classes.example[index]!]!]!.words;
    }
    firstAt[classes.count] = words;
    if (this.#first.length < words) {
      this.#first = new Uint32Array(2 * words);
      this.#differs = new Uint8Array(2 * words);
    } else this.#differs.fill(0, 0, words);
    const first = this.#first;
    const differs = this.#differs;
    for (let index = 0; index < classes.count; index++) {
      const start = valueStart[classes.example[index]!]!;
      for (let at = firstAt[index]!, value = start; at < firstAt[index + 1]!; at++, value++)
        first[at] = values[value]!;
    }
    for (let index = from; index < to; index++) {
      const rowClass = classes.of[index - from]!;
      const end = firstAt[rowClass + 1]!;
      let value = valueStart[order[index]!]!;
      for (let at = firstAt[rowClass]!; at < end; at++, value++)
        if (first[at] !== values[value]) differs[at] = 1;
    }
  }

  /** By index in the book. */
  #columnsOf({ book, shape }: SpanTable, classes: RowClasses): (GranuleColumn | undefined)[] {
    const columns = Array.from<GranuleColumn | undefined>({ length: book.columns.length });
    for (let index = 0; index < classes.count; index++) {
      let at = this.#firstAt[index]!;
      for (const hole of book.shapes[shape[classes.example[index]!]!]!.holes) {
        const words = WORDS_OF[book.columns[hole]!.format];
        const column = (columns[hole] ??= {
          index: hole,
          words,
          holes: [],
          isByClass: true,
          values: 0,
          at: 0,
        });
        column.holes.push(at);
        column.values += classes.rows[index]!;
        if (this.#differs[at] === 1 || (words === 2 && this.#differs[at + 1] === 1)) column.isByClass = false;
        at += words;
      }
    }
    return columns;
  }

  /** Puts the values of each column that is not by class in a row, in order of the rows. */
  #gather(
    table: SpanTable,
    order: Uint32Array,
    from: number,
    to: number,
    classes: RowClasses,
    columns: readonly (GranuleColumn | undefined)[],
  ): void {
    const { book, shape, values, valueStart } = table;
    let size = 0;
    for (const column of columns) {
      if (column === undefined || column.isByClass) continue;
      column.at = size;
      size += column.values * column.words;
    }
    if (this.#gathered.length < size) this.#gathered = new Uint32Array(2 * size);
    // Of each class, what is to be copied: word of the row, and place in `next`.
    const plans: Uint32Array[] = [];
    const next = Uint32Array.from(columns, (column) => column?.at ?? 0);
    for (let index = 0; index < classes.count; index++) {
      const plan: number[] = [];
      let offset = 0;
      for (const hole of book.shapes[shape[classes.example[index]!]!]!.holes) {
        const { words, isByClass } = columns[hole]!;
        if (!isByClass) for (let word = 0; word < words; word++) plan.push(offset + word, hole);
        offset += words;
      }
      plans.push(Uint32Array.from(plan));
    }
    const gathered = this.#gathered;
    for (let index = from; index < to; index++) {
      const plan = plans[classes.of[index - from]!]!;
      const start = valueStart[order[index]!]!;
      for (let step = 0; step < plan.length; step += 2) {
        gathered[next[plan[step + 1]!]!++] = values[start + plan[step]!]!;
      }
    }
  }

  #pack(sink: PartSink, table: SpanTable, column: GranuleColumn): void {
    const { words, holes, isByClass } = column;
    const count = isByClass ? holes.length : column.values;
    this.#ensure(count);
    let source = this.#gathered;
    let from = column.at;
    if (isByClass) {
      source = this.#listed;
      from = 0;
      for (const [index, hole] of holes.entries()) {
        for (let word = 0; word < words; word++) source[index * words + word] = this.#first[hole + word]!;
      }
    }
    const mode = isByClass ? BY_CLASS : PLAIN;
    if (table.book.columns[column.index]!.format === 'string') {
      this.#packStrings(sink, table, source, from, count, mode);
      return;
    }
    sink.loose.byte(mode);
    sink.loose.varint(count);
    for (let word = 0; word < words; word++) packIntegers(sink, source, from + word, count, words);
  }

  #packStrings(
    sink: PartSink,
    { strings }: SpanTable,
    source: Uint32Array,
    from: number,
    count: number,
    mode: number,
  ): void {
    const distinct = this.#list(strings.count, source, from, count);
    const { loose } = sink;
    if (mode === PLAIN && distinct > count / 2) {
      loose.byte(PLAIN);
      loose.varint(count);
      packStrings(sink, strings, source, from, count, this.#scratch);
      return;
    }
    loose.byte(mode === PLAIN ? DICTIONARY : mode);
    loose.varint(distinct);
    packStrings(sink, strings, this.#distinct, 0, distinct, this.#scratch);
    packIntegers(sink, this.#codes, 0, count, 1);
  }

  /** Gives the ids codes in order of first occurrence. Returns how many differ. */
  #list(strings: number, ids: Uint32Array, from: number, count: number): number {
    if (this.#codeOf.length < strings) {
      this.#codeOf = new Uint32Array(2 * strings);
      this.#markOf = new Uint32Array(2 * strings);
      this.#mark = 0;
    }
    if (this.#mark === 0xffffffff) {
      this.#markOf.fill(0);
      this.#mark = 0;
    }
    const mark = ++this.#mark;
    const codeOf = this.#codeOf;
    const markOf = this.#markOf;
    let distinct = 0;
    for (let index = 0; index < count; index++) {
      const id = ids[from + index]!;
      if (markOf[id] !== mark) {
        markOf[id] = mark;
        codeOf[id] = distinct;
        this.#distinct[distinct++] = id;
      }
      this.#codes[index] = codeOf[id]!;
    }
    return distinct;
  }

  #ensure(count: number): void {
    if (this.#codes.length >= count) return;
    this.#listed = new Uint32Array(4 * count);
    this.#distinct = new Uint32Array(2 * count);
    this.#codes = new Uint32Array(2 * count);
    this.#scratch = new Uint32Array(2 * count);
  }
}
