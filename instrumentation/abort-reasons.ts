/**
 * What ended the wait of an aborted call: remembers, for every abort, which timer was behind it.
 *
 * An abort's reason is the same object wherever it arrives: through `AbortSignal.any`, `fetch`, `http.request`, or a
 * library's own plumbing. So the timer is looked up by the reason, and `AbortSignal.any` needs no patch. A text, which may be
 * anybody's, is looked up by its signal; what is aborted while the listeners of another signal run passes that one's abort on.
 */
import { executionAsyncId } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { Timeout } from './failures.ts';
import { Given } from './given.ts';
import { guard } from './guard.ts';
import { putOver } from './put-over.ts';
import { isDeadlineOf, runningTimer, type Beginning, type RunningTimer } from './running-timer.ts';

/** Reasons are passed on a few times; one that a program uses for all its aborts would keep them all. */
const beforesMax = 8;

interface Abort {
  atMs: number;
  /** What the program was running then, as Node numbers it. */
  asyncId: number;
  /** Of an `AbortSignal.timeout`, its delay. */
  signalDelayMs: number | undefined;
  /** Of any other signal, the timer that aborted it. */
  timer: RunningTimer | undefined;
  /** The one with the same reason shortly before, which it may pass on, as that may have; so many of them. */
  before: Abort | undefined;
  befores: number;
}

/** Keeps on every `AbortSignal.timeout` its delay. */
class Timed extends Given {
  readonly #delayMs: number;

  constructor(signal: AbortSignal, delayMs: number) {
    super(signal);
    this.#delayMs = delayMs;
  }

  static by(signal: object): number | undefined {
    return #delayMs in signal ? signal.#delayMs : undefined;
  }
}

/** By the signal, and the last one by the reason. */
const aborts = new WeakMap<object, Abort>();
/** The signal whose listeners run now. */
let running: AbortSignal | undefined;
/** The signal that was last aborted with a text, for calls that end by it a little later, as behind `pipeTo`. */
let lastByText: { reason: unknown; atMs: number; ref: WeakRef<AbortSignal> } | undefined;
/** What the program may use again, such as a text or an error of its own, is of its last abort for as long. */
const lastsMs = 100;

let signalMade: ((delayMs: number) => void) | undefined;

/** From now on, `made` is told of each `AbortSignal.timeout` where it is made. */
export function watchSignals(made: (delayMs: number) => void): void {
  signalMade = guard(made);
}

/** Replaces `AbortSignal.timeout`, and `dispatchEvent` of signals, by which Node tells of every abort; everything else stays. */
export function watchAborts(): void {
  const { timeout } = AbortSignal;
  const observed = {
    timeout(this: unknown, delay: number): AbortSignal {
      const signal = Reflect.apply(timeout, this, arguments) as AbortSignal;
      new Timed(signal, delay);
      signalMade?.(delay);
      return signal;
    },
    dispatchEvent(this: AbortSignal, _event: Event): boolean {
      const outer = running;
      begin(this);
      try {
        return Reflect.apply(below.dispatchEvent, this, arguments) as boolean;
      } finally {
        running = outer;
      }
    },
  };
  const descriptor = Object.getOwnPropertyDescriptor(AbortSignal, 'timeout');
  Object.defineProperty(AbortSignal, 'timeout', { ...descriptor, value: observed.timeout });
  const below = putOver(AbortSignal.prototype, 'dispatchEvent', observed.dispatchEvent);
  Object.defineProperty(AbortSignal.prototype, 'dispatchEvent', { enumerable: true });
}

/** Guarded, for it may be called on anything, and the reason is the program's, and may throw at whoever looks at it. */
const begin = guard((signal: AbortSignal) => {
  if (!(signal instanceof AbortSignal) || !signal.aborted) return;
  const outer = running;
  running = signal;
  if (aborts.has(signal)) return;
  const abort = (outer && aborts.get(outer)) ?? abortOf(signal);
  aborts.set(signal, abort);
  const reason: unknown = signal.reason;
  if (isObject(reason)) aborts.set(reason, abort);
  // What passes it on, as a pipe does to what it writes to, is not the one that counts.
  else if (!signalOfText(reason)) lastByText = { reason, atMs: abort.atMs, ref: new WeakRef(signal) };
});

function abortOf(signal: AbortSignal): Abort {
  const atMs = performance.now();
  const asyncId = executionAsyncId();
  const known = isObject(signal.reason) ? aborts.get(signal.reason) : undefined;
  const recent = known && atMs - known.atMs < lastsMs ? known : undefined;
  // One that `AbortSignal.any` made is aborted next to what it is made of.
  if (recent?.asyncId === asyncId) return recent;
  const before = recent && recent.befores < beforesMax ? recent : undefined;
  const signalDelayMs = Timed.by(signal);
  const timer = signalDelayMs === undefined ? runningTimer() : undefined;
  return { atMs, asyncId, signalDelayMs, timer, before, befores: before ? before.befores + 1 : 0 };
}

/** When it was aborted, in ms of `performance.now()`. */
export function abortedMs(signal: AbortSignal | undefined): number | undefined {
  return signal && aborts.get(signal)?.atMs;
}

/** The signal whose listeners run now: whatever they end, it is that which ends it. */
export function runningSignal(): AbortSignal | undefined {
  return running;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** The signal that was aborted with this text just now. */
export function signalOfText(reason: unknown): AbortSignal | undefined {
  if (!lastByText || !Object.is(lastByText.reason, reason)) return undefined;
  return performance.now() - lastByText.atMs < lastsMs ? lastByText.ref.deref() : undefined;
}

/**
 * The timer behind an abort with this reason, for a call that `signal` may have ended where that is known; undefined when it was
 * no abort.
 */
export function timerOfReason(reason: unknown, call: Beginning, signal?: AbortSignal): Timeout | undefined {
  const by = [signal, running].find((each) => each?.aborted && Object.is(each.reason, reason));
  const abort = (by && aborts.get(by)) ?? abortBy(reason);
  return abort || (by && !isObject(reason)) ? timerOf(abort, call) : undefined;
}

function timerOf(abort: Abort | undefined, call: Beginning): Timeout {
  for (let each = abort; each; each = each.before) {
    const { signalDelayMs, timer } = each;
    if (signalDelayMs !== undefined) return { timer: 'abort_signal', budgetMs: signalDelayMs };
    if (timer && isDeadlineOf(timer, call)) return { timer: 'abort', budgetMs: timer.delayMs };
  }
  return { timer: 'abort', budgetMs: undefined };
}

function abortBy(reason: unknown): Abort | undefined {
  if (!isObject(reason)) return undefined;
  const known = aborts.get(reason);
  if (known) return isOfNode(reason) || performance.now() - known.atMs < lastsMs ? known : undefined;
  // Made anew for what is ended meanwhile.
  return running && nameOf(reason) === 'AbortError' ? aborts.get(running) : undefined;
}

/** Made for one abort alone. What is the program's own may do anything when it is looked at. */
function isOfNode(reason: object): boolean {
  try {
    return reason instanceof DOMException;
  } catch {
    return false;
  }
}

function nameOf(reason: object): unknown {
  try {
    return (reason as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}
