/**
 * How long an aborted caller was willing to wait: remembers the delay of every `AbortSignal.timeout`.
 *
 * An abort's reason is the same object wherever it arrives: through `AbortSignal.any`, `fetch`, `http.request`, or a
 * library's own plumbing. So the delay is looked up by the reason, and `AbortSignal.any` needs no patch. Signals are held
 * weakly: the hook must not keep one alive that the program has dropped.
 */

/** Signals that had not fired when last looked at, oldest first. */
const waiting = new Map<WeakRef<AbortSignal>, number>();
const dropped = new FinalizationRegistry<WeakRef<AbortSignal>>((ref) => waiting.delete(ref));
/** Delay in ms by the reason of the signal that fired. */
const budgets = new WeakMap<object, number>();

/** Replaces `AbortSignal.timeout` with one that remembers its delay; everything else about it stays. */
export function watchAbortSignals(): void {
  const original = AbortSignal.timeout;
  const timeout = function (this: unknown, delay: number): AbortSignal {
    const signal = Reflect.apply(original, this, arguments) as AbortSignal;
    const ref = new WeakRef(signal);
    waiting.set(ref, delay);
    dropped.register(signal, ref);
    return signal;
  };
  Object.defineProperty(timeout, 'name', { value: 'timeout', configurable: true });
  Object.defineProperty(AbortSignal, 'timeout', {
    ...Object.getOwnPropertyDescriptor(AbortSignal, 'timeout'),
    value: timeout,
  });
}

/** The delay in ms of the signal that aborted with this reason; undefined when no timed signal did. */
export function budgetOfReason(reason: unknown): number | undefined {
  if (typeof reason !== 'object' || reason === null) return undefined;
  const known = budgets.get(reason);
  if (known !== undefined) return known;
  if ((reason as { name?: unknown }).name !== 'TimeoutError') return undefined;
  for (const [ref, delay] of waiting) {
    const signal = ref.deref();
    if (signal && !signal.aborted) continue;
    waiting.delete(ref);
    if (!signal) continue;
    if (typeof signal.reason === 'object') budgets.set(signal.reason as object, delay);
    if (signal.reason === reason) return delay;
  }
  return undefined;
}
