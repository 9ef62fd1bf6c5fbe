/**
 * Where what each of many has begins among what all have, told how many each has.
 *
 *     counts  2 0 3 1  ─▶  starts  0 2 2 5 6
 *
 * Who asks for a few gets by with every 32nd: all of them are 4 bytes each, and as many additions to make.
 */
import type { Taken } from './decode-column.ts';

export interface Counts {
  readonly count: number;
  /** Of those from `first` up to `end`. */
  sum(first: number, end: number): number;
  toArray(): Uint32Array;
}

const STRIDE = 32;

export class Starts {
  readonly #counts: Counts;
  readonly #taken: Taken | null;
  #some: Uint32Array | null = null;
  #all: Uint32Array | null = null;

  /** What is made is added to `taken`. */
  constructor(counts: Counts, taken: Taken | null = null) {
    this.#counts = counts;
    this.#taken = taken;
  }

  /** One more at the end is where all end. */
  at(index: number): number {
    if (this.#all !== null) return this.#all[index]!;
    this.#some ??= this.#makeSome();
    const place = Math.floor(index / STRIDE);
    return this.#some[place]! + this.#counts.sum(place * STRIDE, index);
  }

  /** For who asks for many. */
  get all(): Uint32Array {
    if (this.#all !== null) return this.#all;
    const counts = this.#counts.toArray();
    const all = new Uint32Array(counts.length + 1);
    for (let index = 0; index < counts.length; index++) all[index + 1] = all[index]! + counts[index]!;
    return (this.#all = this.#kept(all));
  }

  #makeSome(): Uint32Array {
    const { count } = this.#counts;
    const some = new Uint32Array(Math.floor(count / STRIDE) + 1);
    for (let place = 1; place < some.length; place++)
      some[place] = some[place - 1]! + this.#counts.sum((place - 1) * STRIDE, place * STRIDE);
    return this.#kept(some);
  }

  #kept(made: Uint32Array): Uint32Array {
    if (this.#taken !== null) this.#taken.bytes += made.byteLength;
    return made;
  }
}
