/** A bound on what JSON becomes in memory, told from its bytes: 64 MiB of `{},` are some gigabytes of objects. Pure. */
import { DecodeError } from './decode-error.ts';

/** Objects and arrays in one body; a span of Zipkin with four annotations and endpoints has fifteen. */
const JSON_VALUES_MAX = 4_000_000;
/** Of a larger body, one in so many bytes: what is written to be read has one in 25 at most. */
const BYTES_PER_VALUE = 16;

/** Throws DecodeError where it may hold more objects and arrays, without making them; those in texts count too. */
export function checkJsonSize(body: Uint8Array): void {
  if (body.length <= JSON_VALUES_MAX) return;
  const max = Math.max(JSON_VALUES_MAX, Math.floor(body.length / BYTES_PER_VALUE));
  let opened = 0;
  for (const byte of body) if (byte === 0x7b || byte === 0x5b) opened++;
  if (opened <= max) return;
  const expected = `at most ${max} in one request: send fewer spans at a time`;
  throw new DecodeError('body', `more than ${max} objects and arrays`, expected);
}
