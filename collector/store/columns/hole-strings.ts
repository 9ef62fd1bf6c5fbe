/**
 * Takes strings into the pool, with what is known of the hole that each fills: most holes are filled with the same
 * string again and again, and some with another one every time.
 */
import { NODES_MAX } from './shape-book.ts';
import { isUtf8Text, type StringPool } from './string-pool.ts';

/** After so many strings that were not the same as before, it is decided whether looking for equal ones pays. */
const LEARNT = 1 << 10;
/** It does where one in 32 was known: then a column of a block has some 16,000 different ones. */
const KNOWN_MIN = LEARNT >> 5;

export class HoleStrings {
  /** By node of the book. */
  readonly #last = new Uint32Array(NODES_MAX);
  readonly #taken = new Uint16Array(NODES_MAX);
  readonly #known = new Uint16Array(NODES_MAX);

  /** The id of `length` bytes from `at` that fill the hole of `node`; -1 when `isText` and they are not UTF-8. */
  take(
    strings: StringPool,
    node: number,
    source: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    isText: boolean,
  ): number {
    const last = this.#last[node]!;
    if (strings.equals(last, source, view, at, length)) return last;
    if (this.#taken[node] === LEARNT && this.#known[node]! < KNOWN_MIN) {
      // Equal ones get numbers of their own then: larger, but nothing needs to be found.
      if (isText && !isUtf8Text(source, view, at, length)) return -1;
      return strings.append(source, at, at + length);
    }
    const before = strings.count;
    const id = strings.intern(source, view, at, length, isText);
    if (id < 0) return id;
    this.#last[node] = id;
    if (this.#taken[node]! < LEARNT) {
      this.#taken[node]!++;
      if (id < before) this.#known[node]!++;
    }
    return id;
  }

  /** To be called when ids of the pool are no longer what they were. */
  forget(): void {
    this.#last.fill(0);
    this.#taken.fill(0);
    this.#known.fill(0);
  }
}
