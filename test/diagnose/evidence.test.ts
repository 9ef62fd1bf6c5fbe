/** Where the words of an error come from. */
import { expect, test } from 'vitest';
import { errorFact } from '../../collector/diagnose/evidence.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import type { Span } from '../../collector/span.ts';
import { makeSpan } from './make-span.ts';

const factOf = (given: Parameters<typeof makeSpan>[0]) =>
  errorFact(buildTraceTree([makeSpan(given)]).nodes[0]!);
const status = (message: string): Span['status'] => ({ code: 'error', message });
const exception = (message: string): Span['events'][number] => ({
  timeUnixNano: 0n,
  name: 'exception',
  attributes: new Map([['exception.message', message]]),
  droppedAttributes: 0,
});

test.each([
  ['error.type', { attributes: { 'error.type': 'ETIMEDOUT' } }, 'ETIMEDOUT'],
  ['error.type', { attributes: { 'error.type': 'ETIMEDOUT' }, status: status('ETIMEDOUT') }, 'ETIMEDOUT'],
  [
    'status.message',
    { attributes: { 'error.type': 'Error' }, status: status('socket hang up') },
    'socket hang up',
  ],
  [
    'exception.message',
    { status: status(''), events: [exception('connect: no route')] },
    'connect: no route',
  ],
  ['exception.message', { events: [exception('Error\ncaused by: EPIPE\n')] }, 'caused by: EPIPE'],
  [
    'status.message',
    {
      status: status('Query read timeout'),
      events: [exception("PostgreSQL error of type 'Error' occurred (code: UNKNOWN)")],
    },
    'Query read timeout',
  ],
])('an error is quoted from %s', (attribute, span, words) => {
  expect(factOf(span)).toMatchObject({ attribute, value: words, text: `the error says: ${words}` });
});

test('a span without words has none', () => {
  expect(factOf({})).toBeNull();
});
