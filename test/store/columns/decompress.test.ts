import { zstdCompressSync } from 'node:zlib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DamagedPart } from '../../../collector/store/columns/damaged-part.ts';
import {
  decompress,
  decompressOnce,
  isReusable,
  openStream,
} from '../../../collector/store/columns/decompress.ts';
import { seeded } from './random-spans.ts';

const random = seeded(7);
/** Of some letters, so that it compresses by half. */
const textOf = (bytes: number): Buffer => Buffer.from(Array.from({ length: bytes }, () => 97 + random(16)));

test('Node has what a stream is used again by', () => {
  expect(isReusable(openStream())).toBe(true);
});

test('a stream without it is not used', () => {
  expect(isReusable({})).toBe(false);
  expect(isReusable({ _handle: null, _writeState: new Uint32Array(2) })).toBe(false);
});

test('where a Node counts otherwise what is left, whole frames are read, and damaged ones refused', async () => {
  vi.doMock('node:zlib', async (original) => {
    const zlib = await original<typeof import('node:zlib')>();
    const createZstdDecompress = () => {
      const stream = zlib.createZstdDecompress() as ReturnType<typeof openStream>;
      const get = (left: Uint32Array, index: string | symbol) => left[1 - Number(index)];
      return Object.assign(stream, { _writeState: new Proxy(stream._writeState, { get }) });
    };
    return { ...zlib, createZstdDecompress };
  });
  vi.resetModules();
  onTestFinished(() => vi.doUnmock('node:zlib'));
  const other = await import('../../../collector/store/columns/decompress.ts');
  expect(other.isReusable(other.openStream())).toBe(true);
  const text = textOf(40_000);
  const frame = zstdCompressSync(text);
  for (let times = 0; times < 2; times++) {
    expect(other.decompress(frame, text.length).equals(text)).toBe(true);
    expect(() => other.decompress(frame.subarray(0, 1_000), text.length)).toThrow('does not decompress');
  }
});

test('what was not compressed stands before it, in memory of its own', () => {
  const [text, before] = [textOf(1_000), textOf(100)];
  const both = decompress(zstdCompressSync(text), text.length, before);
  expect(both.equals(Buffer.concat([before, text]))).toBe(true);
  expect(both.buffer).not.toBe(before.buffer);
});

for (const read of [decompress, decompressOnce]) {
  test(`${read.name}: frame after frame is read, of any length`, () => {
    for (const bytes of [1, 40, 257, 16_384, 131_072, 131_073, 500_000, 3]) {
      const text = textOf(bytes);
      expect(read(zstdCompressSync(text), bytes).equals(text)).toBe(true);
    }
  });

  test(`${read.name}: what follows the frame is left out`, () => {
    const text = textOf(1_000);
    const frames = Buffer.concat([zstdCompressSync(text), zstdCompressSync(Buffer.of())]);
    expect(read(frames, text.length).equals(text)).toBe(true);
    expect(read(zstdCompressSync(text), text.length).equals(text)).toBe(true);
  });

  test(`${read.name}: damaged, cut off, longer or shorter than said, a frame is refused, and the next one is read`, () => {
    const text = textOf(40_000);
    const frame = zstdCompressSync(text);
    const damaged = Buffer.from(frame).fill(0xff, 20, 60);
    const refused: readonly (readonly [Uint8Array, number])[] = [
      [damaged, text.length],
      [frame.subarray(0, 1_000), text.length],
      [frame, text.length - 1],
      [frame, text.length + 1],
      [Buffer.from('not a frame'), 10],
      [Buffer.of(), 10],
    ];
    for (const [bytes, length] of refused) {
      expect(() => read(bytes, length)).toThrow(DamagedPart);
      expect(read(frame, text.length).equals(text)).toBe(true);
    }
  });
}
