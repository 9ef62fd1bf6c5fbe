/**
 * Everything a reader thread answers. Each answer is read in one transaction: it sees segments, blocks and rollups of
 * one moment, though they are folded meanwhile.
 */
import { statSync } from 'node:fs';
import type { HistoryHere } from '../../../query/diagnose-by-history.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import {
  type Edge,
  type LatencyAsked,
  type LatencyBrush,
  type NormalKey,
  type Patience,
  type SpanIdentity,
  type StatsGroup,
  type StoreStatus,
  StoreUnavailable,
  type TimeRange,
  type TraceSearch,
} from '../../store.ts';
import { asStoreError, databasePath, type Connection } from '../open-database.ts';
import type { Methods } from '../thread.ts';
import { createAddressReader } from './addresses.ts';
import { createAttributeReader, type KeysWanted } from './attributes.ts';
import { createCallReader } from './calls.ts';
import { createDiagnoser, type HostViews } from './diagnoses.ts';
import { createEdgeNames } from './edge-names.ts';
import type { FailedRows } from './failed-rows.ts';
import { createIncidentStateReader } from './incident-states.ts';
import { createLatencyReader } from './latency.ts';
import { createNames } from './names.ts';
import { createRollupReader } from './rollups.ts';
import { createTraceSearch } from './search-traces.ts';
import { createTraceViews } from './trace-views.ts';
import { createTraceReader } from './traces.ts';
import { createUnits, SEARCHED_HEADER_BYTES_MAX } from './units.ts';
import { createVerdictTexts } from '../verdict-texts.ts';
import { createVerdictReader } from './verdicts.ts';

type IsCancelled = () => boolean;

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
interface ToDiagnose {
  readonly traceIds: readonly string[];
  readonly hosts?: HostViews;
  readonly failed?: readonly FailedRows[];
}

/** What a thread of it is started with. */
export interface ReaderData {
  readonly folder: string;
  /** Whether it goes through many blocks for one answer, again and again. */
  readonly isSearcher?: boolean;
}

/** A page may have held a thousand names. */
const DAMAGE_SAID_MAX = 50;

