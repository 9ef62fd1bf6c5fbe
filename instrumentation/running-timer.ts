/**
 * The timer in whose callback the program is running: what a program's own `setTimeout(() => controller.abort(), 3000)`
 * says about how long it was willing to wait.
 *
 * Node's current execution resource is the timer itself, in the callback and in whatever that calls at once; after an
 * `await` it is another, and nothing is known.
 */
import { executionAsyncId, executionAsyncResource } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import type { Phase } from './phases.ts';

export interface RunningTimer {
  /** Unknown when its callback has cleared it, as some libraries do first of all, but of those that the hook knows. */
  delayMs: number | undefined;
  /** When it was started, in ms of `performance.now()`. */
  startedMs: number;
  /** When it was seen to run. */
  ranMs: number;
  /** The number that Node gave it. */
  asyncId: number;
  /** The phase that ran out of time, of a library's own timer where the hook knows. */
  phase?: Phase | undefined;
}

/** How a call began. */
export interface Beginning {
  startMs: number;
  /** What the program was running then, as Node numbers it: a timer has a number of its own. */
  startId: number;
}

/** What Node's timers carry since its first days, and what is not of a timer lacks. */
interface TimerFields {
  _idleTimeout?: unknown;
  _idleStart?: unknown;
  _repeat?: unknown;
}

/** A timer may start this long after the call it is for: in the same piece of code, the loop's clock being coarse. */
const startSlackMs = 20;
/** Or after this part of the call, in a library that sets it when it has done other things first. */
const startSlackShare = 0.1;

/** What is known of the timer that runs now, if it is cleared. */
type Cleared = Pick<RunningTimer, 'delayMs' | 'phase'>;
let cleared: Cleared | undefined;

/** Calls what clears the timer that it is called by, of which this is known. */
export function runCleared<Result>(known: Cleared, run: () => Result): Result {
  const outer = cleared;
  cleared = known;
  try {
    return run();
  } finally {
    cleared = outer;
  }
}

/** The one-shot timer that runs now; undefined outside of one. An interval says nothing about one call. */
export function runningTimer(): RunningTimer | undefined {
  const {
    _idleTimeout: delayMs,
    _idleStart: start,
    _repeat: repeat,
  } = executionAsyncResource() as TimerFields;
  if (typeof delayMs !== 'number' || typeof start !== 'number' || repeat) return undefined;
  // Timers count on the event loop's clock; one that starts now shows what that clock says.
  const now = setTimeout(() => {}, 1);
  clearTimeout(now);
  const { _idleStart: loopNow } = now as unknown as { _idleStart: number };
  const ranMs = performance.now();
  return {
    delayMs: delayMs < 0 ? cleared?.delayMs : delayMs,
    phase: cleared?.phase,
    startedMs: ranMs - (loopNow - start),
    ranMs,
    asyncId: executionAsyncId(),
  };
}

/**
 * Whether the timer can be the deadline of a call that ends now: one that started later was set for something else, and one that
 * ran before was somebody else's, too.
 */
export function isDeadlineOf(timer: RunningTimer, call: Beginning, nowMs = performance.now()): boolean {
  const { startMs } = call;
  const slackMs = Math.max(startSlackMs, (nowMs - startMs) * startSlackShare);
  return timer.startedMs <= startMs + slackMs && startMs <= timer.ranMs && !hasBegun(timer, call);
}

/** Whether it was in the callback of the timer that the call began, which then is not what it was to end by. */
export function hasBegun({ asyncId }: RunningTimer, { startId }: Beginning): boolean {
  return asyncId === startId;
}
