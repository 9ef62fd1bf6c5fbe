/** The receiving half of a collector in this process: both OTLP ports on free ports over a real store in a new folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIntake, type Intake } from '../../collector/receive/intake.ts';
import type { Port } from '../../collector/receive/listen.ts';
import { startOtlpGrpc } from '../../collector/receive/otlp-grpc.ts';
import { startOtlpHttp } from '../../collector/receive/otlp-http.ts';
import { createGuard } from '../../collector/serve/guard.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import type { Store } from '../../collector/store/store.ts';

export interface Receivers {
  readonly grpc: Port;
  readonly http: Port;
  readonly intake: Intake;
  readonly store: Store;
  readonly lines: string[];
  close(): Promise<void>;
}

export async function startReceivers(
  options: { token?: string; cors?: string[]; maxRequestBytes?: number; maxQueueBytes?: number } = {},
): Promise<Receivers> {
  const { token = null, cors = [], maxRequestBytes = 2 ** 26, maxQueueBytes = 2 ** 27 } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-receive-'));
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const store = await openStore({ folder });
  const intake = createIntake({ store, maxQueueBytes, log });
  const guard = createGuard({ host: '127.0.0.1', origins: cors, token });
  const shared = { intake, tls: null, maxRequestBytes, log };
  const grpc = await startOtlpGrpc({ address: '127.0.0.1:0', token, ...shared });
  const http = await startOtlpHttp({ host: '127.0.0.1', port: 0, guard, ...shared });
  const close = async (): Promise<void> => {
    await Promise.all([grpc.close(), http.close()]);
    await store.close();
    await rm(folder, { recursive: true });
  };
  return { grpc, http, intake, store, lines, close };
}

let nextSpan = 1;

/** Spans of one trace each, with ids of their own. */
export function newSpans(count: number, fields: object = {}): { traceId: Buffer; spanId: Buffer }[] {
  return Array.from({ length: count }, () => {
    const traceId = Buffer.alloc(16, 0xab);
    traceId.writeUInt32BE(nextSpan++);
    return {
      traceId,
      spanId: traceId.subarray(0, 8),
      name: 'GET /',
      kind: 2,
      startTimeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
      endTimeUnixNano: String(BigInt(Date.now() + 1) * 1_000_000n),
      ...fields,
    };
  });
}

export function tracesOf(spans: readonly object[]): object {
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] };
}
