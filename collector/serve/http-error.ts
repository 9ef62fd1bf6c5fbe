/**
 * What an API answers when it cannot answer: one class for our own refusals, and the one place where errors of the
 * other stages get their HTTP status.
 */
import { DecodeError, TooLarge } from '../decode/decode-error.ts';
import { QuerySyntaxError } from '../query/query.ts';
import { BodyTooLarge, UnknownEncoding } from '../receive/read-body.ts';
import { BadCursor, Cancelled, StoreUnavailable } from '../store/store.ts';
import type { WireError } from './wire.ts';

interface ErrorDetails {
  readonly got: string;
  readonly expected: string;
  /** Zero-based character of a query. */
  readonly position?: number;
}

export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly details: ErrorDetails;
  constructor(status: number, code: string, message: string, details: ErrorDetails) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function badParameter(name: string, got: string, expected: string): HttpError {
  return new HttpError(400, 'bad_parameter', `Parameter ${name} cannot be used.`, {
    got: clip(got),
    expected,
  });
}

export function notFound(what: string, got: string, expected: string): HttpError {
  return new HttpError(404, 'not_found', `There is no such ${what}.`, { got: clip(got), expected });
}

export function notAvailableYet(what: string): HttpError {
  return new HttpError(501, 'not_available', `${what}: not available yet.`, {
    got: 'a request for it',
    expected: 'a later version',
  });
}

/** What went wrong as an HttpError; an error that no stage is known to throw is our bug, and says nothing of itself. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof QuerySyntaxError) {
    const { position, got, expected } = error;
    return new HttpError(400, 'bad_query', error.message, { got: clip(got), expected, position });
  }
  if (error instanceof DecodeError) {
    const { got, expected } = error;
    const isLarge = error instanceof TooLarge;
    const [status, code] = isLarge ? ([413, 'too_large'] as const) : ([400, 'undecodable'] as const);
    return new HttpError(status, code, error.message, { got: clip(got), expected });
  }
  if (error instanceof BodyTooLarge) return ofMessage(413, 'too_large', error.message);
  if (error instanceof UnknownEncoding) return ofMessage(415, 'unknown_encoding', error.message);
  if (error instanceof StoreUnavailable) return ofMessage(503, 'unavailable', error.message);
  if (error instanceof BadCursor) return ofMessage(400, 'bad_parameter', error.message);
  if (error instanceof Cancelled) {
    return new HttpError(499, 'cancelled', 'The caller went away.', {
      got: 'a closed connection',
      expected: '',
    });
  }
  return new HttpError(500, 'internal', 'The collector failed; its log says why.', {
    got: 'an error that was not foreseen',
    expected: 'an answer',
  });
}

/** Errors of other stages say what was got and expected in one sentence: `what: got A, expected B`. */
function ofMessage(status: number, code: string, message: string): HttpError {
  const [, got = message, expected = 'another try, later'] = /got (.*), expected (.*)$/.exec(message) ?? [];
  return new HttpError(status, code, message, { got, expected });
}

export function errorBody(error: HttpError): WireError {
  return { error: { code: error.code, message: error.message, ...error.details } };
}

/** Strangers' text is echoed only so far. */
export function clip(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
