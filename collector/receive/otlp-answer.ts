/**
 * What an OTLP sender is told: one answer for each outcome, which gRPC and HTTP then say in their own codes.
 *
 * Pure. The codes are gRPC's; the HTTP statuses are those that OTLP/HTTP gives the same meaning.
 */
import { DecodeError, TooLarge } from '../decode/decode-error.ts';
import { encodeMessage } from '../decode/otlp-json.ts';
import { EXPORT_TRACE_RESPONSE, RETRY_INFO, RPC_STATUS } from '../decode/otlp-schema.ts';
import { StoreUnavailable, type AppendOutcome } from '../store/store.ts';

/** gRPC status codes. */
export const CODE = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** Seconds. Long enough to drain some of the queue, short enough that senders' own buffers hold. */
const RETRY_DELAY_S = 1;

export interface Failure {
  readonly code: number;
  readonly httpStatus: number;
  readonly message: string;
  /** null: sending it again will not help. */
  readonly retryDelayS: number | null;
}

/** Nearly every answer: a message without fields, which takes no bytes. */
const NOTHING_TO_SAY = {};
const NO_BYTES = Buffer.alloc(0);

/** JSON form of `ExportTraceServiceResponse`: `partialSuccess` only when there is something to say. */
export function traceResponse(outcome: AppendOutcome): object {
  const errorMessage = [outcome.refusedMessage, outcome.warning].filter((text) => text !== '').join('; ');
  if (outcome.refused === 0 && errorMessage === '') return NOTHING_TO_SAY;
  return { partialSuccess: { rejectedSpans: String(outcome.refused), errorMessage } };
}

export function traceResponseBytes(outcome: AppendOutcome): Buffer {
  const response = traceResponse(outcome);
  return response === NOTHING_TO_SAY ? NO_BYTES : encodeMessage(EXPORT_TRACE_RESPONSE, response);
}

/** An error that is none of ours is a bug: the sender learns no more than that, and may retry. */
export function failureOf(error: unknown): Failure {
  if (error instanceof TooLarge) {
    return { code: CODE.resourceExhausted, httpStatus: 413, message: error.message, retryDelayS: null };
  }
  if (error instanceof DecodeError) {
    return { code: CODE.invalidArgument, httpStatus: 400, message: error.message, retryDelayS: null };
  }
  if (error instanceof StoreUnavailable) {
    return { code: CODE.unavailable, httpStatus: 503, message: error.message, retryDelayS: RETRY_DELAY_S };
  }
  const message = 'the collector failed; its log says why';
  return { code: CODE.internal, httpStatus: 500, message, retryDelayS: null };
}

/** JSON form of `google.rpc.Status`. */
export function rpcStatus(failure: Failure): object {
  const { code, message, retryDelayS } = failure;
  if (retryDelayS === null) return { code, message };
  const value = encodeMessage(RETRY_INFO, { retryDelay: { seconds: String(retryDelayS) } });
  const detail = { typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value: value.toString('base64') };
  return { code, message, details: [detail] };
}

export function rpcStatusBytes(failure: Failure): Buffer {
  return encodeMessage(RPC_STATUS, rpcStatus(failure));
}
