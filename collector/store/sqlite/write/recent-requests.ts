/**
 * Which requests came within the last minutes, so that one that is sent again is told from its like.
 *
 * A sender that heard no answer sends the same bytes once more. A request is known by 64 bits: the checksum of its
 * bytes beside that of its length and its first and last span's ids. Ids are random, and where they are the same (a
 * snapshot of a span that is still open) the bytes' checksum tells the contents apart.
 */
import { crc32 } from 'node:zlib';

/** How long a request is known at least. */
export const REMEMBERED_MS = 15 * 60_000;
/** Of a generation; there are two. Beyond it the older is forgotten early: what is sent again is then found in a fold. */
const REQUESTS_MAX = 1 << 19;
const FIRST_SLOTS = 1 << 12;

export interface Fingerprint {
  readonly high: number;
  readonly low: number;
}
export const FINGERPRINT_BYTES = 8;

export function fingerprintOf(
  request: Uint8Array,
  firstSpanId: Uint8Array,
  lastSpanId: Uint8Array,
): Fingerprint {
  return { high: crc32(request), low: crc32(lastSpanId, crc32(firstSpanId, request.length)) };
}

export function packFingerprints(fingerprints: readonly Fingerprint[]): Buffer {
  const packed = Buffer.allocUnsafe(fingerprints.length * FINGERPRINT_BYTES);
  for (const [index, { high, low }] of fingerprints.entries()) {
    packed.writeUInt32LE(high, index * FINGERPRINT_BYTES);
    packed.writeUInt32LE(low, index * FINGERPRINT_BYTES + 4);
  }
  return packed;
}

export function* unpackFingerprints(packed: Buffer): Generator<Fingerprint> {
  for (let at = 0; at + FINGERPRINT_BYTES <= packed.length; at += FINGERPRINT_BYTES) {
    yield { high: packed.readUInt32LE(at), low: packed.readUInt32LE(at + 4) };
  }
}

export class RecentRequests {
  #young = new FingerprintSet();
  #old = new FingerprintSet();
  #youngSinceUnixMs = -Infinity;

  has(fingerprint: Fingerprint): boolean {
    return this.#young.has(fingerprint) || this.#old.has(fingerprint);
  }

  add(fingerprint: Fingerprint, nowUnixMs: number): void {
    const ageMs = Math.abs(nowUnixMs - this.#youngSinceUnixMs);
    if (ageMs >= REMEMBERED_MS || this.#young.size >= REQUESTS_MAX) {
      this.#old = this.#young;
      this.#young = new FingerprintSet();
      this.#youngSinceUnixMs = nowUnixMs;
    }
    this.#young.add(fingerprint);
  }

  clear(): void {
    this.#young = new FingerprintSet();
    this.#old = new FingerprintSet();
  }
}

/** Open addressing; a slot whose two words are zero is free, so that the one fingerprint of zeros is never known. */
export class FingerprintSet {
  size = 0;
  #slots: Uint32Array = new Uint32Array(2 * FIRST_SLOTS);
  #mask: number = FIRST_SLOTS - 1;

  has({ high, low }: Fingerprint): boolean {
    return !this.#isFree(this.#find(high, low));
  }

  add({ high, low }: Fingerprint): void {
    if (2 * this.size > this.#mask) this.#grow();
    const slot = this.#find(high, low);
    if (this.#isFree(slot)) this.size++;
    this.#slots[2 * slot] = high;
    this.#slots[2 * slot + 1] = low;
  }

  /** Where it stands, or the free slot where it belongs. */
  #find(high: number, low: number): number {
    let slot = (high ^ low) & this.#mask;
    for (;;) {
      if (this.#slots[2 * slot] === high && this.#slots[2 * slot + 1] === low) return slot;
      if (this.#isFree(slot)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  #isFree(slot: number): boolean {
    return this.#slots[2 * slot] === 0 && this.#slots[2 * slot + 1] === 0;
  }

  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(2 * before.length);
    this.#mask = this.#slots.length / 2 - 1;
    this.size = 0;
    for (let slot = 0; slot < before.length; slot += 2) {
      const high = before[slot]!;
      const low = before[slot + 1]!;
      if (high !== 0 || low !== 0) this.add({ high, low });
    }
  }
}
