/** A bound on what JSON becomes in memory, told from its bytes: 64 MiB of `{},` are some gigabytes of objects. Pure. */
import { DecodeError } from './decode-error.ts';

/** Objects and arrays in one body; a span of Zipkin with four annotations and endpoints has fifteen. */
const JSON_OBJECTS_MAX = 4_000_000;
/** Of a larger body, one in so many bytes: what is written to be read has one in 25 at most. */
const BYTES_PER_OBJECT = 16;
/** Values of any kind; a span has one in some 15 bytes, and a number in a list of them takes two. */
const JSON_VALUES_MAX = 16_000_000;
const BYTES_PER_VALUE = 4;

/** Throws DecodeError where it may hold more of them, without making them; what is in texts counts too. */
export function checkJsonSize(body: Uint8Array): void {
  if (body.length <= JSON_OBJECTS_MAX) return;
  let opened = 0;
  let commas = 0;
  for (const byte of body) {
    if (byte === 0x2c) commas++;
    else if (byte === 0x7b || byte === 0x5b) opened++;
  }
  refuseMore(opened, JSON_OBJECTS_MAX, body.length / BYTES_PER_OBJECT, 'objects and arrays');
  // The first of a list or an object comes after no comma.
  refuseMore(opened + commas, JSON_VALUES_MAX, body.length / BYTES_PER_VALUE, 'values');
}

function refuseMore(count: number, least: number, bySize: number, what: string): void {
  const max = Math.max(least, Math.floor(bySize));
  if (count <= max) return;
  const expected = `at most ${max} in one request: send fewer spans at a time`;
  throw new DecodeError('body', `more than ${max} ${what}`, expected);
}
