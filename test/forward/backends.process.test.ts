/** What backends of other kinds say, over real connections: TLS, tokens, refusals, silence. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { Metadata, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { parseDestination } from '../../collector/forward-settings.ts';
import type { Backend } from '../../collector/forward/backend.ts';
import { openGrpcBackend } from '../../collector/forward/grpc-backend.ts';
import { openHttpBackend } from '../../collector/forward/http-backend.ts';
import { failureOf, rpcStatusBytes } from '../../collector/receive/otlp-answer.ts';
import { StoreUnavailable } from '../../collector/store/store.ts';
import { FREE_PORTS, startCollector, withCollector, withFolder } from '../main/collector.ts';
import { startOtlpServer } from './otlp-server.ts';
import { post, statusOf, traceOf } from './senders.ts';

const certFile = join(import.meta.dirname, '../main/localhost.cert.pem');
const keyFile = join(import.meta.dirname, '../main/localhost.key.pem');

function backendTo(written: object): Backend {
  const destination = parseDestination(JSON.stringify(written), (_key, path) => readFileSync(path));
  const backend =
    destination.protocol === 'grpc' ? openGrpcBackend(destination) : openHttpBackend(destination);
  onTestFinished(() => backend.close());
  return backend;
}

const asIs = (bytes: Buffer): Buffer => bytes;

/** A gRPC backend of spans alone, with gRPC's usual limit of 4 MiB. */
async function startGrpcServer(code: number, details: Buffer | null = null) {
  const got: { bytes: number; metadata: Metadata }[] = [];
  const server = new Server();
  const service: ServiceDefinition = {
    export: {
      path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    },
  };
  server.addService(service, {
    export: (
      call: { request: Buffer; metadata: Metadata },
      answer: (error: object | null, bytes?: Buffer) => void,
    ) => {
      got.push({ bytes: call.request.length, metadata: call.metadata });
      const metadata = new Metadata();
      if (details !== null) metadata.set('grpc-status-details-bin', details);
      if (code === 0) answer(null, Buffer.alloc(0));
      else answer({ code, details: 'why', metadata });
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return { url: `grpc://127.0.0.1:${port}`, got };
}

test('gRPC: headers arrive, a signal without a service is unknown there, a message can be too large', async () => {
  const server = await startGrpcServer(0);
  const backend = backendTo({ url: server.url, headers: { 'X-Scope-OrgID': 'shop' } });
  expect(await backend.send('traces', traceOf(1))).toMatchObject({ is: 'taken', rejected: 0 });
  expect(server.got).toMatchObject([{ bytes: traceOf(1).length }]);
  expect(server.got[0]!.metadata.get('x-scope-orgid')).toEqual(['shop']);
  expect(await backend.send('logs', Buffer.alloc(0))).toMatchObject({ is: 'unknown there' });
  expect(await backend.send('traces', Buffer.alloc(5 << 20))).toMatchObject({
    is: 'too large',
    message: expect.stringContaining('RESOURCE_EXHAUSTED'),
  });
});

test('gRPC: when to come back is read from the details', async () => {
  const details = rpcStatusBytes(failureOf(new StoreUnavailable('full')));
  const { url } = await startGrpcServer(8, details);
  expect(await backendTo({ url }).send('traces', traceOf(1))).toMatchObject({ is: 'busy', afterMs: 1_000 });
  const refusing = await startGrpcServer(3);
  expect(await backendTo({ url: refusing.url }).send('traces', traceOf(1))).toEqual({
    is: 'refused',
    message: 'gRPC 3: why',
  });
});

test.each(['grpc', 'http'])('%s: who never answers is given up after the timeout', async (scheme) => {
  const silent = createServer(() => {});
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const backend = backendTo({ url: `${scheme}://127.0.0.1:${port}`, timeout: '200ms' });
  expect(await backend.send('traces', traceOf(1))).toMatchObject({ is: 'late' });
  const nobody = backendTo({ url: `${scheme}://127.0.0.1:1` });
  expect(await nobody.send('traces', traceOf(1))).toMatchObject({
    is: 'busy',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

test('HTTP: signals go below the path, answers are read, connections that were closed meanwhile are no failure', async () => {
  const statuses = [200, 503, 400, 200];
  const server = await startOtlpServer((response, { path }) => {
    response.statusCode = statuses.shift() ?? 200;
    response.setHeader('retry-after', '3');
    response.end(path);
  });
  onTestFinished(() => server.close());
  const backend = backendTo({ url: `${server.url}/otlp/` });
  expect(await backend.send('traces', traceOf(1))).toEqual({ is: 'taken', rejected: 0, message: '' });
  expect(await backend.send('metrics', traceOf(2))).toMatchObject({ is: 'busy', afterMs: 3_000 });
  expect(await backend.send('logs', traceOf(3))).toMatchObject({
    is: 'refused',
    message: 'HTTP 400: /otlp/v1/logs',
  });
  expect(server.all.map(({ path }) => path)).toEqual(
    ['traces', 'metrics', 'logs'].map((signal) => `/otlp/v1/${signal}`),
  );
  expect(server.all[0]!.body).toEqual(traceOf(1));
});

test.each(['grpcs', 'https'] as const)(
  '%s: a collector with TLS and a token gets spans from who shows it',
  (scheme) =>
    withFolder(async (folder) => {
      const token = join(folder, 'token');
      await writeFile(token, 's3cret\n');
      const flags = ['--tls-cert', certFile, '--tls-key', keyFile, '--token-file', token];
      await withCollector(flags, async (to) => {
        const address = (scheme === 'grpcs' ? to.otlpGrpc : to.otlpHttp).replace(/^.*\/\//, '');
        const url = `${scheme}://${address.replace('127.0.0.1', 'localhost')}`;
        const file = join(folder, 'sockeye.yaml');
        const more = { url, 'tls-ca': certFile };
        await writeFile(
          file,
          JSON.stringify({
            forward: [
              { ...more, 'token-file': token },
              { ...more, name: 'stranger', headers: { authorization: 'Bearer other' } },
              { url, name: 'unknown CA' },
            ],
          }),
        );
        const from = await startCollector([...FREE_PORTS, '--data', join(folder, 'from'), '--config', file]);
        try {
          expect(await post(from, traceOf(1))).toBe(200);
          await expect
            .poll(async () => (await statusOf(from)).forward)
            .toMatchObject([
              { url, sent: 2, queued: 0, failing: false },
              {
                name: 'stranger',
                sent: 0,
                queued: 2,
                lastError: expect.stringMatching(/401|UNAUTHENTICATED/),
              },
              { name: 'unknown CA', sent: 0, queued: 2, lastError: expect.stringMatching(/self-signed/) },
            ]);
          const { stderr, stdout } = await from.stop();
          expect(stderr).toMatch(/forwarding to stranger fails/);
          expect(stderr + stdout).not.toMatch(/s3cret|Bearer other/);
        } finally {
          from.process.kill('SIGKILL');
          await from.ended;
        }
      });
    }),
);
