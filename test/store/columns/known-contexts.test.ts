/** Resources and scopes that a table has met. */
import { expect, test } from 'vitest';
import { KnownContexts } from '../../../collector/store/columns/known-contexts.ts';

test('a context is found by the numbers of its bytes and of its schema URL', () => {
  const known = new KnownContexts<string>();
  expect(known.get(1, 0)).toBeUndefined();
  expect(known.add(1, 0, 'one')).toBe('one');
  known.add(1, 2, 'one of another schema');
  expect([known.get(1, 0), known.get(1, 2), known.get(2, 1)]).toEqual([
    'one',
    'one of another schema',
    undefined,
  ]);
  known.clear();
  expect(known.get(1, 0)).toBeUndefined();
});

test('of more than 1,024 all are forgotten, and what comes then is remembered', () => {
  const known = new KnownContexts<number>();
  for (let id = 1; id <= 1_024; id++) known.add(id, 0, id);
  expect([known.get(1, 0), known.get(1_024, 0)]).toEqual([1, 1_024]);
  known.add(1_025, 0, 1_025);
  expect([known.get(1, 0), known.get(1_024, 0), known.get(1_025, 0)]).toEqual([undefined, undefined, 1_025]);
});
