import { expect, it, test } from 'vitest';
import { readStateChange } from '../../collector/serve/api/incident-state.ts';

const NOW_UNIX_MS = Date.parse('2026-11-22T12:00:00Z');
const read = (body: string) => readStateChange(body, NOW_UNIX_MS);

it.each([
  ['{"acknowledged": true}', { acknowledged: true }],
  ['{"mutedUntil": null}', { mutedUntilUnixMs: null }],
  ['{"mutedUntil": "2026-11-22T13:00:00Z"}', { mutedUntilUnixMs: NOW_UNIX_MS + 3_600_000 }],
  [
    '{"mutedUntil": "now+8h", "acknowledged": false}',
    { acknowledged: false, mutedUntilUnixMs: NOW_UNIX_MS + 28_800_000 },
  ],
  [`{"mutedUntil": ${NOW_UNIX_MS + 1}}`, { mutedUntilUnixMs: NOW_UNIX_MS + 1 }],
])('%s', (body, change) => {
  expect(read(body)).toEqual(change);
});

test.each([
  ['', 'Parameter body'],
  ['[]', 'Parameter body'],
  ['null', 'Parameter body'],
  ['{}', 'Parameter body'],
  ['{"acknowledged": "yes"}', 'Parameter acknowledged'],
  ['{"acknowledged": true, "muted": true}', 'Parameter muted'],
  ['{"mutedUntil": "2026-11-22T12:00:00Z"}', 'Parameter mutedUntil'],
  ['{"mutedUntil": "tomorrow"}', 'Parameter mutedUntil'],
  ['{"mutedUntil": true}', 'Parameter mutedUntil'],
  ['{"mutedUntil": 1e300}', 'Parameter mutedUntil'],
])('%j is refused', (body, message) => {
  expect(() => read(body)).toThrow(message);
});
