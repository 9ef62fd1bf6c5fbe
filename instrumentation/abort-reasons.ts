/**
 * What ended the wait of an aborted call: remembers, for the reason of every abort, which timer was behind it.
 *
 * An abort's reason is the same object wherever it arrives: through `AbortSignal.any`, `fetch`, `http.request`, or a
 * library's own plumbing. So the timer is looked up by the reason, and `AbortSignal.any` needs no patch. A text, which may be
 * anybody's, is looked up by its signal. Signals are held weakly: the hook must not keep one alive that the program has dropped.
 */
import { performance } from 'node:perf_hooks';
import type { Timeout } from './failures.ts';
import { guard } from './guard.ts';
import { isDeadlineOf, runningTimer, type Beginning, type RunningTimer } from './running-timer.ts';

/** The `abort` of a controller. */
interface ControllerAbort {
  /** The timer it was called in. */
  controllerTimer: RunningTimer | undefined;
  /** What it was called with. */
  given: unknown;
  /** Whether it is the one that counts, its controller's first. */
  isFirst: boolean;
}

/** An abort by `AbortSignal.timeout` with its delay, or by a controller. */
type Cause = { signalDelayMs: number } | ControllerAbort;

/** Signals that had not fired when last looked at, oldest first, with their delay. */
const waiting = new Map<WeakRef<AbortSignal>, number>();
const dropped = new FinalizationRegistry<WeakRef<AbortSignal>>((ref) => waiting.delete(ref));
/** By the reason, and of controllers by their signal. */
const causes = new WeakMap<object, Cause>();
/** The controller's `abort` that runs now: its reason is not known before it is over, the calls it ends end within. */
let aborting: ControllerAbort | undefined;
/** The signal that was last aborted with a text, for calls that end by it a little later, as behind `pipeTo`. */
let lastByText: { given: unknown; atMs: number; ref: WeakRef<AbortSignal> } | undefined;
const textLastsMs = 100;

let signalMade: ((delayMs: number) => void) | undefined;

/** From now on, `made` is told of each `AbortSignal.timeout` where it is made. */
export function watchSignals(made: (delayMs: number) => void): void {
  signalMade = guard(made);
}

/** Replaces `AbortSignal.timeout` and `AbortController.prototype.abort` with ones that remember; everything else stays. */
export function watchAborts(): void {
  const { timeout } = AbortSignal;
  replace(AbortSignal, 'timeout', function (this: unknown, delay: number): AbortSignal {
    const signal = Reflect.apply(timeout, this, arguments) as AbortSignal;
    const ref = new WeakRef(signal);
    waiting.set(ref, delay);
    dropped.register(signal, ref);
    signalMade?.(delay);
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
const abortBegins = guard((controller: AbortController | undefined, given: unknown) => {
  const begun: ControllerAbort = { controllerTimer: runningTimer(), given, isFirst: false };
  aborting = begun;
  // Called on something that is no controller, it is for the original to say so.
  begun.isFirst = controller?.signal?.aborted === false;
  if (!begun.isFirst) return;
  remember(controller!.signal, begun);
  // A reason of the program's own, whatever it is, arrives as the error of the calls it ends.
  if (!isPassedOn(given)) remember(given, begun);
  // What passes it on, as a pipe does to what it writes to, is not the one that counts.
  if (given !== undefined && !isObject(given) && !signalOfText(given))
    lastByText = { given, atMs: performance.now(), ref: new WeakRef(controller!.signal) };
});

const abortEnds = guard(({ signal }: AbortController) => {
  if (aborting?.isFirst && aborting.given === undefined) remember(signal.reason, aborting);
});

/** Node makes a reason for one abort alone. One of the program's own may be used again, and is of the abort that runs now. */
function isPassedOn(reason: unknown): boolean {
  const known = causeOf(reason, undefined);
  return known !== undefined && ('signalDelayMs' in known || known.given === undefined);
}

function replace(owner: object, name: string, value: (...args: never[]) => unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const { length } = (owner as Record<string, { length: number }>)[name]!;
  Object.defineProperty(value, 'name', { value: name, configurable: true });
  Object.defineProperty(value, 'length', { value: length, configurable: true });
  Object.defineProperty(owner, name, { ...descriptor, value });
}

function remember(key: unknown, cause: Cause): void {
  if (isObject(key)) causes.set(key, cause);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Of a text, a number, or the like, with which a signal that is not a controller's own may have been aborted. */
function causeOfText(reason: unknown, signal: AbortSignal | undefined): Cause | 'unknown' | undefined {
  if (aborting && aborting.given !== undefined && Object.is(aborting.given, reason)) return aborting;
  if (!signal?.aborted || !Object.is(signal.reason, reason)) return undefined;
  return causes.get(signal) ?? 'unknown';
}

/** The signal that was aborted with this text just now. */
export function signalOfText(reason: unknown): AbortSignal | undefined {
  if (!lastByText || !Object.is(lastByText.given, reason)) return undefined;
  return performance.now() - lastByText.atMs < textLastsMs ? lastByText.ref.deref() : undefined;
}

/**
 * The timer behind an abort with this reason, for a call that `signal` may have ended where that is known; undefined when it was
 * no abort.
 */
export function timerOfReason(reason: unknown, call: Beginning, signal?: AbortSignal): Timeout | undefined {
  const cause = isObject(reason) ? causeOf(reason, aborting) : causeOfText(reason, signal);
  if (!cause) return undefined;
  if (cause === 'unknown') return { timer: 'abort', budgetMs: undefined };
  if ('signalDelayMs' in cause) return { timer: 'abort_signal', budgetMs: cause.signalDelayMs };
  const { controllerTimer } = cause;
  const isDeadline = controllerTimer && isDeadlineOf(controllerTimer, call);
  return { timer: 'abort', budgetMs: isDeadline ? controllerTimer.delayMs : undefined };
}

function causeOf(reason: unknown, running: Cause | undefined): Cause | undefined {
  if (!isObject(reason)) return undefined;
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
