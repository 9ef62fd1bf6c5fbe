/** What is due by what is in blocks, while spans become blocks. */
import { expect, test } from 'vitest';
import { createUndiagnosedReader } from '../../collector/store/sqlite/read-undiagnosed.ts';
import { PATIENT } from './make-request.ts';

/** Of the traces `a` to `d`, `quiet` are; `unfoldedOf` says which are not, and may fold. */
function readerOf(quiet: Set<string>, unfoldedOf: (traceIds: readonly string[]) => string[]) {
  return createUndiagnosedReader({
    isAnyUnfolded: () => true,
    read: async ({ quietMs }, limit) => ({
      traceIds: quietMs === Infinity ? [] : [...quiet].slice(0, limit),
      backlog: 4,
    }),
    unfoldedOf: async (traceIds) => unfoldedOf(traceIds),
  });
}

test('a trace that is folded between the question and the answer is quiet no more', async () => {
  const quiet = new Set('abcd');
  const read = readerOf(quiet, () => {
    quiet.delete('b');
    return [];
  });
  expect(await read(PATIENT, 10)).toEqual({ traceIds: ['a', 'c', 'd'], backlog: 4 });
});

test('traces that are left out make place for others, and none is given that was not asked for', async () => {
  const read = readerOf(new Set('abcd'), () => ['a']);
  expect(await read(PATIENT, 2)).toEqual({ traceIds: ['b', 'c'], backlog: 4 });
  const quiet = new Set('ab');
  const more = readerOf(quiet, (asked) => {
    expect(asked).toEqual(['a', 'b']);
    quiet.add('c');
    return [];
  });
  expect(await more(PATIENT, 10)).toEqual({ traceIds: ['a', 'b'], backlog: 4 });
});
