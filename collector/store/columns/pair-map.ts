/** A map from two 32-bit numbers to a third, in one array: an entry is in one line of the processor's cache. */
import { SEED } from './string-pool.ts';

const FIRST_ENTRIES = 1 << 10;
const WORDS = 4;
const MIX = 0x9e3779b1;
/** Odd, so that no two keys become one. Senders choose the second key, the value of an attribute. */
const SECOND_MIX = SEED | 1;

export class PairMap {
  /** Fours: first key, second key, value plus 1 (0: free), unused. */
  #entries = new Uint32Array(FIRST_ENTRIES * WORDS);
  #mask = FIRST_ENTRIES - 1;
  #count = 0;

  /** -1 when there is none. */
  get(first: number, second: number): number {
    const at = this.#find(this.#entries, this.#mask, first, second);
    return this.#entries[at + 2]! - 1;
  }

  /** `value` is below 2^32 - 1. */
  set(first: number, second: number, value: number): void {
    if (2 * this.#count > this.#mask) this.#grow();
    const at = this.#find(this.#entries, this.#mask, first, second);
    if (this.#entries[at + 2] === 0) this.#count++;
    this.#entries[at] = first;
    this.#entries[at + 1] = second;
    this.#entries[at + 2] = value + 1;
  }

  clear(): void {
    if (this.#count === 0) return;
    this.#count = 0;
    this.#entries.fill(0);
  }

  /** Where the entry is, or would be. */
  #find(entries: Uint32Array, mask: number, first: number, second: number): number {
    let hash = Math.imul(second, SECOND_MIX);
    // Without this, one odd number in forty puts regular keys into few places.
    hash = Math.imul(first ^ hash ^ (hash >>> 15), MIX);
    hash ^= hash >>> 15;
    let at = (hash & mask) * WORDS;
    while (entries[at + 2] !== 0 && (entries[at] !== first || entries[at + 1] !== second)) {
      at = (at + WORDS) & (mask * WORDS);
    }
    return at;
  }

  #grow(): void {
    const mask = 2 * this.#mask + 1;
    const entries = new Uint32Array((mask + 1) * WORDS);
    for (let at = 0; at < this.#entries.length; at += WORDS) {
      if (this.#entries[at + 2] === 0) continue;
      const to = this.#find(entries, mask, this.#entries[at]!, this.#entries[at + 1]!);
      entries.set(this.#entries.subarray(at, at + WORDS), to);
    }
    this.#entries = entries;
    this.#mask = mask;
  }
}
