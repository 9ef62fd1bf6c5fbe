import { createZstdCompress, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { compress, compressOnce } from '../../../collector/store/columns/compress.ts';
import { isReusable } from '../../../collector/store/columns/decompress.ts';
import { seeded } from './random-spans.ts';

const random = seeded(8);

test('Node has what a stream is used again by', () => {
  expect(isReusable(createZstdCompress() as object)).toBe(true);
});

for (const write of [compress, compressOnce]) {
  test.each([
    { content: 'text', letters: 16 },
    { content: 'noise', letters: 256 },
    { content: 'the same byte', letters: 1 },
  ])(`${write.name}: $content of any length is one frame each`, ({ letters }) => {
    for (const length of [0, 1, 257, 16_384, 65_536, 131_072, 131_073, 1_200_000, 3]) {
      const bytes = Buffer.from(Array.from({ length }, () => random(letters)));
      const frame = Buffer.from(write(bytes));
      expect(zstdDecompressSync(frame).equals(bytes)).toBe(true);
      expect(frame.length).toBe(compressOnce(bytes).length);
    }
  });
}
