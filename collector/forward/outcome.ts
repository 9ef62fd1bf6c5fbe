/**
 * What an answer of another backend means for what was sent to it, by the rules of OTLP. Pure.
 *
 * OTLP says of INTERNAL, UNKNOWN and 500 that they are not to be repeated. A backend whose database is away answers so too:
 * they are repeated a few times before what was sent is given up.
 */
import { decodeMessage } from '../decode/otlp-json.ts';
import { EXPORT_TRACE_RESPONSE, RETRY_INFO, RPC_STATUS } from '../decode/otlp-schema.ts';

export type Outcome =
  /** `rejected`: of the items, said with a partial success. */
  | { readonly is: 'taken'; readonly rejected: number; readonly message: string }
  /** To be sent again: not before `afterMs`, where the backend says so. */
  | { readonly is: 'busy'; readonly afterMs: number | null; readonly message: string }
  /** No answer came in time: to be sent again, in smaller parts, of which more may arrive in time. */
  | { readonly is: 'late'; readonly message: string }
  /** Somebody has to mend a token, a certificate or a path first: to be sent again, from time to time. */
  | { readonly is: 'shut out'; readonly message: string }
  /** The backend has no place for this signal, or its path is wrong. */
  | { readonly is: 'unknown there'; readonly message: string }
  /** What it is, nobody knows: to be sent again a few times. */
  | { readonly is: 'failed'; readonly message: string }
  /** This will never be taken; in smaller parts, most of it may, or all where it was too large. */
  | { readonly is: 'refused' | 'too large'; readonly message: string };

/** gRPC's codes. */
const GRPC = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const;
const GRPC_BUSY: readonly number[] = [
  GRPC.cancelled,
  GRPC.aborted,
  GRPC.outOfRange,
  GRPC.unavailable,
  GRPC.dataLoss,
];
const HTTP_BUSY = [408, 425, 429, 502, 503, 504];
const HTTP_TOO_LARGE = 413;
const HTTP_SHUT_OUT = [401, 403, 407];
const HTTP_UNKNOWN_THERE = [404, 405, 410, 501];

const RETRY_INFO_TYPE = 'type.googleapis.com/google.rpc.RetryInfo';
const ANSWER_CHARACTERS_MAX = 300;

/** `answer`: the bytes of `Export…ServiceResponse`, which is the same for all signals. */
export function outcomeOfAnswer(answer: Uint8Array): Outcome {
  if (answer.length === 0) return { is: 'taken', rejected: 0, message: '' };
  try {
    const { partialSuccess } = decodeMessage(EXPORT_TRACE_RESPONSE, answer) as {
      partialSuccess?: { rejectedSpans?: string; errorMessage?: string };
    };
    const rejected = Math.max(0, Number(partialSuccess?.rejectedSpans ?? 0));
    return { is: 'taken', rejected, message: shown(partialSuccess?.errorMessage ?? '') };
  } catch {
    // It said that it took them; in which words does not matter.
    return { is: 'taken', rejected: 0, message: '' };
  }
}

/** `details`: the bytes of `grpc-status-details-bin`, where there are any. */
export function outcomeOfGrpc(code: number, text: string, details: Uint8Array | null): Outcome {
  const name = Object.entries(GRPC).find(([, value]) => value === code)?.[0] ?? '';
  const message = shown(`gRPC ${code}${name === '' ? '' : ` ${screaming(name)}`}: ${text}`);
  const afterMs = details === null ? null : retryDelayMs(details);
  if (code === GRPC.deadlineExceeded) return { is: 'late', message };
  if (GRPC_BUSY.includes(code)) return { is: 'busy', afterMs, message };
  if (code === GRPC.resourceExhausted)
    return afterMs === null ? { is: 'too large', message } : { is: 'busy', afterMs, message };
  if (code === GRPC.unauthenticated || code === GRPC.permissionDenied) return { is: 'shut out', message };
  if (code === GRPC.unimplemented || code === GRPC.notFound) return { is: 'unknown there', message };
  if (code === GRPC.internal || code === GRPC.unknown) return { is: 'failed', message };
  return { is: 'refused', message };
}

/** `body`: its bytes, or the first of them; of a failure a `google.rpc.Status`, or whatever a proxy in between says. */
export function outcomeOfHttp(
  status: number,
  headers: { readonly 'retry-after'?: string | undefined; readonly 'content-type'?: string | undefined },
  body: Uint8Array,
  nowUnixMs: number,
): Outcome {
  const isProtobuf = headers['content-type']?.includes('protobuf') === true;
  if (status >= 200 && status < 300) return outcomeOfAnswer(isProtobuf ? body : new Uint8Array());
  const message = shown(`HTTP ${status}: ${isProtobuf ? messageOf(body) : Buffer.from(body).toString()}`);
  if (HTTP_BUSY.includes(status)) {
    return { is: 'busy', afterMs: retryAfterMs(headers['retry-after'], nowUnixMs), message };
  }
  // To be sent elsewhere: the URL has to be mended.
  if (HTTP_SHUT_OUT.includes(status) || (status >= 300 && status < 400)) return { is: 'shut out', message };
  if (HTTP_UNKNOWN_THERE.includes(status)) return { is: 'unknown there', message };
  if (status >= 500) return { is: 'failed', message };
  return { is: status === HTTP_TOO_LARGE ? 'too large' : 'refused', message };
}

/** Of `google.rpc.Status` bytes; null where there is no RetryInfo. */
function retryDelayMs(status: Uint8Array): number | null {
  try {
    const { details = [] } = decodeMessage(RPC_STATUS, status) as {
      details?: readonly { typeUrl?: string; value?: string }[];
    };
    const info = details.find(({ typeUrl }) => typeUrl === RETRY_INFO_TYPE);
    if (info === undefined) return null;
    const { retryDelay } = decodeMessage(RETRY_INFO, Buffer.from(info.value ?? '', 'base64')) as {
      retryDelay?: { seconds?: string; nanos?: number };
    };
    return Math.max(0, Number(retryDelay?.seconds ?? 0) * 1000 + (retryDelay?.nanos ?? 0) / 1e6);
  } catch {
    return null;
  }
}

/** Seconds or a date; null where it is neither. */
export function retryAfterMs(header: string | undefined, nowUnixMs: number): number | null {
  if (header === undefined) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - nowUnixMs);
}

function messageOf(status: Uint8Array): string {
  try {
    return String(decodeMessage(RPC_STATUS, status)['message'] ?? '');
  } catch {
    return '';
  }
}

/** For one line of a log. */
export function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').replace(/: $/, '').trim();
  return line.length > ANSWER_CHARACTERS_MAX ? `${line.slice(0, ANSWER_CHARACTERS_MAX)}…` : line;
}

function screaming(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
