/** How a request of undici ended: by whose timer, by which reason, or left by the program. */
import { timerOfReason } from './abort-reasons.ts';
import type { Call, CallEnd } from './call.ts';
import { readError } from './failures.ts';
import { isDeadlineOf, runningTimer, type RunningTimer } from './running-timer.ts';
import { hiddenProperty } from './undici-dispatch.ts';

/** `signal` is the one by which the caller may give it up. */
type SignalledCall = Call & { signal: AbortSignal | undefined };

export interface RequestTimeouts {
  headersTimeout?: number | null;
  bodyTimeout?: number | null;
}

/** The timers that the caller set for this request; those of the whole client are not to be seen from here. */
export function budgetsOf({ headersTimeout, bodyTimeout }: RequestTimeouts): CallEnd['undiciBudgetsMs'] {
  return {
    ...(headersTimeout ? { undici_headers: headersTimeout } : {}),
    ...(bodyTimeout ? { undici_body: bodyTimeout } : {}),
  };
}

/** The program never read the body and dropped the response: the call was over with its headers, and did not fail. */
export function isForgotten(error: unknown): boolean {
  return error === 'Response object has been garbage collected';
}

/**
 * A signal of `request` that fires while the body is read ends it as if the program had destroyed it: the reason is lost. One that
 * tells of no timer, such as a text, says less than the abort itself.
 */
export function causeOf(call: SignalledCall, error: unknown): unknown {
  const { signal } = call;
  if (!signal?.aborted || !isAbort(error)) return error;
  return timerOfReason(signal.reason, call) ? signal.reason : error;
}

/** The timer of the program's that ends the call now, unless it is a stream, which has no deadline once it has begun. */
export function deadlineOf(call: Call): RunningTimer | undefined {
  if (call.attributes['sockeye.stream'] === true) return undefined;
  const timer = call.connection?.ownTimer ?? runningTimer();
  return timer && isDeadlineOf(timer, call) ? timer : undefined;
}

/** The program cancelled the body of an answer, with or without a text, and neither aborted the call nor destroyed its client. */
export function isThrownAway(call: SignalledCall, error: unknown): boolean {
  if (call.headersMs === undefined || timerOfReason(error, call, call.signal)) return false;
  return isAbort(error) || (Object(error) !== error && !isClientDestroyed(call));
}

function isClientDestroyed({ connection }: Call): boolean {
  const client = connection && hiddenProperty(connection.socket, 'client');
  return (client as { destroyed?: unknown } | undefined)?.destroyed === true;
}

function isAbort(error: unknown): boolean {
  const { name, code } = readError(error);
  return name === 'AbortError' || code === 'UND_ERR_ABORTED';
}
