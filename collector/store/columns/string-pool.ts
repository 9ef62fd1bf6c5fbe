/**
 * Byte strings, each kept once and known by a number from then on.
 *
 *     starts  0 ┐  0 ┐  3 ┐         ids in order of arrival; 0 is the empty string
 *     bytes     └────┴GET ┴/items…
 *     slots   open hash table of ids
 */
import { isUtf8 } from 'node:buffer';

const FIRST_STRINGS = 1 << 12;
const FIRST_BYTES = 1 << 16;
/** Multiplier of the hash (the golden ratio in 32 bits); the seed keeps senders from choosing what collides. */
const MIX = 0x9e3779b1;
const SEED = Math.floor(Math.random() * 2 ** 32) | 0;
/** In place of the hash of a string that `intern` is not to find. */
const NOT_INTERNED = 0;
const HIGH_BITS = 0x80808080 | 0;
/** Shorter strings are copied faster byte by byte than by a call. */
const SHORT_BYTES = 64;
/** So many forgotten strings are worth a new table of slots. */
const MANY_STRINGS = 64;

export class StringPool {
  /** Ids are below it. */
  count = 1;
  /** `starts[id]` to `starts[id + 1]` in `bytes`. */
  starts: Uint32Array = new Uint32Array(FIRST_STRINGS);
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view: DataView = viewOf(this.bytes);
  #hashes: Int32Array = new Int32Array(FIRST_STRINGS);
  #slots: Uint32Array = new Uint32Array(2 * FIRST_STRINGS);
  #mask: number = 2 * FIRST_STRINGS - 1;

  /** Bytes of all strings. */
  get size(): number {
    return this.starts[this.count]!;
  }

  lengthOf(id: number): number {
    return this.starts[id + 1]! - this.starts[id]!;
  }

  /** A view, valid until the next string is added. */
  bytesOf(id: number): Buffer {
    return this.bytes.subarray(this.starts[id], this.starts[id + 1]);
  }

  textOf(id: number): string {
    return this.bytes.toString('utf8', this.starts[id], this.starts[id + 1]);
  }

  /**
   * The id of `length` bytes of `source` from `at`, added if they are new; -1 when `isText` and they are not UTF-8.
   * `view` is of the same memory as `source`.
   */
  intern(source: Uint8Array, view: DataView, at: number, length: number, isText: boolean): number {
    if (length === 0) return 0;
    const end = at + length;
    const wordsEnd = at + (length & ~3);
    let hash = SEED ^ length;
    let seen = 0;
    let from = at;
    for (; from < wordsEnd; from += 4) {
      const word = view.getInt32(from, true);
      seen |= word;
      hash = Math.imul(hash ^ word, MIX);
      hash ^= hash >>> 15;
    }
    for (; from < end; from++) {
      const byte = source[from]!;
      seen |= byte;
      hash = Math.imul(hash ^ byte, MIX);
    }
    hash ^= hash >>> 16;
    if (hash === NOT_INTERNED) hash = 1;
    if (isText && (seen & HIGH_BITS) !== 0 && !isUtf8(source.subarray(at, end))) return -1;
    let slot = hash & this.#mask;
    for (let id = this.#slots[slot]!; id !== 0; id = this.#slots[slot]!) {
      if (this.#hashes[id] === hash && this.equals(id, source, view, at, length)) return id;
      slot = (slot + 1) & this.#mask;
    }
    const id = this.#append(source, at, end);
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.count * 2 > this.#mask) this.#rehash(2 * (this.#mask + 1));
    return id;
  }

  /** `intern` for a few bytes that stand alone. */
  internBytes(bytes: Uint8Array): number {
    return this.intern(bytes, viewOf(bytes), 0, bytes.length, false);
  }

  /** Adds bytes without looking whether they are there: for what hardly ever repeats. `intern` will not find them. */
  add(bytes: Uint8Array): number {
    return bytes.length === 0 ? 0 : this.#append(bytes, 0, bytes.length);
  }

  equals(id: number, source: Uint8Array, view: DataView, at: number, length: number): boolean {
    const start = this.starts[id]!;
    if (this.starts[id + 1]! - start !== length) return false;
    const own = this.#view;
    const words = length & ~3;
    let offset = 0;
    for (; offset < words; offset += 4) {
      if (own.getInt32(start + offset, true) !== view.getInt32(at + offset, true)) return false;
    }
    for (; offset < length; offset++) {
      if (this.bytes[start + offset] !== source[at + offset]) return false;
    }
    return true;
  }

  /** Forgets the strings added last, down to `count` ids. */
  truncate(count: number): void {
    if (count >= this.count) return;
    const added = this.count - count;
    this.count = count;
    // The table as it was: what was added last stands in nobody's way, so its slots are simply freed.
    if (added > MANY_STRINGS) this.#rehash(this.#mask + 1);
    else for (let id = count + added - 1; id >= count; id--) this.#free(id);
  }

  /** Forgets all, and memory beyond `bytesKept`. */
  clear(bytesKept: number): void {
    this.count = 1;
    if (this.bytes.length > bytesKept) this.#replaceBytes(Buffer.allocUnsafeSlow(FIRST_BYTES));
    if (this.#slots.byteLength > bytesKept) {
      this.starts = new Uint32Array(FIRST_STRINGS);
      this.#hashes = new Int32Array(FIRST_STRINGS);
      this.#slots = new Uint32Array(2 * FIRST_STRINGS);
      this.#mask = this.#slots.length - 1;
    } else this.#slots.fill(0);
  }

  #append(source: Uint8Array, at: number, end: number): number {
    const id = this.count;
    const start = this.starts[id]!;
    const next = start + end - at;
    if (id + 2 > this.starts.length) this.#growStrings();
    if (next > this.bytes.length) this.#growBytes(next);
    const bytes = this.bytes;
    if (end - at > SHORT_BYTES) bytes.set(source.subarray(at, end), start);
    else for (let from = at, to = start; from < end; from++, to++) bytes[to] = source[from]!;
    this.count = id + 1;
    this.starts[id + 1] = next;
    this.#hashes[id] = NOT_INTERNED;
    return id;
  }

  #growStrings(): void {
    const starts = new Uint32Array(2 * this.starts.length);
    starts.set(this.starts);
    this.starts = starts;
    const hashes = new Int32Array(starts.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }

  #growBytes(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, needed));
    this.bytes.copy(larger, 0, 0, this.size);
    this.#replaceBytes(larger);
  }

  #replaceBytes(bytes: Buffer): void {
    this.bytes = bytes;
    this.#view = viewOf(bytes);
  }

  #rehash(slots: number): void {
    this.#slots = new Uint32Array(slots);
    this.#mask = slots - 1;
    for (let id = 1; id < this.count; id++) {
      if (this.#hashes[id] === NOT_INTERNED) continue;
      let slot = this.#hashes[id]! & this.#mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = id;
    }
  }

  #free(id: number): void {
    if (this.#hashes[id] === NOT_INTERNED) return;
    let slot = this.#hashes[id]! & this.#mask;
    while (this.#slots[slot] !== 0) {
      if (this.#slots[slot] === id) {
        this.#slots[slot] = 0;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
