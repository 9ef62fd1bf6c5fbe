/** What is told of a call that a library makes, and what becomes of errors that cannot be read. */
import { describe, expect, it } from 'vitest';
import { libraries } from '../../instrumentation/libraries/catalogue.ts';
import { watchGivingUp } from '../../instrumentation/libraries/giving-up.ts';
import { watchCheckOut } from '../../instrumentation/libraries/mongodb-queue.ts';
import { namedIn, record } from './recording.ts';

const failed = 2;

describe('a span of a library that fails', () => {
  const attributesOf = async (name: string, error: Error) => {
    const recording = record();
    const gaveUp = libraries.find((library) => library.name === name)?.gaveUp;
    const span = watchGivingUp(recording.tracer.startSpan('query'), gaveUp);
    span.recordException(error);
    span.setStatus({ code: failed, message: error.message });
    span.end();
    return (await recording.ended())[0]!.attributes;
  };
  class SocketTimeoutError extends Error {}

  it.each([
    ['pg', new Error('Query read timeout'), undefined],
    ['redis', new SocketTimeoutError('Expecting data, but got none in 300ms.'), 300n],
    ['mongodb', new Error('connection 4 to 127.0.0.1:27017 timed out'), undefined],
  ])('by what is said of a timer of its own was given up by that (%s)', async (name, error, budgetMs) => {
    const attributes = await attributesOf(name, error);
    expect(attributes).toMatchObject({ 'sockeye.timeout.timer': 'app' });
    expect(attributes['sockeye.timeout.budget_ms']).toBe(budgetMs);
  });

  it.each([
    ['pg', 'canceling statement due to statement timeout'],
    ['mysql2', 'Lock wait timeout exceeded; try restarting transaction'],
    ['redis', 'ERR timeout'],
    ['mongodb', 'waiting for replication timed out'],
  ])('by a timer of its server’s was not given up here (%s)', async (name, message) => {
    const attributes = await attributesOf(name, new Error(message));
    expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.'))).toEqual([]);
  });

  it('may be the same for whatever a tracer does not record', () => {
    const span = record().tracer.startSpan('query');
    expect(watchGivingUp(watchGivingUp(span, undefined), undefined)).toBe(span);
    const unrecorded = record({ environment: { OTEL_TRACES_SAMPLER: 'always_off' } }).tracer.startSpan(
      'query',
    );
    expect(watchGivingUp(unrecorded, undefined)).toBe(unrecorded);
    expect(Object.keys(unrecorded)).not.toContain('setStatus');
  });
});

it('an error whose class cannot be read is the program’s: nothing throws at the driver', async () => {
  const recording = record();
  const span = watchGivingUp(recording.tracer.startSpan('query'), /: late$/);
  const error = new Error('late');
  Object.defineProperty(error, 'constructor', {
    get() {
      throw new Error('not to be read');
    },
  });
  span.recordException(error);
  span.setStatus({ code: failed, message: 'late' }).end();
  expect((await namedIn(recording, 'query')).attributes).toMatchObject({ 'sockeye.timeout.timer': 'app' });
});

it('a pool of mongodb that cannot be read is checked out of as without the hook', async () => {
  class ConnectionPool {
    get totalConnectionCount(): number {
      throw new Error('not to be read');
    }
    checkOut(): Promise<string> {
      return Promise.resolve('a connection');
    }
  }
  watchCheckOut({ ConnectionPool }, 'mongodb/lib/cmap/connection_pool.js');
  await expect(new ConnectionPool().checkOut()).resolves.toBe('a connection');
});
