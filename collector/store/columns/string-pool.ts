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
/** Multiplier of the hash: the golden ratio in 32 bits. */
const MIX = 0x9e3779b1;
/** Of this process: keeps senders from choosing what collides. */
export const SEED = Math.floor(Math.random() * 2 ** 32) | 0;
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
  /** Twos: hash and id; 0 is no id. Side by side, because what is not in the cache costs most here. */
  #slots: Int32Array = new Int32Array(4 * FIRST_STRINGS);
  #mask: number = 2 * FIRST_STRINGS - 1;
  /** Strings in `#slots`. */
  #interned = 0;

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
    let hash = SEED ^ length;
    let seen = 0;
    if (length >= 4) {
      // The last word overlaps the one before where the length is no multiple of four.
      const last = at + length - 4;
      for (let from = at; from < last; from += 4) {
        const word = view.getInt32(from, true);
        seen |= word;
        hash = Math.imul(hash ^ word, MIX);
        hash ^= hash >>> 15;
      }
      const word = view.getInt32(last, true);
      seen |= word;
      hash = Math.imul(hash ^ word, MIX);
    } else {
      for (let from = at; from < at + length; from++) {
        seen = (seen << 8) | source[from]!;
      }
      hash = Math.imul(hash ^ seen, MIX);
    }
    hash ^= hash >>> 16;
    if (hash === NOT_INTERNED) hash = 1;
    if (isText && (seen & HIGH_BITS) !== 0 && !isUtf8(source.subarray(at, at + length))) return -1;
    const slots = this.#slots;
    let slot = hash & this.#mask;
    for (let id = slots[2 * slot + 1]!; id !== 0; id = slots[2 * slot + 1]!) {
      if (slots[2 * slot] === hash && this.equals(id, source, view, at, length)) return id;
      slot = (slot + 1) & this.#mask;
    }
    const id = this.append(source, at, at + length);
    this.#hashes[id] = hash;
    slots[2 * slot] = hash;
    slots[2 * slot + 1] = id;
    if (2 * ++this.#interned > this.#mask) this.#rehash(2 * (this.#mask + 1));
    return id;
  }

  /** `intern` for a few bytes that stand alone. */
  internBytes(bytes: Uint8Array): number {
    return this.intern(bytes, viewOf(bytes), 0, bytes.length, false);
  }

  equals(id: number, source: Uint8Array, view: DataView, at: number, length: number): boolean {
    const start = this.starts[id]!;
    if (this.starts[id + 1]! - start !== length) return false;
    if (length < 4) {
      for (let offset = 0; offset < length; offset++) {
        if (this.bytes[start + offset] !== source[at + offset]) return false;
      }
      return true;
    }
    const own = this.#view;
    const last = length - 4;
    if (own.getInt32(start + last, true) !== view.getInt32(at + last, true)) return false;
    for (let offset = 0; offset < last; offset += 4) {
      if (own.getInt32(start + offset, true) !== view.getInt32(at + offset, true)) return false;
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
    this.#interned = 0;
    if (this.bytes.length > bytesKept) this.#replaceBytes(Buffer.allocUnsafeSlow(FIRST_BYTES));
    if (this.#slots.byteLength > bytesKept) {
      this.starts = new Uint32Array(FIRST_STRINGS);
      this.#hashes = new Int32Array(FIRST_STRINGS);
      this.#slots = new Int32Array(4 * FIRST_STRINGS);
      this.#mask = 2 * FIRST_STRINGS - 1;
    } else this.#slots.fill(0);
  }

  /** Adds `source` from `at` up to `end` without looking whether it is there; `intern` will not find it. */
  append(source: Uint8Array, at: number, end: number): number {
    if (at === end) return 0;
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
    this.#slots = new Int32Array(2 * slots);
    this.#mask = slots - 1;
    this.#interned = 0;
    for (let id = 1; id < this.count; id++) {
      const hash = this.#hashes[id]!;
      if (hash === NOT_INTERNED) continue;
      let slot = hash & this.#mask;
      while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
      this.#slots[2 * slot] = hash;
      this.#slots[2 * slot + 1] = id;
      this.#interned++;
    }
  }

  #free(id: number): void {
    if (this.#hashes[id] === NOT_INTERNED) return;
    let slot = this.#hashes[id]! & this.#mask;
    for (let found = this.#slots[2 * slot + 1]!; found !== 0; found = this.#slots[2 * slot + 1]!) {
      if (found === id) {
        this.#slots[2 * slot + 1] = 0;
        this.#interned--;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether `length` bytes from `at` are UTF-8. Most are ASCII, which is cheaper to see than a call out is. */
export function isUtf8Text(source: Uint8Array, view: DataView, at: number, length: number): boolean {
  let seen = 0;
  if (length < 4) for (let from = at; from < at + length; from++) seen |= source[from]! << 24;
  else {
    const last = at + length - 4;
    for (let from = at; from < last; from += 4) seen |= view.getInt32(from, true);
    seen |= view.getInt32(last, true);
  }
  return (seen & HIGH_BITS) === 0 || isUtf8(source.subarray(at, at + length));
}
