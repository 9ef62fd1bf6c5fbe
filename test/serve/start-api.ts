/** The web port over a real store in a folder of its own, in this process; everything is undone by `close`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDiagnosisLoop } from '../../collector/query/diagnosis-loop.ts';
import { createQuery } from '../../collector/query/open-query.ts';
import { createIntake } from '../../collector/receive/intake.ts';
import type { Sources } from '../../collector/serve/sources.ts';
import { createTraceReader } from '../../collector/serve/traces/trace-reader.ts';
import { startWeb, type WebOptions } from '../../collector/serve/web.ts';
import { openStore } from '../../collector/store/sqlite/open-store.ts';

export interface Api {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly sources: Sources;
  close(): Promise<void>;
}

export async function startApi(
  options: Partial<WebOptions> & { allowPurge?: boolean; maxRequestBytes?: number } = {},
  override: Partial<Sources> = {},
): Promise<Api> {
  const { allowPurge = false, maxRequestBytes = 1024 * 1024, ...webOptions } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-serve-'));
  const store = await openStore({ folder });
  const traces = createTraceReader(store);
  const diagnosis = startDiagnosisLoop(store, { quietMs: 50, roundMs: 50 });
  const maxQueueBytes = 4 * maxRequestBytes;
  const sources: Sources = {
    version: '0.1.0',
    startedUnixMs: Date.now(),
    query: createQuery(store),
    store,
    traces,
    intake: createIntake({ store, maxQueueBytes, log: () => {} }),
    addresses: () => ({ otlpGrpc: '127.0.0.1:4317', otlpHttp: '127.0.0.1:4318', web: '127.0.0.1:4319' }),
    appCommand: () => 'node --require /opt/sockeye/instrumentation/register.cjs app.js',
    diagnosisBacklog: () => diagnosis.backlog(),
    diagnosisEvicted: () => diagnosis.evicted(),
    forwarding: async () => [],
    allowPurge,
    zipkinKeys: ['environment', 'http.host'],
    maxRequestBytes,
    ...override,
  };
  const web = await startWeb(
    {
      host: '127.0.0.1',
      port: 0,
      tls: null,
      token: null,
      corsOrigins: [],
      pageFolder: join(folder, 'no-page'),
      ...webOptions,
    },
    sources,
  );
  return {
    url: `http://${web.address}`,
    sources,
    async close() {
      await web.close();
      await diagnosis.stop();
      await traces.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}
