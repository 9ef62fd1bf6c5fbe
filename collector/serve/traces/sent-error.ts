/** Errors as they cross threads, where they lose their class. */
import { DecodeError } from '../../decode/decode-error.ts';
import { StoreUnavailable } from '../../store/store.ts';

export interface SentError {
  readonly name: string;
  readonly message: string;
  /** Of a DecodeError; '' of others. */
  readonly got: string;
  readonly expected: string;
}

export function sendableError(error: unknown): SentError {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof DecodeError) return { name, message, got: error.got, expected: error.expected };
  // Our own bugs are worth their place in the code.
  const isBug = !(error instanceof StoreUnavailable);
  return { name, message: isBug ? (stack ?? message) : message, got: '', expected: '' };
}

export function reviveError({ name, message, got, expected }: SentError): Error {
  if (name === 'StoreUnavailable') return new StoreUnavailable(message);
  if (name !== 'DecodeError') return new Error(message);
  const where = message.slice(0, -`: got ${got}, expected ${expected}`.length);
  return new DecodeError(where, got, expected);
}
