/** What each release of Node tells of: the last that does not and the first that does, as tried with the releases themselves. */
import { expect, it } from 'vitest';
import { tellsOfSentBody } from '../../instrumentation/node-releases.ts';

it.each([
  { before: '22.22.0', since: '22.22.1' },
  { before: '24.11.1', since: '24.12.0' },
  { before: '25.1.0', since: '25.2.0' },
])('Node $since tells when the body of an HTTP/2 request was sent, $before does not', ({ before, since }) => {
  expect(tellsOfSentBody(before)).toBe(false);
  expect(tellsOfSentBody(since)).toBe(true);
});

it('the releases that follow tell of it from their beginning', () => {
  for (const version of ['22.23.3', '24.21.0', '26.0.0', '27.0.0-pre'])
    expect(tellsOfSentBody(version)).toBe(true);
  expect(tellsOfSentBody('22.18.0')).toBe(false);
});
