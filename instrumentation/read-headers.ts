/**
 * The headers that the hook reads of a message, from the list as it came. Pure.
 *
 * `message.headers` makes an object of all of them when it is first asked for: a program that never does pays nothing.
 */
export type ReadHeaders = {
  host: string | undefined;
  'user-agent': string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
  baggage: string | undefined;
};

/** Names and values in turn. Of the host and user agent the first counts, as in Node; the others are put together as lists. */
export function readHeaders(rawHeaders: readonly string[]): ReadHeaders {
  const read: ReadHeaders = {
    host: undefined,
    'user-agent': undefined,
    traceparent: undefined,
    tracestate: undefined,
    baggage: undefined,
  };
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    // Most names are ruled out by their length.
    switch (name.length) {
      case 4:
        if (isNamed(name, 'host')) read.host ??= value;
        break;
      case 7:
        if (isNamed(name, 'baggage')) read.baggage = joined(read.baggage, value);
        break;
      case 10:
        if (isNamed(name, 'tracestate')) read.tracestate = joined(read.tracestate, value);
        else if (isNamed(name, 'user-agent')) read['user-agent'] ??= value;
        break;
      case 11:
        if (isNamed(name, 'traceparent')) read.traceparent = joined(read.traceparent, value);
        break;
    }
  }
  return read;
}

/** Whether the headers of an answer announce an event stream, which is long by design. */
export function isEventStream(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 12 && isNamed(name, 'content-type'))
      return rawHeaders[index + 1]!.startsWith('text/event-stream');
  }
  return false;
}

/** As undici gives them: bytes, name and value in turn; of HTTP/2 an object. */
export type RawHeaders = Buffer[] | Readonly<Record<string, unknown>>;

const eventStream = Buffer.from('text/event-stream');

/** The same. */
export function isRawEventStream(headers: RawHeaders): boolean {
  if (!Array.isArray(headers)) return String(headers['content-type']).startsWith('text/event-stream');
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index]!;
    const value = headers[index + 1]!;
    // Texts are made of what may be it alone: of `text/event-stream`, not of `text/html` or `application/json`.
    if (name.length === 12 && value[5] === eventStream[5] && String(name).toLowerCase() === 'content-type')
      return value.subarray(0, eventStream.length).equals(eventStream);
  }
  return false;
}

function isNamed(name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}
