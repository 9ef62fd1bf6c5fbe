/** Finds the server span of a call within a trace: the first whose parent it is. Made once and filled per trace. */
import { CONSUMER, SERVER } from '../columns/codes.ts';
import {
  CODES,
  LINE_WORDS,
  OPERATION,
  PARENT_HIGH,
  PARENT_LOW,
  RESOURCE,
  SPAN_HIGH,
  SPAN_LOW,
  START_HIGH,
  START_LOW,
} from './row-lines.ts';

export const NO_SERVER = -1;
const FIRST_SLOTS = 1024;
/**
 * Several may begin in one moment. Which of them is the first must not depend on the order of lines: another one has it when
 * spans arrive late, and when what was counted is taken back.
 */
const ORDER = [START_HIGH, START_LOW, SPAN_HIGH, SPAN_LOW, RESOURCE, OPERATION];

export class ServerIndex {
  #words: Uint32Array = new Uint32Array(0);
  /** Open addressing on the parent's id; where the server's line begins, or NO_SERVER. */
  #slots = new Int32Array(FIRST_SLOTS).fill(NO_SERVER);
  #mask = FIRST_SLOTS - 1;
  #used: number[] = [];

  /** Lines `first` up to `end` are a trace. */
  fill(words: Uint32Array, first: number, end: number): void {
    this.#words = words;
    for (const slot of this.#used) this.#slots[slot] = NO_SERVER;
    this.#used.length = 0;
    if ((end - first) * 2 > this.#slots.length) {
      let length = this.#slots.length;
      while (length < (end - first) * 2) length *= 2;
      this.#slots = new Int32Array(length).fill(NO_SERVER);
      this.#mask = length - 1;
    }
    for (let at = first * LINE_WORDS; at < end * LINE_WORDS; at += LINE_WORDS) {
      const kind = words[at + CODES]! & 0xff;
      if (kind !== SERVER && kind !== CONSUMER) continue;
      const high = words[at + PARENT_HIGH]!;
      const low = words[at + PARENT_LOW]!;
      if (high === 0 && low === 0) continue;
      const slot = this.#slotOf(high, low);
      const known = this.#slots[slot]!;
      if (known === NO_SERVER) this.#used.push(slot);
      if (known === NO_SERVER || comesBefore(words, at, known)) this.#slots[slot] = at;
    }
  }

  /** `at` is where the call's line begins; so is what is returned of its server's, or NO_SERVER. */
  find(at: number): number {
    if (this.#used.length === 0) return NO_SERVER;
    return this.#slots[this.#slotOf(this.#words[at + SPAN_HIGH]!, this.#words[at + SPAN_LOW]!)]!;
  }

  #slotOf(parentHigh: number, parentLow: number): number {
    const words = this.#words;
    let slot = (parentLow ^ Math.imul(parentHigh, 0x9e3779b1)) & this.#mask;
    for (;;) {
      const at = this.#slots[slot]!;
      if (at === NO_SERVER) return slot;
      if (words[at + PARENT_LOW] === parentLow && words[at + PARENT_HIGH] === parentHigh) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }
}

function comesBefore(words: Uint32Array, a: number, b: number): boolean {
  for (const word of ORDER) {
    if (words[a + word]! !== words[b + word]!) return words[a + word]! < words[b + word]!;
  }
  return false;
}
