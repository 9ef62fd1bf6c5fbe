/** Aborts by reasons of the program's own: the hook remembers them, and changes nothing of what the program sees. */
import { executionAsyncId } from 'node:async_hooks';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { timerOfReason, watchAborts } from '../../instrumentation/abort-reasons.ts';
import type { Beginning } from '../../instrumentation/running-timer.ts';

beforeAll(watchAborts);

/** One that began before all of these. */
const anyCall = { startMs: 0, startId: 0 };

const abortError = () => new DOMException('aborted', 'AbortError');

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

it('a reason that is passed on has the first timer, and one of all aborts keeps no more than the last', async () => {
  const signal = AbortSignal.timeout(5);
  await once(signal, 'abort');
  const reason: unknown = signal.reason;
  const passOn = async (times: number) => {
    for (let time = 0; time < times; time++) {
      const done = Promise.withResolvers<void>();
      setImmediate(() => done.resolve(new AbortController().abort(reason)));
      await done.promise;
    }
    return timerOfReason(reason, anyCall);
  };
  expect(await passOn(3)).toEqual({ timer: 'abort_signal', budgetMs: 5 });
  expect(await passOn(20)).toEqual({ timer: 'abort', budgetMs: undefined });
});

describe('a reason that cannot be read', () => {
  const reads: string[] = [];
  const unreadable = () => ({
    get name(): string {
      reads.push('name');
      throw new Error('not to be read');
    },
  });

  it.each([
    ['whose name throws', unreadable()],
    ['that is a revoked proxy', revoked()],
  ])('aborts as without the hook (%s)', (_, reason) => {
    const controller = new AbortController();
    let calls = 0;
    controller.signal.addEventListener('abort', () => (calls += 1));
    controller.abort(reason);
    expect(controller.signal.aborted).toBe(true);
    expect(controller.signal.reason === reason).toBe(true);
    expect(calls).toBe(1);
    expect(reads).toEqual([]);
  });

  it('is known for the abort that it was', () => {
    const reason = revoked();
    new AbortController().abort(reason);
    expect(timerOfReason(reason, anyCall)).toEqual({ timer: 'abort', budgetMs: undefined });
  });

  it('leaves nothing behind for what is aborted later', () => {
    new AbortController().abort(unreadable());
    expect(timerOfReason(abortError(), anyCall)).toBeUndefined();
  });

  it('of no abort is of no timer', () => {
    expect(timerOfReason(revoked(), anyCall)).toBeUndefined();
    expect(timerOfReason(unreadable(), anyCall)).toBeUndefined();
  });
});

describe('a reason of the program’s own that is used again', () => {
  /** Aborts in the callback of a timer of this delay; undefined: in none. */
  const abortAfter = (delayMs: number | undefined, reason: unknown) =>
    new Promise<void>((resolve) => {
      const abort = () => {
        new AbortController().abort(reason);
        resolve();
      };
      if (delayMs === undefined) queueMicrotask(abort);
      else setTimeout(abort, delayMs);
    });

  it('is of the timer that used it last', async () => {
    const reason = new Error('too late');
    await abortAfter(5, reason);
    const startMs = performance.now();
    await abortAfter(30, reason);
    expect(timerOfReason(reason, { startMs, startId: 0 })).toEqual({ timer: 'abort', budgetMs: 30 });
  });

  it('is of no timer when it was used in none', async () => {
    const reason = new Error('too late');
    await abortAfter(5, reason);
    await abortAfter(undefined, reason);
    expect(timerOfReason(reason, anyCall)).toEqual({ timer: 'abort', budgetMs: undefined });
  });

  it('is not for ever of its last abort', async () => {
    const reason = new Error('too late');
    new AbortController().abort(reason);
    await sleep(150);
    expect(timerOfReason(reason, anyCall)).toBeUndefined();
  });

  it('is that of the abort that it is passed on from', async () => {
    const startMs = performance.now();
    const outer = new AbortController();
    const inner = new AbortController();
    const reason = new Error('too late');
    outer.signal.addEventListener('abort', () => inner.abort(outer.signal.reason));
    await new Promise<void>((resolve) =>
      setTimeout(() => {
        outer.abort(reason);
        resolve();
      }, 20),
    );
    expect(timerOfReason(inner.signal.reason, { startMs, startId: 0 })?.budgetMs).toBe(20);
  });
});

