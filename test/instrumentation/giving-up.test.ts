/** What is told of a call that a library makes, and what becomes of errors that cannot be read. */
import { expect, it } from 'vitest';
import { watchGivingUp } from '../../instrumentation/libraries/giving-up.ts';
import { watchCheckOut } from '../../instrumentation/libraries/mongodb-queue.ts';
import { namedIn, record } from './recording.ts';

const failed = 2;

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
