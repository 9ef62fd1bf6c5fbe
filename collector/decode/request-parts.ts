/** Bounds on what one request of Jaeger or Zipkin becomes: its bytes say little of that, and what is made of them is made at once. Pure. */
import { DecodeError, TooLarge } from './decode-error.ts';

const SPANS_MAX = 250_000;
/** Of more spans, what is made on the way to their bytes would take gigabytes. */
export const SPANS_AT_A_TIME = 1_000;
/**
 * Processes, spans and their tags, logs and references of one request. Some take a byte or two there, a hundred here, and
 * three microseconds; honest ones take more than eight bytes.
 */
const SPAN_PARTS_MAX = 2_000_000;
const SPAN_PARTS_ALWAYS = 100_000;
const PART_BYTES = 8;

export function checkSpanCount(count: number): void {
  if (count > SPANS_MAX) throw tooMany(SPANS_MAX, 'spans');
}

/** Counts what a request holds before it is made. Throws DecodeError where it is too much. */
export class RequestParts {
  readonly #most: number;
  /** What they are called by its senders. */
  readonly #names: string;
  #count = 0;
  constructor(requestBytes: number, names: string) {
    const ofSize = Math.floor(requestBytes / PART_BYTES);
    this.#most = Math.min(SPAN_PARTS_MAX, Math.max(SPAN_PARTS_ALWAYS, ofSize));
    this.#names = names;
  }
  add(): void {
    this.#count += 1;
    if (this.#count > this.#most) throw tooMany(this.#most, this.#names);
  }
}

/** Counts the bytes of OTLP that are written of a request. */
export class WrittenBytes {
  readonly #most: number;
  #count = 0;
  constructor(bytesMax: number) {
    this.#most = bytesMax;
  }
  /** Throws TooLarge. */
  add(bytes: number): void {
    this.#count += bytes;
    if (this.#count <= this.#most) return;
    throw new TooLarge(
      'body',
      `more than ${this.#most} bytes when written as OTLP`,
      `at most as many (--max-request-bytes): send less at a time`,
    );
  }
}

function tooMany(most: number, what: string): DecodeError {
  return new DecodeError(
    'body',
    `more than ${most} ${what}`,
    `at most ${most} in one request: send fewer at a time`,
  );
}
