/** What sends one request to the receiver of spans, whatever the protocol. Its sockets hold no program that has nothing left to do. */
export interface Sender {
  /**
   * Sends a request, which stands behind its headroom. Resolves with the number of spans that the receiver refused of it;
   * rejects with a `SendError`.
   */
  send(request: Buffer, options: SendOptions): Promise<number>;
  /** Ends all connections at once. */
  close(): void;
}

export interface SendOptions {
  timeoutMs: number;
  /** Instead of that for spans, at the same receiver. */
  url?: string;
  /** Called when the whole request has been handed to the kernel. */
  left?: () => void;
}

export class SendError extends Error {
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
  /** How long the receiver wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, isRetryable: boolean, retryAfterMs?: number) {
    super(message);
    this.isRetryable = isRetryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** By gzip, off the program's thread. */
export function compressed(body: Buffer): Promise<Buffer> {
  const { gzip } = process.getBuiltinModule('node:zlib');
  return new Promise((resolve, reject) => {
    gzip(body, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

/**
 * `rejected_spans` of an `ExportTraceServiceResponse`: field 1 of its field 1. What is not understood counts as none: the
 * request was taken.
 */
export function rejectedSpans(response: Uint8Array): number {
  const partialSuccess = lengthDelimited(response, 0x0a);
  if (!partialSuccess || partialSuccess[0] !== 0x08) return 0;
  let value = 0;
  for (let index = 1; index < Math.min(partialSuccess.length, 8); index++) {
    const byte = partialSuccess[index]!;
    value += (byte & 0x7f) * 2 ** (7 * (index - 1));
    if (byte < 0x80) return value;
  }
  return 0;
}

/** The content of a message's first field, when it has this tag. */
function lengthDelimited(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  if (bytes[0] !== tag) return undefined;
  let length = 0;
  for (let index = 1; index < Math.min(bytes.length, 6); index++) {
    const byte = bytes[index]!;
    length += (byte & 0x7f) * 2 ** (7 * (index - 1));
    if (byte < 0x80) return bytes.subarray(index + 1, index + 1 + length);
  }
  return undefined;
}
