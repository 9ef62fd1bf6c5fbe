/**
 * Which timer gave up a call that a library made: one of its own, or of the program's, as far as that is known.
 *
 * A call that fails in the callback of a timer was ended by that. Where the library rejects a promise instead, the callback is
 * over by then, and what the library says when its timer runs out is all there is: the budget is what it says of it, or, where
 * that is what it waits with, the delay of the `AbortSignal.timeout` that was made for the call.
 */
import { executionAsyncId } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { Attributes, Span, SpanStatusCode } from '@opentelemetry/api';
import { watchSignals } from '../abort-reasons.ts';
import { activeContext, spanOf } from '../context.ts';
import { Given } from '../given.ts';
import { guard } from '../guard.ts';
import { hasBegun, isDeadlineOf, runningTimer, type Beginning, type RunningTimer } from '../running-timer.ts';

export const failed = 2 satisfies SpanStatusCode.ERROR;

/** What is known of a call beside its span. */
interface LibraryCall extends Beginning {
  /** What the library says when a timer of its own has run out. */
  gaveUp: RegExp | undefined;
  /** The phase that it is in, where that is known. */
  phaseNow: (() => string | undefined) | undefined;
  /** Whether what failed is a span below it: no timer but one that the library names is this one's. */
  hasFailedBelow: (() => boolean) | undefined;
  /** The timer that ended its connection, where that is known. */
  endedBy: (() => RunningTimer | undefined) | undefined;
  errorClass: string;
  /** What its connection ended by, where the library says of the call only that it did. */
  cause: string | undefined;
  /** The value of `error.type`, where the error that ended it is known. */
  errorType: string | undefined;
  /** Whether the program waits for it no longer, and ended it by that. */
  isCancelled: boolean;
  /** Whether its span says that it was given up. */
  isTold: boolean;
  /** The `AbortSignal.timeout` that was made within it: by the library, or by the program, which it may have called. */
  signal: { delayMs: number; madeMs: number } | undefined;
}

/** Keeps it on the span. */
class Watched extends Given {
  readonly #call: LibraryCall;

  constructor(span: Span, call: LibraryCall) {
    super(span);
    this.#call = call;
  }

  static by(span: object): LibraryCall | undefined {
    return #call in span ? span.#call : undefined;
  }
}

let isWatching = false;

/** Follows a call of a library until its span fails, and then says on it what gave it up. */
export function watchGivingUp(
  span: Span,
  gaveUp: RegExp | undefined,
  {
    phaseNow,
    hasFailedBelow,
    endedBy,
  }: Partial<Pick<LibraryCall, 'phaseNow' | 'hasFailedBelow' | 'endedBy'>> = {},
): Span {
  // A tracer that is not the hook's may give the same span for whatever it does not record.
  if (!span.isRecording() || Watched.by(span)) return span;
  if (!isWatching) watchSignals(noteSignal);
  isWatching = true;
  const call: LibraryCall = {
    startMs: performance.now(),
    startId: executionAsyncId(),
    gaveUp,
    phaseNow,
    hasFailedBelow,
    endedBy,
    errorClass: '',
    cause: undefined,
    errorType: undefined,
    isCancelled: false,
    isTold: false,
    signal: undefined,
  };
  new Watched(span, call);
  const { recordException, setStatus } = span;
  span.recordException = (...args) => {
    noteError(call, args[0]);
    Reflect.apply(recordException, span, args);
  };
  span.setStatus = (status) => {
    if (status.code === failed) tell(call, span, status.message ?? '');
    return Reflect.apply(setStatus, span, [status]);
  };
  return span;
}

/** Guarded, for an error may be of the program's making, and throw at whoever looks at it. */
const noteError = guard((call: LibraryCall, error: unknown) => {
  const { constructor, code, name } = Object(error) as Partial<Record<string, unknown>> & object;
  call.errorClass = String(constructor?.name ?? '');
  const said = typeof error === 'string' ? saidByPg.exec(error)?.groups : undefined;
  const types = [said?.['code'] ?? code, said?.['name'] ?? name, said ? undefined : call.errorClass];
  call.errorType = types.filter((type) => typeof type === 'string').find((type) => !untold.has(type));
});

/** The instrumentation of pg says no more than this of an error. */
const saidByPg = /^PostgreSQL error of type '(?<name>.*)' occurred \(code: (?<code>.*)\)$/s;
/** What says nothing of an error. */
const untold = new Set(['', 'UNKNOWN', 'Error', 'error', 'String']);

const tell = guard((call: LibraryCall, span: Span, message: string) => {
  // Of several spans in which a driver gets a connection, one says so.
  if (call.errorType !== undefined && !call.hasFailedBelow) span.setAttribute('error.type', call.errorType);
  span.setAttributes(giveUpOf(call, message));
});

/** Ends a call that the program waits for no longer: by a timer of its own, if in its callback. One that has ended stays as it is. */
export function cancel(span: Span | undefined, message: string): void {
  const call = span && Watched.by(span);
  if (!call || !span.isRecording()) return;
  call.isCancelled = true;
  span.setAttribute('error.type', 'AbortError').setStatus({ code: failed, message }).end();
}

/** Tells of a call that is about to fail what its connection ended by. */
export function noteCause(span: Span, error: Error): void {
  const call = Watched.by(span);
  if (call) call.cause = error.message;
}

/** Whether the span of a call that is followed says that it was given up. */
export function isGivenUp(span: Span): boolean {
  return Watched.by(span)?.isTold === true;
}

function noteSignal(delayMs: number): void {
  const span = spanOf(activeContext());
  const call = span && Watched.by(span);
  if (call) call.signal ??= { delayMs, madeMs: performance.now() };
}

function giveUpOf(call: LibraryCall, message: string): Attributes {
  const { startMs, gaveUp, errorClass, cause } = call;
  const said = gaveUp?.exec(`${errorClass}: ${cause ?? message}`);
  const running = runningTimer() ?? call.endedBy?.();
  // Its own may start late: when the library has got to the call.
  const isBelow = call.hasFailedBelow?.() === true;
  const isOwn = running && (said ? !hasBegun(running, call) : !isBelow && isDeadlineOf(running, call));
  const ownTimer = isOwn ? running : undefined;
  if (!ownTimer && !said && !call.isCancelled) return {};
  call.isTold = true;
  const budgetMs = ownTimer ? ownTimer.delayMs : budgetOf(call, said?.groups ?? {});
  const attributes: Attributes = {
    'sockeye.timeout.timer': ownTimer || said ? 'app' : 'abort',
    'sockeye.timeout.elapsed_ms': performance.now() - startMs,
  };
  const phase = call.phaseNow?.() ?? ownTimer?.phase;
  if (phase !== undefined) attributes['sockeye.timeout.phase'] = phase;
  if (budgetMs !== undefined) attributes['sockeye.timeout.budget_ms'] = budgetMs;
  return attributes;
}

/** The event loop's clock, which timers are on, is a whole number of ms. */
const clockStepMs = 1;

/** Of a call whose library says so, in one way or another. */
function budgetOf({ signal }: LibraryCall, said: Partial<Record<string, string>>): number | undefined {
  if (said['ms'] !== undefined) return Number(said['ms']);
  if (said['signal'] === undefined || !signal) return undefined;
  const { delayMs, madeMs } = signal;
  return performance.now() >= madeMs + delayMs - clockStepMs ? delayMs : undefined;
}
