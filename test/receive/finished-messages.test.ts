/** What is left of a gRPC message that was taken, in the decoder of the grpc-js that is installed. */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { forgetPieces, freeMessage, type MessageDecoder } from '../../collector/receive/finished-messages.ts';

interface Decoder extends MessageDecoder {
  write(data: Buffer): Buffer[];
}
type DecoderModule = { readonly StreamDecoder: new (maxBytes: number) => Decoder };
const { StreamDecoder } = createRequire(import.meta.url)(
  '@grpc/grpc-js/build/src/stream-decoder',
) as DecoderModule;

function frameOf(bytes: number, fill: number): Buffer {
  const frame = Buffer.alloc(5 + bytes, fill);
  frame[0] = 0;
  frame.writeUInt32BE(bytes, 1);
  return frame;
}

test('of a message that came in pieces none is kept, and the next one is read', () => {
  const decoder = new StreamDecoder(-1);
  const frame = frameOf(100, 7);
  expect(decoder.write(frame.subarray(0, 60))).toEqual([]);
  expect(decoder.write(frame.subarray(60))).toEqual([frame]);
  expect(decoder.readPartialMessage).not.toEqual([]);
  expect(decoder.readCompressFlag.buffer).toBe(frame.buffer);
  forgetPieces(decoder);
  expect(decoder.readPartialMessage).toEqual([]);
  expect(decoder.readCompressFlag.buffer).not.toBe(frame.buffer);
  expect(decoder.write(frameOf(10, 9))).toEqual([frameOf(10, 9)]);
});

test('the memory of a message is given back, but not the pool that small ones share', () => {
  const large = Buffer.concat([Buffer.alloc(100_000, 1)]);
  freeMessage(large.subarray(5));
  expect(large.byteLength).toBe(0);
  const small = Buffer.from('small');
  freeMessage(small);
  expect(small.toString()).toBe('small');
});
