/** OTLP over HTTP/1.1 with protobuf bodies. */
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { setTimeout } from 'node:timers';
import { headroomBytes } from './export-request.ts';
import { tlsOptions, type ExportOptions } from './options.ts';
import { compressed, rejectedSpans, SendError, type Sender } from './sender.ts';

const answerBytesMax = 64 * 1024;
const retryableStatuses = new Set([429, 502, 503, 504]);

export function createHttpSender(options: ExportOptions, userAgent: string): Sender {
  const isSecure = options.url.startsWith('https:');
  let agent: Agent | undefined;
  const headers = {
    'content-type': 'application/x-protobuf',
    'user-agent': userAgent,
    ...(options.isCompressed ? { 'content-encoding': 'gzip' } : {}),
    ...options.headers,
  };

  return {
    async send(message, { timeoutMs, left, url = options.url }) {
      const body = message.subarray(headroomBytes);
      const module = isSecure
        ? process.getBuiltinModule('node:https')
        : process.getBuiltinModule('node:http');
      agent ??= new module.Agent({ keepAlive: true, ...(isSecure ? tlsOptions(options) : {}) });
      const content = options.isCompressed ? await compressed(body) : body;
      const request = module.request(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': content.length },
      });
      request.once('socket', (socket) => socket.unref());
      request.end(content, left);
      return answered(request, timeoutMs);
    },
    close: () => agent?.destroy(),
  };
}

function answered(request: ClientRequest, timeoutMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      request.destroy(new SendError(`no answer within ${timeoutMs} ms`, true));
    }, timeoutMs).unref();
    request.once('close', () => clearTimeout(timer));
    request.once('error', (error) => {
      reject(error instanceof SendError ? error : new SendError(error.message, true));
    });
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= answerBytesMax) chunks.push(chunk);
      });
      response.once('error', (error) => reject(new SendError(error.message, true)));
      response.once('end', () => {
        const error = failureOf(response);
        if (error) reject(error);
        else resolve(rejectedSpans(Buffer.concat(chunks)));
      });
    });
  });
}

function failureOf({ statusCode = 0, headers }: IncomingMessage): SendError | undefined {
  if (statusCode >= 200 && statusCode < 300) return undefined;
  const seconds = Number(headers['retry-after']);
  return new SendError(
    `the answer was HTTP ${statusCode}`,
    retryableStatuses.has(statusCode),
    seconds > 0 ? seconds * 1000 : undefined,
  );
}
