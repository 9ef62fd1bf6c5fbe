/**
 * TLS on every port. The certificate beside this file is for localhost, signed by itself (so it is its own CA, and serves
 * as a client's too), valid until 2126, and trusted by nobody.
 */
import { readFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { encode } from '../decode/otlp-proto.ts';
import { newSpans, tracesOf } from '../receive/receivers.ts';
import { withCollector } from './collector.ts';

const certFile = join(import.meta.dirname, 'localhost.cert.pem');
const keyFile = join(import.meta.dirname, 'localhost.key.pem');
const cert = readFileSync(certFile);
const key = readFileSync(keyFile);
/** The alert, or the closed connection when that is noticed first. */
const TURNED_AWAY = /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/;
const TLS_FLAGS = ['--tls-cert', certFile, '--tls-key', keyFile];

/** The status, or the code of the error that ended the connection. */
function ask(url: string, options: RequestOptions, body: Buffer | null = null): Promise<number | string> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/x-protobuf' };
    const sent = request(url, { ...options, method: body === null ? 'GET' : 'POST', headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body ?? undefined);
  });
}

function exportByGrpc(address: string, withClientCert: boolean): Promise<ServiceError | null> {
  const secrets = withClientCert ? ([key, cert] as const) : ([null, null] as const);
  const client = new Client(address, credentials.createSsl(cert, ...secrets), {
    'grpc.ssl_target_name_override': 'localhost',
  });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, asIs, asIs, encode('TracesData', tracesOf(newSpans(1))), (error) => {
      client.close();
      resolve(error);
    });
  });
}

test('every port speaks TLS', () =>
  withCollector(TLS_FLAGS, async ({ otlpGrpc, otlpHttp, web }) => {
    expect([otlpHttp, web]).toEqual([expect.stringMatching(/^https:/), expect.stringMatching(/^https:/)]);
    expect(await ask(`${web}/healthz`, { ca: cert })).toBe(200);
    expect(await ask(`${web}/healthz`, {})).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    const body = encode('TracesData', tracesOf(newSpans(1)));
    expect(await ask(`${otlpHttp}/v1/traces`, { ca: cert }, body)).toBe(200);
    expect(await exportByGrpc(otlpGrpc, false)).toBeNull();
  }));

test('with a client CA, who has no certificate of it is turned away on every port', () =>
  withCollector([...TLS_FLAGS, '--tls-client-ca', certFile], async ({ otlpGrpc, otlpHttp, web }) => {
    const body = encode('TracesData', tracesOf(newSpans(1)));
    const known = { ca: cert, cert, key };
    expect(await ask(`${web}/healthz`, known)).toBe(200);
    expect(await ask(`${otlpHttp}/v1/traces`, known, body)).toBe(200);
    expect(await exportByGrpc(otlpGrpc, true)).toBeNull();

    expect(await ask(`${web}/healthz`, { ca: cert })).toMatch(TURNED_AWAY);
    expect(await ask(`${otlpHttp}/v1/traces`, { ca: cert }, body)).toMatch(
      /CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/,
    );
    expect(await exportByGrpc(otlpGrpc, false)).toMatchObject({ code: 14 });
  }));
