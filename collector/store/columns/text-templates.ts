/**
 * Texts that differ in their numbers, split into what they share and the numbers:
 *
 *     /items/00042/7   ─▶   /items/▯5/▯1   42  7
 *
 * A box is a byte that no such text contains, and one more for how many digits it stands for; so every text is exactly
 * its template with its numbers.
 */
import { viewOf } from './string-pool.ts';

const BOX = 0;
const ZERO = 0x30;
/** Digits of one number, so that it fits into 32 bits; a longer run of digits is several. */
const DIGITS_MAX = 9;
/** Numbers taken out of one text; digits behind them stay in the template. */
export const NUMBERS_MAX = 6;

/** Splits one text after the other. */
export class TextSplitter {
  /** The template of the text split last is `bytes` up to `length`; its numbers are `numbers` up to `count`. */
  bytes = Buffer.alloc(1 << 10);
  view = viewOf(this.bytes);
  length = 0;
  readonly numbers = new Uint32Array(NUMBERS_MAX);
  count = 0;

  /** False when the text contains what stands for a box. */
  split(text: Uint8Array, start: number, end: number): boolean {
    if (2 * (end - start) > this.bytes.length) {
      this.bytes = Buffer.alloc(4 * (end - start));
      this.view = viewOf(this.bytes);
    }
    const { bytes, numbers } = this;
    let length = 0;
    let count = 0;
    for (let at = start; at < end;) {
      const byte = text[at]!;
      if (byte === BOX) return false;
      if ((byte - ZERO) >>> 0 > 9 || count === NUMBERS_MAX) {
        bytes[length++] = byte;
        at++;
        continue;
      }
      let number = byte - ZERO;
      const first = at++;
      for (; at < end && at - first < DIGITS_MAX; at++) {
        const digit = (text[at]! - ZERO) >>> 0;
        if (digit > 9) break;
        number = number * 10 + digit;
      }
      numbers[count++] = number;
      bytes[length++] = BOX;
      bytes[length++] = at - first;
    }
    this.length = length;
    this.count = count;
    return true;
  }
}

/** The text of a template and its numbers, from `numberAt(0)` on. */
export function joinText(template: Uint8Array, numberAt: (index: number) => number): Buffer {
  let length = 0;
  for (let at = 0; at < template.length; at++) length += template[at] === BOX ? template[++at]! : 1;
  const text = Buffer.allocUnsafe(length);
  let to = 0;
  let count = 0;
  for (let at = 0; at < template.length; at++) {
    const byte = template[at]!;
    if (byte !== BOX) {
      text[to++] = byte;
      continue;
    }
    let number = numberAt(count++);
    to += template[++at]!;
    for (let digit = 1; digit <= template[at]!; digit++) {
      text[to - digit] = ZERO + (number % 10);
      number = Math.floor(number / 10);
    }
  }
  return text;
}
