import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { LeastRecent } from '../../collector/store/sqlite/read/least-recent.ts';

const lengths = () => new LeastRecent<string, string>(10, (value) => value.length);

/** What is read when each is asked for once. */
function asked(kept: LeastRecent<string, string>, ...values: readonly string[]): string[] {
  const read: string[] = [];
  for (const value of values) {
    kept.get(value, () => {
      read.push(value);
      return value;
    });
  }
  return read;
}

test('what was used last is kept, up to the size', () => {
  const kept = lengths();
  expect(asked(kept, 'one', 'two', 'one', 'three')).toEqual(['one', 'two', 'three']);
  expect(asked(kept, 'one', 'three', 'two')).toEqual(['two']);
});

test('one that is larger than the size is kept alone', () => {
  const kept = lengths();
  expect(asked(kept, 'one', 'more than ten', 'more than ten', 'one')).toEqual([
    'one',
    'more than ten',
    'one',
  ]);
});

test('what is forgotten makes place for others', () => {
  const kept = lengths();
  asked(kept, 'one', 'two', 'four');
  kept.keepOnly(new Set(['two', 'never there']));
  expect(asked(kept, 'two', 'five', 'six')).toEqual(['five', 'six']);
  expect(asked(kept, 'two', 'five', 'six')).toEqual([]);
  expect(asked(kept, 'one')).toEqual(['one']);
});

test('what is looked at is kept no longer for it', () => {
  const kept = lengths();
  asked(kept, 'one', 'two');
  expect(kept.peek('one')).toBe('one');
  expect(kept.peek('four')).toBeUndefined();
  expect(asked(kept, 'three', 'two', 'one')).toEqual(['three', 'one']);
});

test('what is deleted makes place for one other', () => {
  const kept = lengths();
  asked(kept, 'one', 'two', 'four');
  kept.delete('one');
  kept.delete('one');
  kept.delete('never there');
  expect(asked(kept, 'six', 'two', 'four')).toEqual(['six']);
  expect(asked(kept, 'one', 'two')).toEqual(['one']);
});

test('what grows while it is used is measured again, and others make place for it', () => {
  const kept = new LeastRecent<string, { size: number }>(10, ({ size }) => size);
  const [small, growing] = [{ size: 4 }, { size: 4 }];
  kept.get('small', () => small);
  kept.get('growing', () => growing);
  growing.size = 8;
  expect(kept.peek('small')).toBe(small);
  kept.get('growing', () => growing);
  expect(kept.peek('small')).toBeUndefined();
  kept.delete('growing');
  kept.get('small', () => small);
  kept.get('other', () => ({ size: 6 }));
  expect(kept.peek('small')).toBe(small);
});

test('what is forgotten soon is gone when V8 goes through what is young', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { type: 'minor' | 'major' }) => void;
  const kept = new LeastRecent<number, Buffer>(2, () => 1);
  const [rounds, bytes] = [200, 65_536];
  kept.get(-1, () => Buffer.alloc(0));
  // All of it is old now.
  collect({ type: 'major' });
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < rounds; round++) {
    kept.get(round, () => Buffer.allocUnsafeSlow(bytes));
    if (round % 8 === 0) collect({ type: 'minor' });
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan((rounds / 2) * bytes);
});
