/** A backend that speaks OTLP over HTTP, in protobuf. */
import { Agent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestHttps } from 'node:https';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { Backend } from './backend.ts';
import { pathOf, type Destination } from './destination.ts';
import { outcomeOfHttp, shown, type Outcome } from './outcome.ts';

const compress = promisify(gzip);
/** Of an answer no more is read: what it means stands in its first lines. */
const ANSWER_BYTES_MAX = 65_536;

export function openHttpBackend(destination: Destination): Backend {
  const { isTls, host, port, headers, timeoutMs, compression, ca, cert, key } = destination;
  const pem = Object.entries({ ca, cert, key }).filter(([, bytes]) => bytes !== null);
  const tls = Object.fromEntries(pem.map(([name, bytes]) => [name, Buffer.from(bytes!)]));
  const agent = isTls ? new TlsAgent({ keepAlive: true, ...tls }) : new Agent({ keepAlive: true });
  const startRequest = isTls ? requestHttps : requestHttp;
  const closing = new AbortController();

  function post(path: string, body: Buffer): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const request = startRequest({
        agent,
        host,
        port,
        path,
        method: 'POST',
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'user-agent': 'sockeye',
          ...headers,
          'content-type': 'application/x-protobuf',
          'content-length': body.length,
          ...(compression === 'gzip' && { 'content-encoding': 'gzip' }),
        },
      });
      request.on('response', (response) => {
        readStart(response).then((answer) => {
          const { statusCode = 0, headers: said } = response;
          resolve(outcomeOfHttp(statusCode, said, answer, Date.now()));
        }, reject);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        // An idle connection that the other end has just closed.
        const isStale = request.reusedSocket && error.code === 'ECONNRESET' && !closing.signal.aborted;
        if (isStale) post(path, body).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });
  }

  return {
    async send(signal, request) {
      try {
        const body =
          compression === 'gzip' ? await compress(request, { level: constants.Z_BEST_SPEED }) : request;
        return await post(pathOf(destination, signal), body);
      } catch (error) {
        const { name, message } = error as Error;
        // A request says of a timeout no more than that it was aborted.
        const isLate = (name === 'AbortError' || name === 'TimeoutError') && !closing.signal.aborted;
        if (isLate) return { is: 'late', message: `no answer within ${timeoutMs} ms` };
        return { is: 'busy', afterMs: null, message: shown(message === '' ? String(error) : message) };
      }
    },
    close() {
      closing.abort();
      agent.destroy();
    },
  };
}

async function readStart(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (bytes < ANSWER_BYTES_MAX) chunks.push(chunk);
    bytes += chunk.length;
  }
  return Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX);
}
