/** What every decoder throws when bytes are not what they claim to be. Imports nothing. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly got: string;
  readonly expected: string;

  /** `where` names the place in the input, e.g. `Span.name at byte 41`. */
  constructor(where: string, got: string, expected: string) {
    super(`${where}: got ${got}, expected ${expected}`);
    this.got = got;
    this.expected = expected;
  }
}

/** What can be read, and is more than is taken. */
export class TooLarge extends DecodeError {}
