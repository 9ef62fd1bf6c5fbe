/**
 * Decompresses parts with one context of zstd a thread. Node makes a stream and a context in each call, 17 µs or more, where
 * a small part itself takes 3; a search opens a thousand.
 *
 * Node has no public name for a stream that is used synchronously and again: what its own functions use of one is used here,
 * and where it is not there, or says that not all was read, they do the work.
 */
import { constants, createZstdDecompress, zstdDecompressSync, type ZstdDecompress } from 'node:zlib';
import { DamagedPart } from './damaged-part.ts';

/** Of a stream of zlib's, what its sync functions use. */
interface Internals {
  readonly _handle: {
    writeSync(
      flush: number,
      from: Uint8Array,
      fromAt: number,
      fromLength: number,
      to: Uint8Array,
      toAt: number,
      toLength: number,
    ): void;
  } | null;
  /** How much is left after a write: of the room, of the bytes given. */
  readonly _writeState: Uint32Array;
}
type OpenStream = ZstdDecompress & Internals;

/** The least that zlib takes. */
const CHUNK_BYTES_MIN = 64;

const NOTHING = Buffer.alloc(0);

/** Null until a part is decompressed, and after one that could not be. */
let stream: OpenStream | null = null;

/** What was stored, behind a copy of `before`. Throws DamagedPart when the bytes do not begin with a frame of so many. */
export function decompress(stored: Uint8Array, length: number, before: Uint8Array = NOTHING): Buffer {
  stream ??= openStream();
  if (!isReusable(stream)) return Buffer.concat([before, decompressOnce(stored, length)]);
  // With room for all of it and one more, zstd is done in one go.
  const at = before.length;
  const room = Buffer.allocUnsafeSlow(at + length + 1);
  room.set(before);
  const { _handle: handle, _writeState: left } = stream;
  handle!.writeSync(constants.ZSTD_e_end, stored, 0, stored.length, room, at, length + 1);
  // Bytes may be left over: where what was compressed filled its room exactly, Node has an empty frame follow.
  if (!stream.destroyed && left[0] === 1) return room.subarray(0, at + length);
  stream.destroy();
  stream = null;
  // Damaged, or a Node that counts otherwise.
  return Buffer.concat([before, decompressOnce(stored, length)]);
}

export function isReusable(opened: Partial<Internals>): boolean {
  return typeof opened._handle?.writeSync === 'function' && opened._writeState instanceof Uint32Array;
}

export function openStream(): OpenStream {
  // What it says of bytes that it cannot read is seen right away.
  return createZstdDecompress().on('error', () => {}) as OpenStream;
}

/** By what Node has a name for. Throws DamagedPart, too. */
export function decompressOnce(stored: Uint8Array, length: number): Buffer {
  let bytes: Buffer;
  try {
    bytes = zstdDecompressSync(stored, {
      maxOutputLength: Math.max(length, 1),
      chunkSize: Math.max(length + 1, CHUNK_BYTES_MIN),
    });
  } catch (error) {
    throw new DamagedPart(`does not decompress: ${(error as Error).message}`);
  }
  if (bytes.length !== length) throw new DamagedPart(`got ${bytes.length} bytes, expected ${length}`);
  return bytes;
}
