/**
 * Compresses parts with one context of zstd a thread, as decompress.ts reads them: Node makes a stream and a context in each
 * call, 16 µs, where a part of some kilobytes itself takes 5; a fold writes four hundred.
 */
import { constants, createZstdCompress, zstdCompressSync, type ZstdCompress } from 'node:zlib';
import { isReusable, type openStream } from './decompress.ts';

/** What Node's own functions use of a stream. */
type Internals = Pick<ReturnType<typeof openStream>, '_handle' | '_writeState'>;
type CompressStream = ZstdCompress & Internals;

/** The fastest. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** More room is not kept. */
const ROOM_BYTES_KEPT = 1 << 20;

/** Null until something is compressed. */
let stream: CompressStream | null = null;
let room = Buffer.allocUnsafeSlow(1 << 16);

/** One frame. A view, valid until the next call. */
export function compress(bytes: Uint8Array): Buffer {
  stream ??= createZstdCompress(LEVEL).on('error', () => {}) as CompressStream;
  if (!isReusable(stream)) return compressOnce(bytes);
  // What zstd needs at most; with less it would not be done in one go.
  const needed = bytes.length + (bytes.length >>> 8) + 128;
  const target = needed <= room.length ? room : Buffer.allocUnsafeSlow(needed);
  if (needed <= ROOM_BYTES_KEPT) room = target;
  const { _handle: handle, _writeState: left } = stream;
  handle!.writeSync(constants.ZSTD_e_end, bytes, 0, bytes.length, target, 0, target.length);
  if (!stream.destroyed && left[0]! > 0) return target.subarray(0, target.length - left[0]!);
  stream.destroy();
  stream = null;
  return compressOnce(bytes);
}

/** By what Node has a name for. */
export function compressOnce(bytes: Uint8Array): Buffer {
  return zstdCompressSync(bytes, LEVEL);
}
