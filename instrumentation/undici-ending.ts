/** How a request of undici ended: by whose timer, by which reason, or left by the program. */
import { timerOfReason } from './abort-reasons.ts';
import { marksOf, type Call, type CallEnd } from './call.ts';
import type { Connection } from './connections.ts';
import { isOfSystem, readError } from './failures.ts';
import { isDeadlineOf, runningTimer, type RunningTimer } from './running-timer.ts';
import { hiddenProperty } from './undici-dispatch.ts';

/** `signal` is the one by which the caller may give it up. */
type SignalledCall = Call & { signal: AbortSignal | undefined };

export interface RequestTimeouts {
  headersTimeout?: number | null;
  bodyTimeout?: number | null;
}

/** The timers of this request, else of its client. */
export function budgetsOf(
  { headersTimeout, bodyTimeout }: RequestTimeouts,
  { connection }: Call,
): CallEnd['undiciBudgetsMs'] {
  const client = connection && clientOf(connection);
  const given = {
    undici_headers: headersTimeout ?? (client && hiddenProperty(client, 'headers timeout')),
    undici_body: bodyTimeout ?? (client && hiddenProperty(client, 'body timeout')),
  };
  return Object.fromEntries(Object.entries(given).filter(([, ms]) => typeof ms === 'number'));
}

function clientOf({ socket }: Connection): object | undefined {
  const client = hiddenProperty(socket, 'client');
  return client === null ? undefined : (client as object | undefined);
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
  if (call.attributes['sockeye.stream'] === true && call.headersMs !== undefined) return undefined;
  const timer = call.connection?.ownTimer ?? runningTimer();
  return timer && isDeadlineOf(timer, call) ? timer : undefined;
}

/** The program cancelled the body of an answer, for whatever reason, and neither aborted the call nor destroyed its client. */
export function isThrownAway(call: SignalledCall, error: unknown): boolean {
  if (call.headersMs === undefined || timerOfReason(error, call, call.signal)) return false;
  if (isAbort(error)) return true;
  return Object(error) === error ? isOfReader(call, error) : !isClientDestroyed(call);
}

/** What undici, a decoder or HTTP/2 makes of an answer that is not as it should be. */
const answerCode = /^(?:UND_ERR_|Z_|ZSTD_|ERR__ERROR_FORMAT_|ERR_HTTP2_|ERR_SSL_)/;

/** Not the answer has failed, whose connection stands as yet, but what it was piped to. */
function isOfReader({ connection, protocolVersion }: Call, error: unknown): boolean {
  if (connection?.socket.destroyed !== false) return false;
  // What ends a connection of HTTP/2 ends its streams first.
  if (protocolVersion === '2' && isOfSystem(error)) return false;
  return !answerCode.test(readError(error).code ?? '');
}

function isClientDestroyed({ connection }: Call): boolean {
  const client = connection && clientOf(connection);
  return (client as { destroyed?: unknown } | undefined)?.destroyed === true;
}

function isAbort(error: unknown): boolean {
  const { name, code } = readError(error);
  return name === 'AbortError' || code === 'UND_ERR_ABORTED';
}

/** What came of a call after it was given up is not part of it. */
export function forgetSince(call: Call, endMs: number): void {
  call.before = marksOf(call).filter(({ atMs }) => atMs <= endMs);
  if (!call.connection || call.connection.startedMs <= endMs) return;
  call.connection.evidence.users.delete(call);
  call.connection = undefined;
  call.opensConnection = false;
  // Who held it then is not known any more.
  call.readPool = undefined;
}
