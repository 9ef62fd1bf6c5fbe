/**
 * OTLP over gRPC: one unary call of `TraceService/Export` for each request, over `node:http2`.
 *
 * A call is all that is needed of gRPC: five bytes before the message, and two headers after the answer. `@grpc/grpc-js`
 * does it too, for 20 ms more of a program's event loop when it is loaded, and 7 MB more memory.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { setTimeout } from 'node:timers';
import { headroomBytes } from './export-request.ts';
import { tlsOptions, type ExportOptions } from './options.ts';
import { compressed, rejectedSpans, SendError, type Sender } from './sender.ts';

/** An answer is a few bytes; what is longer is not read. */
const answerBytesMax = 64 * 1024;

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS, as OTLP has it. */
const retryableStatuses = new Set(['1', '4', '10', '11', '14', '15']);
const resourceExhausted = '8';

export function createGrpcSender(options: ExportOptions, userAgent: string): Sender {
  const { origin, pathname } = new URL(options.url);
  let session: ClientHttp2Session | undefined;

  const connected = (): ClientHttp2Session => {
    if (session && !session.closed && !session.destroyed) return session;
    // Loaded when there is something to send: it takes 10 ms.
    const { connect } = process.getBuiltinModule('node:http2');
    const opened = connect(origin, { ...tlsOptions(options), settings: { enablePush: false } });
    opened.on('error', () => {});
    // A server that is about to close takes no new calls.
    opened.on('goaway', () => opened.close());
    opened.unref();
    session = opened;
    return opened;
  };

  return {
    async send(request, { timeoutMs, left, url }) {
      const message = options.isCompressed ? await compressedMessage(request) : prefixed(request, 0);
      const opened = connected();
      const stream = opened.request({
        ':method': 'POST',
        ':path': url === undefined ? pathname : new URL(url).pathname,
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': userAgent,
        'grpc-timeout': `${Math.ceil(timeoutMs)}m`,
        ...(options.isCompressed ? { 'grpc-encoding': 'gzip' } : {}),
        ...options.headers,
      });
      stream.end(message, left);
      return answered(opened, stream, timeoutMs);
    },
    close: () => session?.destroy(),
  };
}

/** Fills the headroom with the prefix of the message: whether it is compressed, and its length. */
function prefixed(message: Buffer, isCompressed: 0 | 1): Buffer {
  message[0] = isCompressed;
  message.writeUInt32BE(message.length - headroomBytes, 1);
  return message;
}

async function compressedMessage(request: Buffer): Promise<Buffer> {
  const content = await compressed(request.subarray(headroomBytes));
  return prefixed(Buffer.concat([Buffer.alloc(headroomBytes), content]), 1);
}

function answered(
  session: ClientHttp2Session,
  stream: ClientHttp2Stream,
  timeoutMs: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let length = 0;
    let failure: Error | undefined;
    const timer = setTimeout(() => {
      failure = new SendError(`no answer within ${timeoutMs} ms`, true);
      stream.close();
      // It may be a connection that nobody is at the other end of: the next call opens a new one.
      session.destroy();
    }, timeoutMs).unref();
    stream.on('response', (received) => (headers = received));
    stream.on('trailers', (received) => (headers = { ...headers, ...received }));
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= answerBytesMax) chunks.push(chunk);
    });
    stream.on('error', (error) => (failure ??= error));
    stream.once('close', () => {
      clearTimeout(timer);
      const error = failureOf(headers, failure);
      if (error) reject(error);
      else resolve(rejectedSpans(Buffer.concat(chunks).subarray(headroomBytes)));
    });
  });
}

/** Why the call failed; undefined when it did not. */
function failureOf(headers: IncomingHttpHeaders, failure: Error | undefined): SendError | undefined {
  const status = headers['grpc-status'];
  if (status === '0') return undefined;
  if (status === undefined) {
    if (failure instanceof SendError) return failure;
    // A stream that was never opened names the connection's error as its cause.
    const { code, message } = (failure?.cause ?? failure ?? {}) as NodeJS.ErrnoException;
    const httpStatus = headers[':status'];
    if (httpStatus !== undefined && !failure)
      return new SendError(`the answer was HTTP ${httpStatus}`, false);
    return new SendError(message || code || 'the connection was closed', true);
  }
  const text = decodeURIComponent(String(headers['grpc-message'] ?? '').replace(/%(?![\da-f]{2})/gi, '%25'));
  // The receiver says in `grpc-status-details-bin` when it may be asked again; without it, it is full for good.
  const isRetryable =
    retryableStatuses.has(String(status)) ||
    (status === resourceExhausted && headers['grpc-status-details-bin'] !== undefined);
  return new SendError(`gRPC status ${String(status)}${text === '' ? '' : `: ${text}`}`, isRetryable);
}
