/**
 * What ended the wait of an aborted call: remembers, for the reason of every abort, which timer was behind it.
 *
 * An abort's reason is the same object wherever it arrives: through `AbortSignal.any`, `fetch`, `http.request`, or a
 * library's own plumbing. So the timer is looked up by the reason, and `AbortSignal.any` needs no patch. Signals are held
 * weakly: the hook must not keep one alive that the program has dropped.
 */
import type { Timeout } from './failures.ts';
import { guard } from './guard.ts';
import { isDeadlineOf, runningTimer, type RunningTimer } from './running-timer.ts';

/** An abort by `AbortSignal.timeout` with its delay, or by a controller with the timer it was called in. */
type Cause = { signalDelayMs: number } | { controllerTimer: RunningTimer | undefined };

/** Signals that had not fired when last looked at, oldest first, with their delay. */
const waiting = new Map<WeakRef<AbortSignal>, number>();
const dropped = new FinalizationRegistry<WeakRef<AbortSignal>>((ref) => waiting.delete(ref));
const causes = new WeakMap<object, Cause>();
/** The controller's `abort` that runs now: its reason is not known before it is over, the calls it ends end within. */
let aborting: Cause | undefined;

/** Replaces `AbortSignal.timeout` and `AbortController.prototype.abort` with ones that remember; everything else stays. */
export function watchAborts(): void {
  const { timeout } = AbortSignal;
  replace(AbortSignal, 'timeout', function (this: unknown, delay: number): AbortSignal {
    const signal = Reflect.apply(timeout, this, arguments) as AbortSignal;
    const ref = new WeakRef(signal);
    waiting.set(ref, delay);
    dropped.register(signal, ref);
    return signal;
  });

  const { abort } = AbortController.prototype;
  replace(AbortController.prototype, 'abort', function (this: AbortController): void {
    const outer = aborting;
    try {
      abortBegins(this, arguments[0]);
      Reflect.apply(abort, this, arguments);
      abortEnds(this);
    } finally {
      aborting = outer;
    }
  });
}

/** Guarded, for the reason and the controller are the program's, and may throw at whoever looks at them. */
const abortBegins = guard((controller: AbortController | undefined, reason: unknown) => {
  aborting = { controllerTimer: runningTimer() };
  // A reason of the program's own, whatever it is, arrives as the error of the calls it ends.
  // Called on something that is no controller, it is for the original to say so.
  if (controller?.signal?.aborted === false) rememberNew(reason, aborting);
});

const abortEnds = guard(({ signal }: AbortController) => {
  if (aborting) rememberNew(signal.reason, aborting);
});

/** A reason that was only passed on has its cause already. */
function rememberNew(reason: unknown, cause: Cause): void {
  if (!causeOf(reason, undefined)) remember(reason, cause);
}

function replace(owner: object, name: string, value: (...args: never[]) => unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const { length } = (owner as Record<string, { length: number }>)[name]!;
  Object.defineProperty(value, 'name', { value: name, configurable: true });
  Object.defineProperty(value, 'length', { value: length, configurable: true });
  Object.defineProperty(owner, name, { ...descriptor, value });
}

function remember(reason: unknown, cause: Cause): void {
  if (typeof reason === 'object' && reason !== null) causes.set(reason, cause);
}

/** The timer behind an abort with this reason, for a call that began at `callStartMs`; undefined when it was no abort. */
export function timerOfReason(reason: unknown, callStartMs: number): Timeout | undefined {
  const cause = causeOf(reason, aborting);
  if (!cause) return undefined;
  if ('signalDelayMs' in cause) return { timer: 'abort_signal', budgetMs: cause.signalDelayMs };
  const { controllerTimer } = cause;
  const isDeadline = controllerTimer && isDeadlineOf(controllerTimer, callStartMs);
  return { timer: 'abort', budgetMs: isDeadline ? controllerTimer.delayMs : undefined };
}

function causeOf(reason: unknown, running: Cause | undefined): Cause | undefined {
  if (typeof reason !== 'object' || reason === null) return undefined;
  const known = causes.get(reason);
  if (known) return known;
  const name = nameOf(reason, running !== undefined);
  if (name === 'AbortError') return running;
  return name === 'TimeoutError' ? findExpiredSignal(reason) : undefined;
}

/** The name of an error; of one that is the program's own, which may do anything when it is read, only where asked for. */
function nameOf(reason: object, ofOwnToo: boolean): unknown {
  try {
    if (ofOwnToo || reason instanceof DOMException) return (reason as { name?: unknown }).name;
  } catch {
    // Then it has none.
  }
  return undefined;
}

/** Looks through the signals that have fired since the last time, remembering each on the way. */
function findExpiredSignal(reason: object): Cause | undefined {
  for (const [ref, signalDelayMs] of waiting) {
    const signal = ref.deref();
    if (signal && !signal.aborted) continue;
    waiting.delete(ref);
    if (signal) remember(signal.reason, { signalDelayMs });
    if (signal?.reason === reason) break;
  }
  return causes.get(reason);
}
