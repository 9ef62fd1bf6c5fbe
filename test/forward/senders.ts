/** Sends to a collector, and asks it what it has. */
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import type { Status, TracePage } from '../../collector/serve/wire.ts';
import type { Collector } from '../main/collector.ts';
import { AROUND_NOON, makeRequest } from '../store/make-request.ts';

export type SentSignal = 'traces' | 'metrics' | 'logs';

export async function post(
  { otlpHttp }: Pick<Collector, 'otlpHttp'>,
  body: Uint8Array,
  signal: SentSignal = 'traces',
  contentType = 'application/x-protobuf',
): Promise<number> {
  const response = await fetch(`${otlpHttp}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: new Uint8Array(body),
  });
  await response.arrayBuffer();
  return response.status;
}

const asIs = (bytes: Buffer): Buffer => bytes;
const SERVICES = { traces: 'trace.v1.Trace', metrics: 'metrics.v1.Metrics', logs: 'logs.v1.Logs' };

/** One call of its own connection. */
export function exportByGrpc(address: string, signal: SentSignal, request: Buffer): Promise<Buffer> {
  const client = new Client(address, credentials.createInsecure());
  const path = `/opentelemetry.proto.collector.${SERVICES[signal]}Service/Export`;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, request, (error: ServiceError | null, answer?: Buffer) =>
      error === null ? resolve(answer!) : reject(error),
    );
  }).finally(() => client.close());
}

/** A trace of two spans, named by its number. */
export function traceOf(number: number): Buffer {
  const trace = (number + 1).toString(16);
  const text = `text of ${number}`;
  return makeRequest(
    { trace, attributes: { text }, more: { events: [{ name: 'seen', timeUnixNano: '5' }] } },
    { trace, id: '2', parent: '1', service: 'payments' },
  );
}

export async function statusOf({ web }: Pick<Collector, 'web'>): Promise<Status> {
  return (await (await fetch(`${web}/api/status`)).json()) as Status;
}

/** Spans of the trace as the collector gives them back; empty when it has none. */
export async function traceBytes({ web }: Pick<Collector, 'web'>, number: number): Promise<string> {
  const id = (number + 1).toString(16).padStart(32, '0');
  const response = await fetch(`${web}/api/traces/${id}?format=otlp`);
  return response.ok ? await response.text() : '';
}

/** Of those that `traceOf` made, the newest thousand. */
export async function traceNumbers({ web }: Pick<Collector, 'web'>): Promise<Set<number>> {
  const { fromUnixMs, toUnixMs } = AROUND_NOON;
  const url = `${web}/api/traces?from=${fromUnixMs}&to=${toUnixMs}&limit=1000`;
  const { traces } = (await (await fetch(url)).json()) as TracePage;
  return new Set(traces.map(({ traceId }) => Number.parseInt(traceId, 16) - 1));
}
