/** A reader thread: answers queries from a connection of its own, so that none of them delays an append. */
import { statSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import type {
  Edge,
  NormalKey,
  Patience,
  SpanIdentity,
  StoreStatus,
  TimeRange,
  TraceSearch,
} from '../store.ts';
import { databasePath, openForReading, type Connection } from './open-database.ts';
import { createActivityReader } from './read-activity.ts';
import { createAttributeReader } from './read-attributes.ts';
import { createCallReader } from './read-calls.ts';
import { createSpanReader } from './read-spans.ts';
import { createVerdictReader } from './read-verdicts.ts';
import { createTraceSearch } from './search-traces.ts';
import { serveThread, type Methods } from './thread.ts';

type IsCancelled = () => boolean;

serveThread(() => {
  const { folder } = workerData as { folder: string };
  const database = openForReading(folder);
  const spans = createSpanReader(database);
  const calls = createCallReader(database, spans);
  const activity = createActivityReader(database, spans);
  const attributes = createAttributeReader(database, spans);
  const verdicts = createVerdictReader(database);
  const searchTraces = createTraceSearch(database, spans, calls.addressServices);
  const readStatus = createStatusReader(database, folder);
  return {
    readTrace: (traceId: string) => spans.readTrace(traceId),
    readTraceBytes: (traceId: string) => spans.readTraceBytes(traceId),
    readSpans: (ids: readonly SpanIdentity[]) => spans.readSpans(ids),
    searchTraces: (search: TraceSearch, isCancelled: IsCancelled) => searchTraces(search, isCancelled),
    readServiceStats: ({ range, group }: { range: TimeRange; group: StatsGroup }) =>
      calls.readServiceStats(range, group),
    readCallGroups: (range: TimeRange, isCancelled: IsCancelled) => calls.readCallGroups(range, isCancelled),
    readEdgeCalls: ({ range, edge, outcome, limit }: EdgeCalls) =>
      calls.readEdgeCalls(range, edge, outcome, limit),
    readCallCounts: ({ range, steps }: { range: TimeRange; steps: number }) =>
      activity.readCallCounts(range, steps),
    readVersions: (range: TimeRange) => activity.readVersions(range),
    readNormals: ({ keys, exceptTraceId }: { keys: readonly NormalKey[]; exceptTraceId: string }) =>
      calls.readNormals(keys, exceptTraceId),
    readAttributeKeys: ({ range, prefix, limit }: Completion, isCancelled: IsCancelled) =>
      attributes.readKeys(range, prefix, limit, isCancelled),
    readAttributeValues: (
      { range, key, prefix, limit }: Completion & { key: string },
      isCancelled: IsCancelled,
    ) => attributes.readValues(range, key, prefix, limit, isCancelled),
    readUndiagnosed: ({ patience, limit }: { patience: Patience; limit: number }) =>
      verdicts.readUndiagnosed(patience, limit),
    readVerdicts: (range: TimeRange) => verdicts.readVerdicts(range),
    readAddressServices: (addresses: readonly string[]) => calls.addressServices.some(addresses),
    status: () => readStatus(),
    close: () => {
      database.close();
    },
  } satisfies Methods;
});

interface StatsGroup {
  readonly byOperation: boolean;
  readonly service: string | null;
}
interface EdgeCalls {
  readonly range: TimeRange;
  readonly edge: Edge;
  readonly outcome: 'ok' | 'any';
  readonly limit: number;
}
interface Completion {
  readonly range: TimeRange;
  readonly prefix: string;
  readonly limit: number;
}

function createStatusReader(database: Connection, folder: string): () => StoreStatus {
  const countSpans = database.prepare<[], number>("SELECT value FROM total WHERE name = 'spans'").pluck();
  const oldest = database
    .prepare<[], number>('SELECT arrived_unix_ms FROM span ORDER BY span_key LIMIT 1')
    .pluck();
  const bytesOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return () => ({
    kind: 'sqlite',
    bytes: ['', '-wal', '-shm'].reduce((sum, suffix) => sum + bytesOf(databasePath(folder) + suffix), 0),
    spans: countSpans.get() ?? 0,
    oldestUnixMs: oldest.get() ?? null,
  });
}