/** `log` is told once of each block, segment or step that cannot be read, and that there are more. */
export function createReader(
  database: Connection,
  folder: string,
  log: (line: string) => void,
  isSearcher = false,
) {
  const damaged = new Set<string>();
  const onDamage = (what: string): void => {
    if (damaged.has(what) || damaged.size > DAMAGE_SAID_MAX) return;
    damaged.add(what);
    if (damaged.size > DAMAGE_SAID_MAX)
      return log('more of the store is damaged; it is left out and not named');
    log(`the store is damaged: ${what}; what is in it is left out, the rest is served`);
  };
  const names = createNames(database, onDamage);
  const units = createUnits(database, onDamage, isSearcher ? SEARCHED_HEADER_BYTES_MAX : undefined);
  const traces = createTraceReader(names, onDamage);
  const addresses = createAddressReader(database);
  const rollups = createRollupReader(database, addresses, onDamage);
  const calls = createCallReader(traces, names, addresses, rollups, onDamage);
  const latency = createLatencyReader(traces, names, addresses, rollups, onDamage);
  const attributes = createAttributeReader(traces, names, onDamage);
  const verdictTexts = createVerdictTexts(database);
  const edgeNames = createEdgeNames(database, addresses);
  const verdicts = createVerdictReader(database, verdictTexts, edgeNames);
  const diagnose = createDiagnoser(traces, calls, addresses, verdicts, onDamage);
  const searchTraces = createTraceSearch(
    database,
    traces,
    names,
    addresses,
    verdictTexts,
    edgeNames,
    onDamage,
  );
  const pinned = database
    .prepare<[Buffer], number>('SELECT EXISTS (SELECT 1 FROM pinned_trace WHERE trace_id = ?)')
    .pluck();
  const isPinned = (traceId: string): boolean => pinned.get(Buffer.from(traceId, 'hex')) === 1;
  /** Those in no block are not known to be due for a diagnosis yet. */
  const hasUncounted = (traceId: string): boolean => traces.countRows(units.uncounted(), traceId, 0) > 0;
  const history: HistoryHere = {
    readKeptVerdicts: (traceId) => (hasUncounted(traceId) ? null : verdicts.readKept(traceId)),
    readNormals: (keys, exceptTraceId) =>
      calls.readNormals(keys, traces.pieces(units.counted(), exceptTraceId)),
    readAddressServices: (wanted) => addresses.some(wanted),
    readHostViews: verdicts.readHostViews,
  };
  const views = createTraceViews(traces, () => units.byTrace(), history, isPinned);
  const readIncidentStates = createIncidentStateReader(database);
  const readStatus = createStatusReader(database, folder);

  const methods = {
    readTrace: (traceId: string) => traces.spans(traces.pieces(units.byTrace(), traceId)),
    readSpans: (ids: readonly SpanIdentity[]) => traces.ofIdentities(units.byTrace(), ids),
    searchTraces: (search: TraceSearch, isCancelled: IsCancelled) =>
      searchTraces(units.all(), search, isCancelled),
    readServiceStats: ({ range, group }: { range: TimeRange; group: StatsGroup }, isCancelled: IsCancelled) =>
      rollups.readServiceStats(range, group, isCancelled),
    readCallGroups: (range: TimeRange, isCancelled: IsCancelled) =>
      rollups.readCallGroups(range, isCancelled),
    readEdgeCalls: ({ range, edge, outcome, limit }: EdgeCalls) =>
      calls.readEdgeCalls(units.all(), range, edge, outcome, limit),
    readCallCounts: ({ range, steps }: { range: TimeRange; steps: number }, isCancelled: IsCancelled) =>
      rollups.readCallCounts(range, steps, isCancelled),
    readLatency: (asked: LatencyAsked, isCancelled: IsCancelled) =>
      latency.readLatency(units.counted(), asked, isCancelled),
    readLatencyDiffers: (
      { asked, brush }: { asked: LatencyAsked; brush: LatencyBrush },
      isCancelled: IsCancelled,
    ) => latency.readLatencyDiffers(units.counted(), asked, brush, isCancelled),
    readVersions: (range: TimeRange, isCancelled: IsCancelled) => rollups.readVersions(range, isCancelled),
    ...views,
    readNormals: ({ keys, exceptTraceId }: { keys: readonly NormalKey[]; exceptTraceId: string }) =>
      history.readNormals(keys, exceptTraceId),
    readAttributeKeys: (wanted: KeysWanted, isCancelled: IsCancelled) =>
      attributes.readKeys(units.all(), wanted, isCancelled),
    readAttributeValues: ({ range, ...wanted }: Completion & { key: string }, isCancelled: IsCancelled) =>
      attributes.readValues(units.all(), range, wanted, isCancelled),
    diagnoseTraces: ({ traceIds, hosts, failed }: ToDiagnose) =>
      diagnose(units.counted(), traceIds, hosts, failed),
    readKeptVerdicts: history.readKeptVerdicts,
    readHostViews: verdicts.readHostViews,
    readUndiagnosed: ({ patience, limit }: { patience: Patience; limit: number }) =>
      verdicts.readUndiagnosed(patience, limit),
    readVerdicts: (range: TimeRange) => verdicts.readVerdicts(range),
    readAddressServices: (wanted: readonly string[]) => history.readAddressServices(wanted),
    isPinned,
    readIncidentStates: () => readIncidentStates(),
    learnTraces: (known: number) => units.learnTraces(known),
    learnLists: (known: number) => units.learnLists(known),
    status: () => readStatus(),
  } satisfies Methods;

  const begin = database.prepare('BEGIN');
  const rollback = database.prepare('ROLLBACK');
  const inOneMoment = Object.fromEntries(
    Object.entries(methods).map(([name, answer]) => {
      const method = (argument: never, isCancelled: IsCancelled) => {
        try {
          begin.run();
          try {
            return answer(argument, isCancelled);
          } finally {
            // Nothing was written, and after a page that it could not read, SQLite refuses to commit.
            if (database.inTransaction) rollback.run();
          }
        } catch (error) {
          if (!(error instanceof DamagedPart)) throw asStoreError(error);
          throw new StoreUnavailable(`the store is damaged where this is read: ${error.message}`);
        }
      };
      return [name, method];
    }),
  );
  return { ...inOneMoment, close: () => void database.close() } as unknown as Methods;
}

function createStatusReader(database: Connection, folder: string): () => StoreStatus {
  const countSpans = database
    .prepare<[], number>(
      `SELECT (SELECT total(span_count) FROM block WHERE block_id NOT IN (SELECT block_id FROM damage WHERE block_id IS NOT NULL))
         + (SELECT total(span_count) FROM segment WHERE segment_id NOT IN (SELECT segment_id FROM damage WHERE segment_id IS NOT NULL))`,
    )
    .pluck();
  const oldest = database
    .prepare<[], number | null>(
      `SELECT min(unix_ms) FROM (SELECT min(first_arrived_unix_ms) AS unix_ms FROM block
         UNION ALL SELECT min(arrived_unix_ms) FROM segment)`,
    )
    .pluck();
  const bytesOf = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return () => ({
    kind: 'sqlite',
    bytes: ['', '-wal', '-shm'].reduce((sum, suffix) => sum + bytesOf(databasePath(folder) + suffix), 0),
    spans: countSpans.get() ?? 0,
    oldestUnixMs: oldest.get() ?? null,
  });
}
