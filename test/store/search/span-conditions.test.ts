import { expect, test } from 'vitest';
import { parseQuery } from '../../../collector/query/parse-query.ts';
import { canMeet, compileConditions } from '../../../collector/store/search/span-conditions.ts';

const OPERATIONS = [
  ['checkout', 'POST /buy'],
  ['checkout', 'GET /list'],
  ['worker', 'night'],
] as const;
const names = {
  service: (operation: number) => OPERATIONS[operation]![0],
  operation: (operation: number) => OPERATIONS[operation]![1],
};
/** Of a granule that has the first two operations, and nothing longer than 300 ms. */
const ZONE = {
  firstRow: 0,
  rows: 8,
  minStartMs: 0,
  maxStartMs: 9,
  maxDurationMs: 300,
  failed: 0,
  operations: Uint32Array.of(0, 1),
};

const conditionsOf = (query: string) => compileConditions(parseQuery(query), names);

test.each([
  ['', true],
  ['service:checkout', true],
  ['service:worker', false],
  ['service!=checkout', true],
  ['operation~buy duration>=300ms', true],
  ['operation~buy duration>300ms', false],
  ['operation:"POST /buy" service:worker', false],
  ['(operation:night kind:server) shop.size:12', false],
  ['-service:checkout', true],
  ['service:worker OR duration>1s', true],
  ['duration<1ms', true],
  ['trace.duration>1s trace.service:worker', true],
  ['duration>200ms duration>1s', false],
])('whether a granule can have a span of %j: %s', (query, can) => {
  expect(canMeet(ZONE, conditionsOf(query))).toBe(can);
});

test.each([
  ['service:checkout operation:"POST /buy" duration>2s', true, 1],
  ['service:checkout (operation~b duration>=2s duration>1ms)', true, 2],
  ['duration>2s', true, 1],
  ['service:checkout', true, 0],
  ['service:checkout duration>2s kind:server', false, 1],
  ['service!=checkout duration>2s', false, 1],
  ['-service:checkout duration>2s', false, 1],
  ['duration<2s', false, 0],
  ['service:checkout OR duration>2s', false, 0],
])('of %j conditions are all: %s, of them of duration: %i', (query, isAll, ofDuration) => {
  expect(conditionsOf(query)).toMatchObject({ isAll, ofDuration });
});
