/** Posts to an OTLP port over HTTP as any client does, and reads the answer. */
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { afterAll, beforeAll } from 'vitest';
import { decode } from '../decode/otlp-proto.ts';
import { startReceivers, type Receivers } from './receivers.ts';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** To `/v1/traces` as protobuf, unless it is said otherwise. */
export function postTo(
  { http }: Receivers,
  body: Uint8Array | string,
  headers: OutgoingHttpHeaders = {},
  { path = '/v1/traces', method = 'POST' }: { path?: string; method?: string } = {},
): Promise<Answer> {
  const [host, port] = http.address.split(':');
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host, port, path, method, headers: { 'content-type': PROTOBUF, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What was refused: the google.rpc.Status in the answer's own encoding. */
export function statusOf({ headers, body }: Answer): { code?: number; message?: string } {
  return headers['content-type'] === JSON_TYPE ? JSON.parse(body.toString()) : decode('RpcStatus', body);
}

/** To be called at the top of a file: one collector's ports for its tests, `post` to them, and what was stored. */
export function useReceivers() {
  const shared: { receivers?: Receivers } = {};
  const receivers = (): Receivers => shared.receivers!;
  beforeAll(async () => {
    shared.receivers = await startReceivers();
  });
  afterAll(() => shared.receivers?.close());
  const post = (
    body: Uint8Array | string,
    headers?: OutgoingHttpHeaders,
    options?: { path?: string; method?: string },
  ): Promise<Answer> => postTo(receivers(), body, headers, options);
  const isStored = async ({ traceId }: { traceId: Buffer }): Promise<boolean> =>
    (await receivers().store.readTrace(traceId.toString('hex'))).length > 0;
  return { receivers, post, isStored };
}
