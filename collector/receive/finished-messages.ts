/**
 * Gives the memory of gRPC messages back as soon as they were taken. A stream of HTTP/2 outlives its end until V8 goes through
 * the whole heap, and grpc-js keeps what it read by it: the pieces of a message as they came, and the message put together.
 * Left to that, V8 went through the heap of the network's thread once in 16 MB of requests.
 */
import { isMarkedAsUntransferable } from 'node:worker_threads';

/** What grpc-js reads a message with; it has no public name for it. */
export interface MessageDecoder {
  readPartialMessage: readonly Buffer[];
  readCompressFlag: Buffer;
}

const NOTHING = Buffer.alloc(1);

/** To be called when the last message was put together. Pieces may share memory with those of other streams. */
export function forgetPieces(decoder: MessageDecoder): void {
  decoder.readPartialMessage = [];
  decoder.readCompressFlag = NOTHING;
}

/** A message that was copied; it is empty from then on. */
export function freeMessage({ buffer }: Buffer): void {
  // Small ones lie in the pool of Node, which lets go of none.
  if (buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer)) buffer.transfer(0);
}
