/** Aborts by reasons of the program's own: the hook remembers them, and changes nothing of what the program sees. */
import { beforeAll, describe, expect, it } from 'vitest';
import { timerOfReason, watchAborts } from '../../instrumentation/abort-reasons.ts';

beforeAll(watchAborts);

const abortError = () => new DOMException('aborted', 'AbortError');

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

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
    expect(timerOfReason(reason, 0)).toEqual({ timer: 'abort', budgetMs: undefined });
  });

  it('leaves nothing behind for what is aborted later', () => {
    new AbortController().abort(unreadable());
    expect(timerOfReason(abortError(), 0)).toBeUndefined();
  });

  it('of no abort is of no timer', () => {
    expect(timerOfReason(revoked(), 0)).toBeUndefined();
    expect(timerOfReason(unreadable(), 0)).toBeUndefined();
  });
});

describe('an abort', () => {
  it('of something that is no controller is refused as without the hook', () => {
    const { abort } = AbortController.prototype;
    for (const owner of [undefined, {}, { signal: { aborted: false } }, revoked()])
      expect(() => Reflect.apply(abort, owner, [])).toThrow(TypeError);
    expect(timerOfReason(abortError(), 0)).toBeUndefined();
  });

  it('is known by the first reason only', () => {
    const controller = new AbortController();
    const [first, second] = [new Error('first'), new Error('second')];
    controller.abort(first);
    controller.abort(second);
    expect(timerOfReason(first, 0)?.timer).toBe('abort');
    expect(timerOfReason(second, 0)).toBeUndefined();
  });

  it('is known to what it ends while it runs', () => {
    const controller = new AbortController();
    let within: unknown;
    controller.signal.addEventListener('abort', () => (within = timerOfReason(abortError(), 0)));
    controller.abort();
    expect(within).toEqual({ timer: 'abort', budgetMs: undefined });
  });
});
