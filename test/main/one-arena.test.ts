/** What a collector begins once more with; test/main/build.process.test.ts has a real one do it. */
import { expect, test } from 'vitest';
import { environmentWithOneArena } from '../../collector/one-arena.ts';

test('a collector begins once more with one arena, and then no more, though the C library took the variable away', () => {
  const wanted = environmentWithOneArena({ HOME: '/h' });
  expect(wanted).toMatchObject({ HOME: '/h', MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '1048576' });
  expect(environmentWithOneArena(wanted!)).toBeNull();
  const { MALLOC_ARENA_MAX: _taken, ...left } = wanted!;
  expect(environmentWithOneArena(left)).toBeNull();
});

test('one that is told another number of arenas begins once more with that', () => {
  expect(environmentWithOneArena({ MALLOC_ARENA_MAX: '4' })).toMatchObject({
    MALLOC_ARENA_MAX: '4',
    MALLOC_MMAP_THRESHOLD_: '1048576',
  });
});

test('one that is told both goes on with them', () => {
  expect(environmentWithOneArena({ MALLOC_ARENA_MAX: '4', MALLOC_MMAP_THRESHOLD_: '65536' })).toBeNull();
});

test('one that is told from which size memory is given back at once begins once more with that', () => {
  expect(environmentWithOneArena({ MALLOC_MMAP_THRESHOLD_: '65536' })).toMatchObject({
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '65536',
  });
});
