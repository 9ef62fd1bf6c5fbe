/** A backend of OTLP over HTTP that keeps what it gets, and answers as a test says. */
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface GotRequest {
  readonly path: string;
  readonly body: Buffer;
}

export async function startOtlpServer(
  answer: (response: ServerResponse, request: GotRequest) => void = (response) => response.end(),
) {
  /** Those answered with success. */
  const requests: GotRequest[] = [];
  const all: GotRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const sent = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      const got = { path: request.url ?? '', body };
      all.push(got);
      answer(response, got);
      if (response.statusCode === 200) requests.push(got);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    all,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
