import { expect, test } from 'vitest';
import { createPieceStream } from '../../collector/serve/traces/piece-stream.ts';

const piece = (byte: number) => Uint8Array.of(byte);

function openStream() {
  const counts = { asked: 0, ended: 0 };
  const stream = createPieceStream(
    () => counts.asked++,
    () => counts.ended++,
  );
  return { stream, counts, pieces: stream[Symbol.asyncIterator]() };
}

test('some pieces are asked for ahead, and another when one was taken', async () => {
  const { stream, counts, pieces } = openStream();
  expect(counts.asked).toBe(4);
  stream.give(piece(1));
  stream.give(piece(2));
  await stream.begun;
  expect(counts.asked).toBe(4);
  expect(await pieces.next()).toEqual({ done: false, value: piece(1) });
  expect(counts.asked).toBe(5);
  expect(await pieces.next()).toEqual({ done: false, value: piece(2) });
  expect(counts.asked).toBe(6);
});

test('after the last piece nothing is asked for, and the end is told once', async () => {
  const { stream, counts, pieces } = openStream();
  stream.give(piece(1));
  stream.give(null);
  expect(await pieces.next()).toEqual({ done: false, value: piece(1) });
  expect((await pieces.next()).done).toBe(true);
  expect((await pieces.next()).done).toBe(true);
  stream.stop();
  expect(counts).toEqual({ asked: 4, ended: 1 });
});

test('who stops gets no more, also while waiting for the next', async () => {
  const { stream, counts, pieces } = openStream();
  const next = pieces.next();
  stream.stop();
  expect((await next).done).toBe(true);
  stream.give(piece(1));
  expect(counts).toEqual({ asked: 4, ended: 1 });
});

test('a failure comes after the pieces that were there', async () => {
  const { stream, counts, pieces } = openStream();
  stream.give(piece(1));
  stream.fail(new Error('broke'));
  expect(await pieces.next()).toEqual({ done: false, value: piece(1) });
  await expect(pieces.next()).rejects.toThrow('broke');
  expect(counts.ended).toBe(1);
});

test('one that fails before its first piece has not begun', async () => {
  const { stream } = openStream();
  stream.fail(new Error('broke'));
  await expect(stream.begun).rejects.toThrow('broke');
});
