import { expect, test } from 'vitest';
import { jsonPieces, lazyList } from '../../collector/serve/traces/json-pieces.ts';

const written = (document: unknown) => Buffer.concat([...jsonPieces(document)]).toString();

test.each([
  ['an empty list', lazyList([]), '[]'],
  [
    'a list in an object',
    { a: 1, list: lazyList([{ b: 'é' }, 2]), c: null },
    '{"a":1,"list":[{"b":"é"},2],"c":null}',
  ],
  ['what is not there', { a: undefined, list: lazyList([]), b: {} }, '{"list":[],"b":{}}'],
  ['a list in an array', [lazyList([1]), [], 'x'], '[[1],[],"x"]'],
  ['what is made of each', lazyList([1, 2], (one) => ({ twice: 2 * one })), '[{"twice":2},{"twice":4}]'],
  [
    'lists in members of a list',
    lazyList([1, 2], (one) => ({ inner: lazyList([one]) }), 'document'),
    '[{"inner":[1]},{"inner":[2]}]',
  ],
])('%s is written as JSON', (_, document, text) => {
  expect(written(document)).toBe(text);
});

test('a long list is written in pieces, and a member is made when its piece is taken', () => {
  let made = 0;
  const members = Array.from({ length: 1_000 }, (_, index) => index);
  const pieces = jsonPieces({
    list: lazyList(members, (index) => {
      made++;
      return { index, text: 'x'.repeat(1_000) };
    }),
  });
  const first = pieces.next().value!;
  expect(made).toBeLessThan(200);
  const all = [first, ...pieces];
  expect(all.length).toBeGreaterThan(5);
  const { list } = JSON.parse(Buffer.concat(all).toString()) as { list: { index: number }[] };
  expect(list.map(({ index }) => index)).toEqual(members);
});
