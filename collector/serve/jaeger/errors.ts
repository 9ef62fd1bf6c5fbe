/** How Jaeger writes what it cannot answer: in the envelope of its first API, and as gRPC's gateway in its third. */
import type { ErrorForm } from '../compatible/answer-errors.ts';
import { HttpError } from '../http-error.ts';

const JSON_TYPE = 'application/json';

export const V1_ERRORS: ErrorForm = {
  gives: { [JSON_TYPE]: { type: 'object' } },
  write: ({ status, message }) => ({
    type: JSON_TYPE,
    body: JSON.stringify({ ...envelope(null, 0), errors: [{ code: status, msg: message }] }),
  }),
};

export const V3_ERRORS: ErrorForm = {
  gives: { [JSON_TYPE]: { type: 'object' } },
  write: ({ status, message }) => ({
    type: JSON_TYPE,
    body: JSON.stringify({ error: { httpCode: status, message } }),
  }),
};

export interface Envelope {
  data: unknown;
  total: number;
  limit: number;
  offset: number;
  errors: { code?: number; msg: string; traceID?: string }[] | null;
}

export function envelope(data: unknown, total: number): Envelope {
  return { data, total, limit: 0, offset: 0, errors: null };
}

export function badRequest(message: string): HttpError {
  return new HttpError(400, 'bad_parameter', message, { got: '', expected: '' });
}

/** `parameter` as its API calls it. */
export function unreadable(parameter: string, got: string, expected: string): HttpError {
  return badRequest(`unable to parse param '${parameter}': got ${got.slice(0, 60)}, expected ${expected}`);
}

export function notFound(message: string): HttpError {
  return new HttpError(404, 'not_found', message, { got: '', expected: 'a stored trace' });
}
