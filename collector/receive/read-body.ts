/**
 * Reads the body of an HTTP request, decompressed on the way, and never more of it than allowed.
 *
 * The limit counts decompressed bytes, so a gzip bomb costs no more than an honest request. When reading stops early the
 * rest is read and thrown away, because a sender that is cut off in the middle never sees the answer.
 */
import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { DecodeError } from '../decode/decode-error.ts';
import { Cancelled } from '../store/store.ts';
import type { Intake } from './intake.ts';

const DECOMPRESSORS: Readonly<Record<string, (() => Transform) | null>> = {
  identity: null,
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  zstd: createZstdDecompress,
};
const ENCODINGS = 'identity, gzip, deflate, zstd';

export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}
/** A content encoding that cannot be undone. */
export class UnknownEncoding extends Error {
  override readonly name = 'UnknownEncoding';
}

/** Where a body is counted among the bytes in flight while it is read; `reserve` throws when there is no room. */
type Room = Pick<Intake, 'reserve' | 'release'>;

/** Rejects with BodyTooLarge, UnknownEncoding, DecodeError, Cancelled when the sender goes away, or what `room` throws. */
export async function readBody(request: IncomingMessage, maxBytes: number, room: Room): Promise<Buffer> {
  let reserved = 0;
  const reserve = (length: number): void => {
    room.reserve(length);
    reserved += length;
  };
  try {
    return await readChunks(request, maxBytes, reserve);
  } finally {
    room.release(reserved);
  }
}

function readChunks(
  request: IncomingMessage,
  maxBytes: number,
  reserve: (length: number) => void,
): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decompressor = Object.hasOwn(DECOMPRESSORS, encoding) ? DECOMPRESSORS[encoding] : undefined;
  if (decompressor === undefined) {
    request.resume();
    return Promise.reject(new UnknownEncoding(`content encoding: got ${encoding}, expected ${ENCODINGS}`));
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const transform = decompressor?.() ?? null;
    const source = transform === null ? request : request.pipe(transform);
    const stop = (error: unknown): void => {
      source.removeAllListeners('data');
      if (transform !== null) request.unpipe(transform);
      transform?.destroy();
      request.resume();
      reject(error as Error);
    };
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) return stop(tooLarge(`more than ${maxBytes}`, maxBytes));
      try {
        reserve(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        stop(error);
      }
    });
    source.on('end', () => resolve(Buffer.concat(chunks, length)));
    transform?.on('error', (error) =>
      stop(new DecodeError(`${encoding} body`, error.message, `valid ${encoding}`)),
    );
    request.on('error', () => stop(new Cancelled('the sender went away')));
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > maxBytes) stop(tooLarge(`${announced}`, maxBytes));
  });
}

function tooLarge(got: string, maxBytes: number): BodyTooLarge {
  return new BodyTooLarge(
    `request body: got ${got} bytes, expected at most ${maxBytes} (--max-request-bytes)`,
  );
}