describe('a reason that Node made', () => {
  it.each(['AbortSignal.timeout', 'a controller'])(
    'is of its first abort, as long as it may be passed on (%s)',
    async (by) => {
      const startMs = performance.now();
      const controller = new AbortController();
      const signal = by === 'a controller' ? controller.signal : AbortSignal.timeout(20);
      if (by === 'a controller') setTimeout(() => controller.abort(), 20);
      await once(signal, 'abort');
      // In another callback, and in none.
      await new Promise<void>((resolve) =>
        setImmediate(() => {
          new AbortController().abort(signal.reason);
          resolve();
        }),
      );
      new AbortController().abort(signal.reason);
      expect(timerOfReason(signal.reason, { startMs, startId: 0 })?.budgetMs).toBe(20);
    },
  );

  it('and that is used again much later is of that abort', async () => {
    const first = new AbortController();
    first.abort();
    const { reason } = first.signal;
    const startMs = performance.now();
    await new Promise<void>((resolve) =>
      setTimeout(() => {
        new AbortController().abort(reason);
        resolve();
      }, 150),
    );
    expect(timerOfReason(reason, { startMs, startId: 0 })).toEqual({ timer: 'abort', budgetMs: 150 });
  });
});

describe('a timer', () => {
  /** Aborts after this delay, with the beginnings of calls before that, in its callback, and after it. */
  const abortIn = (delayMs: number) =>
    new Promise<{ reason: unknown; calls: Beginning[] }>((resolve) => {
      const begin = (): Beginning => ({ startMs: performance.now(), startId: executionAsyncId() });
      setTimeout(() => {
        const controller = new AbortController();
        const within = begin();
        controller.abort();
        const { reason } = controller.signal;
        setImmediate(() => resolve({ reason, calls: [before, within, begin()] }));
      }, delayMs);
      const untilMs = performance.now() + 2 * delayMs;
      // Due already when the call begins.
      while (performance.now() < untilMs);
      const before = begin();
    });

  it('is the deadline of a call that began before it ran, not of one that it began itself, or that came after', async () => {
    const { reason, calls } = await abortIn(20);
    expect(calls.map((call) => timerOfReason(reason, call)?.budgetMs)).toEqual([20, undefined, undefined]);
  });
});

describe('a text', () => {
  it('is a reason while it aborts, and of the signal that it has aborted', () => {
    const controller = new AbortController();
    let within: unknown;
    controller.signal.addEventListener('abort', () => (within = timerOfReason('text', anyCall)));
    controller.abort('text');
    const abort = { timer: 'abort', budgetMs: undefined };
    expect(within).toEqual(abort);
    expect(timerOfReason('text', anyCall, controller.signal)).toEqual(abort);
    expect(timerOfReason('text', anyCall)).toBeUndefined();
    expect(timerOfReason('other', anyCall, controller.signal)).toBeUndefined();
    expect(timerOfReason('text', anyCall, AbortSignal.abort('text'))).toEqual(abort);
  });
});

describe('an abort', () => {
  it('of something that is no controller is refused as without the hook', () => {
    const { abort } = AbortController.prototype;
    for (const owner of [undefined, {}, { signal: { aborted: false } }, revoked()])
      expect(() => Reflect.apply(abort, owner, [])).toThrow(TypeError);
    expect(timerOfReason(abortError(), anyCall)).toBeUndefined();
  });

  it('is that of the signal whose listeners made it, whatever the reason', async () => {
    const signal = AbortSignal.timeout(20);
    const own = new AbortController();
    const reason = new Error('cancelled');
    signal.addEventListener('abort', () => own.abort(reason));
    await once(own.signal, 'abort');
    expect(timerOfReason(reason, anyCall)).toEqual({ timer: 'abort_signal', budgetMs: 20 });
  });

  it('is that of the signal that is known to have ended the call, although another had the same reason later', async () => {
    const reason = new Error('cancelled');
    const startMs = performance.now();
    const signals = [30, 40].map((delayMs) => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(reason), delayMs);
      return controller.signal;
    });
    await once(signals[1]!, 'abort');
    const budgets = signals.map((signal) => timerOfReason(reason, { startMs, startId: 0 }, signal)?.budgetMs);
    expect(budgets).toEqual([30, 40]);
  });

  it('is known by the first reason only', () => {
    const controller = new AbortController();
    const [first, second] = [new Error('first'), new Error('second')];
    controller.abort(first);
    controller.abort(second);
    expect(timerOfReason(first, anyCall)?.timer).toBe('abort');
    expect(timerOfReason(second, anyCall)).toBeUndefined();
  });

  it('is known to what it ends while it runs', () => {
    const controller = new AbortController();
    let within: unknown;
    controller.signal.addEventListener('abort', () => (within = timerOfReason(abortError(), anyCall)));
    controller.abort();
    expect(within).toEqual({ timer: 'abort', budgetMs: undefined });
  });
});
