/**
 * The message of a unary gRPC call as it arrives: five bytes that say whether it is compressed and how long it is, then
 * that many. It is counted among the bytes in flight from its first piece on: many that begin and never end are bounded.
 *
 *     0          1                        5
 *     ┌──────────┬────────────────────────┬─────────────┐
 *     │ 1: as    │ length, big-endian     │ message     │
 *     │ encoding │                        │             │
 *     └──────────┴────────────────────────┴─────────────┘
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { isMarkedAsUntransferable } from 'node:worker_threads';
import { gunzip, inflate } from 'node:zlib';
import { StoreUnavailable } from '../store/store.ts';
import type { Intake } from './intake.ts';
import { CODE } from './otlp-answer.ts';

export const HEAD_BYTES = 5;
/** A message of which nothing more arrives for so long is not waited for. */
const SILENCE_MS = 60_000;
/** Nor for one of which a little arrives again and again: as long as Node's HTTP server waits for a body. */
const ARRIVAL_MS = 300_000;

const DECOMPRESSIONS: ReadonlyMap<string, typeof gunzip> = new Map([
  ['gzip', gunzip],
  ['deflate', inflate],
]);

/** What gRPC itself has a status for. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface MessageLimits {
  readonly room: Pick<Intake, 'reserve' | 'release'>;
  /** Decompressed. */
  readonly bytesMax: number;
}

/**
 * Told once of the message, when all of it was sent, or of what is wrong with it; never when the stream was closed before.
 * Whoever takes the message copies it: afterwards its memory is used again.
 */
export interface MessageTaker {
  take(message: Buffer): void;
  refuse(error: unknown): void;
}

export function readMessage(
  stream: ServerHttp2Stream,
  encoding: string,
  { room, bytesMax }: MessageLimits,
  taker: MessageTaker,
): void {
  const startedMs = performance.now();
  let pieces: Buffer[] = [];
  let bytes = 0;
  /** With its head; 0 until that is known. */
  let frameBytes = 0;
  let isOver = false;

  /** A stream outlives its end until V8 goes through the whole heap: it must not keep what was read of it. */
  const end = (): void => {
    isOver = true;
    room.release(bytes);
    pieces = [];
    bytes = 0;
  };
  const refuse = (error: unknown): void => {
    end();
    taker.refuse(error);
  };
  stream.on('data', (piece: Buffer) => {
    if (isOver) return;
    try {
      if (performance.now() - startedMs > ARRIVAL_MS) throw tooSlow();
      room.reserve(piece.length);
      bytes += piece.length;
      pieces.push(piece);
      if (frameBytes === 0 && bytes >= HEAD_BYTES) frameBytes = HEAD_BYTES + lengthOf(pieces, bytesMax);
      if (frameBytes > 0 && bytes > frameBytes) throw notOne(bytes, frameBytes);
    } catch (error) {
      refuse(error);
    }
  });
  stream.on('end', () => {
    stream.setTimeout(0);
    if (isOver) return;
    if (frameBytes === 0 || bytes < frameBytes) return refuse(notOne(bytes, frameBytes));
    const isOnePiece = pieces.length === 1;
    const frame = isOnePiece ? pieces[0]! : Buffer.concat(pieces, bytes);
    const message = frame.subarray(HEAD_BYTES);
    if (frame[0] !== 0) return void decompress(message, encoding, bytesMax).then(takeOwn, refuse);
    // A piece shares its memory with those of other streams.
    if (!isOnePiece) return takeOwn(message);
    end();
    taker.take(message);
  });
  const takeOwn = (message: Buffer): void => {
    if (isOver) return;
    end();
    taker.take(message);
    giveBack(message);
  };
  stream.on('close', () => {
    if (!isOver) end();
  });
  stream.setTimeout(SILENCE_MS, () => stream.close(constants.NGHTTP2_CANCEL));
}

function lengthOf(pieces: readonly Buffer[], bytesMax: number): number {
  const head = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  const length = head.readUInt32BE(1);
  if (length > bytesMax) throw tooLarge(`${length} bytes`, bytesMax);
  return length;
}

function decompress(message: Buffer, encoding: string, bytesMax: number): Promise<Buffer> {
  const undo = DECOMPRESSIONS.get(encoding);
  if (undo === undefined) {
    const text = `compressed message: got grpc-encoding ${encoding}, expected deflate or gzip`;
    return Promise.reject(new GrpcError(CODE.unimplemented, text));
  }
  return new Promise((resolve, reject) => {
    undo(message, { maxOutputLength: bytesMax }, (error, plain) => {
      if (error === null) resolve(plain);
      else if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        reject(tooLarge('more, decompressed', bytesMax));
      else reject(new GrpcError(CODE.internal, `message: got ${error.message}, expected valid ${encoding}`));
    });
  });
}

/** Memory of the message's own. Small ones lie in the pool of Node, which lets go of none. */
function giveBack({ buffer }: Buffer): void {
  if (buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer)) buffer.transfer(0);
}

function tooLarge(got: string, bytesMax: number): GrpcError {
  return new GrpcError(
    CODE.resourceExhausted,
    `message: got ${got}, expected at most ${bytesMax} bytes (--max-request-bytes)`,
  );
}

function notOne(bytes: number, frameBytes: number): GrpcError {
  const expected = frameBytes === 0 ? `one message after its ${HEAD_BYTES}` : `one message in ${frameBytes}`;
  return new GrpcError(CODE.internal, `call: got ${bytes} bytes, expected ${expected}`);
}

function tooSlow(): StoreUnavailable {
  return new StoreUnavailable(`the message did not arrive within ${ARRIVAL_MS / 1000} s; send it again`);
}
