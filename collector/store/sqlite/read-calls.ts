/** Reads what happened in a range: calls with both their sides, statistics of services, what is normal. */
import { calleeOf, type Callee } from '../../query/callee.ts';
import { groupCalls, type StoredCall } from '../../query/call-groups.ts';
import { createServiceStats } from '../../query/service-stats.ts';
import type { CallGroup, ServiceStats } from '../../query/results.ts';
import type { MapEdge, NodeKind } from '../../serve/wire.ts';
import type { Span } from '../../span.ts';
import { percentile } from '../../query/percentile.ts';
import { Cancelled, type Edge, type Normal, type NormalKey, type TimeRange } from '../store.ts';
import type { Connection } from './open-database.ts';
import type { createSpanReader, SpanRow } from './read-spans.ts';
import { columnNano } from './span-columns.ts';

interface CallRow extends SpanRow {
  readonly caller: string;
  readonly outcome: StoredCall['outcome'];
  readonly give_up_phase: string | null;
  readonly give_up_budget_ms: number | null;
  readonly never_arrived: number;
  readonly is_stream: number;
  readonly is_retry: number;
  readonly duration_ms: number;
  readonly address: string | null;
  readonly name: string;
  readonly node_kind: NodeKind;
  readonly edge_kind: MapEdge['kind'];
  readonly server: string | null;
  readonly server_ms: number | null;
}

/** An address that another service answered behind this recently is shared, and tells nothing. */
const ADDRESS_SHARED_MS = 15 * 60_000;
const NORMAL_SPANS_MAX = 1_000;
const CALLS_LOOKED_AT_MAX = 5_000;

const CALL_COLUMNS = `caller.service AS caller, call.outcome, call.give_up_phase, call.give_up_budget_ms,
  call.never_arrived, call.is_stream, call.is_retry, call.duration_ns / 1e6 AS duration_ms,
  peer.address, peer.name, peer.node_kind, peer.edge_kind,
  server_operation.service AS server, server.duration_ns / 1e6 AS server_ms`;
/** A call has one server span; of several (a resent request, a mirrored one) the earliest is taken. */
const CALL_TABLES = `span AS call
  JOIN operation AS caller ON caller.operation_id = call.operation_id
  JOIN peer ON peer.peer_id = call.peer_id
  LEFT JOIN span AS server ON server.span_key = (
    SELECT span_key FROM span WHERE trace_key = call.trace_key AND parent_span_id = call.span_id
      AND kind IN ('server', 'consumer') ORDER BY start_unix_ns LIMIT 1)
  LEFT JOIN operation AS server_operation ON server_operation.operation_id = server.operation_id`;

const ENTRY_COLUMNS =
  'operation.service, span.outcome, span.is_stream, span.duration_ns / 1e6 AS duration_ms';
const ENTRY_TABLES = 'span JOIN operation USING (operation_id)';

export function rangeNano(range: TimeRange): [bigint, bigint] {
  const nano = (unixMs: number) => columnNano(BigInt(Math.round(unixMs)) * 1_000_000n);
  return [nano(range.fromUnixMs), nano(range.toUnixMs)];
}

export function createCallReader(database: Connection, spans: ReturnType<typeof createSpanReader>) {
  const addressServices = createAddressReader(database);
  const callsInRange = database.prepare<[bigint, bigint], CallRow>(
    `SELECT ${CALL_COLUMNS} FROM ${CALL_TABLES} WHERE call.start_unix_ns >= ? AND call.start_unix_ns < ?`,
  );
  const callsOfCaller = database.prepare<[string, bigint, bigint, number], CallRow>(
    `SELECT ${CALL_COLUMNS}, call.resource_id, call.scope_id, call.body FROM ${CALL_TABLES}
     WHERE call.operation_id IN (SELECT operation_id FROM operation WHERE service = ? AND kind IN ('client', 'producer'))
       AND call.start_unix_ns >= ? AND call.start_unix_ns < ?
     ORDER BY call.start_unix_ns DESC LIMIT ?`,
  );
  const entriesOfService = database.prepare<[string, bigint, bigint, number], EntryRow & SpanRow>(
    `SELECT ${ENTRY_COLUMNS}, span.resource_id, span.scope_id, span.body FROM ${ENTRY_TABLES}
     WHERE operation_id IN (SELECT operation_id FROM operation WHERE service = ? AND kind = 'server')
       AND span.start_unix_ns >= ? AND span.start_unix_ns < ? AND span.parent_span_id IS NULL
     ORDER BY span.start_unix_ns DESC LIMIT ?`,
  );
  const entries = database.prepare<[bigint, bigint], EntryRow>(
    `SELECT ${ENTRY_COLUMNS} FROM ${ENTRY_TABLES}
     WHERE span.start_unix_ns >= ? AND span.start_unix_ns < ? AND span.kind = 'server' AND span.parent_span_id IS NULL`,
  );

  return {
    addressServices,
    readCallGroups(range: TimeRange, isCancelled: () => boolean): CallGroup[] {
      const remembered = addressServices.all();
      const groups = groupCalls();
      for (const row of callsInRange.iterate(...rangeNano(range))) {
        if (isCancelled()) throw new Cancelled('the caller went away');
        groups.add(storedCall(row, calleeOfRow(row, remembered)));
      }
      for (const row of entries.iterate(...rangeNano(range))) {
        groups.addEntry(row.service, {
          outcome: row.outcome,
          isStream: row.is_stream === 1,
          durationMs: row.duration_ms,
        });
      }
      return groups.finish();
    },
    readEdgeCalls(range: TimeRange, edge: Edge, outcome: 'ok' | 'any', limit: number): Span[] {
      const { caller, callee } = edge;
      const remembered = addressServices.all();
      const isOfEdge = (row: CallRow) => calleeOfRow(row, remembered).id === callee;
      const newest =
        caller === null
          ? entriesOfService.iterate(callee, ...rangeNano(range), CALLS_LOOKED_AT_MAX)
          : callsOfCaller.iterate(caller, ...rangeNano(range), CALLS_LOOKED_AT_MAX);
      const { decode } = spans.decoder();
      const found: Span[] = [];
      for (const row of newest) {
        if (outcome === 'ok' && row.outcome !== 'ok') continue;
        if ('caller' in row && !isOfEdge(row)) continue;
        if (found.push(decode(row)) >= limit) break;
      }
      return found;
    },
    readServiceStats: createStatsReader(database),
    readNormals: createNormalReader(database),
  };
}

interface EntryRow {
  readonly service: string;
  readonly outcome: StoredCall['outcome'];
  readonly is_stream: number;
  readonly duration_ms: number;
}

function calleeOfRow(row: CallRow, remembered: ReadonlyMap<string, string>): Callee {
  const peer = { address: row.address, name: row.name, nodeKind: row.node_kind, edgeKind: row.edge_kind };
  return calleeOf(peer, row.server, row.address === null ? null : (remembered.get(row.address) ?? null));
}

function storedCall(row: CallRow, callee: Callee): StoredCall {
  return {
    caller: row.caller,
    callee,
    edgeKind: row.edge_kind,
    outcome: row.outcome,
    giveUpPhase: row.give_up_phase as StoredCall['giveUpPhase'],
    budgetMs: row.give_up_budget_ms,
    neverArrived: row.never_arrived === 1 && row.server === null,
    isStream: row.is_stream === 1,
    isRetry: row.is_retry === 1,
    durationMs: row.duration_ms,
    serverMs: row.server_ms,
  };
}

/** Which service answers behind an address, where that is one service. */
export function createAddressReader(database: Connection) {
  const select = `SELECT address, service FROM address_service AS known
    WHERE NOT EXISTS (
      SELECT 1 FROM address_service AS other WHERE other.address = known.address AND other.service <> known.service
        AND other.last_seen_unix_ms > known.last_seen_unix_ms - ${ADDRESS_SHARED_MS})`;
  const everyAddress = database.prepare<[], { address: string; service: string }>(select);
  const oneAddress = database.prepare<[string], { service: string }>(`${select} AND known.address = ?`);
  const serviceBehind = (address: string): string | null => oneAddress.get(address)?.service ?? null;
  return {
    all: () => new Map(everyAddress.all().map(({ address, service }) => [address, service])),
    some: (addresses: readonly string[]) =>
      new Map(
        addresses.flatMap((address) => {
          const service = serviceBehind(address);
          return service === null ? [] : [[address, service] as const];
        }),
      ),
    one: serviceBehind,
  };
}

function createStatsReader(database: Connection) {
  const select = database.prepare<
    { from: bigint; to: bigint; service: string | null },
    { service: string; name: string; kind: string; outcome: string; is_stream: number; duration_ms: number }
  >(
    `SELECT operation.service, operation.name, span.kind, span.outcome, span.is_stream, span.duration_ns / 1e6 AS duration_ms
     FROM span JOIN operation USING (operation_id)
     WHERE span.start_unix_ns >= @from AND span.start_unix_ns < @to AND (@service IS NULL OR operation.service = @service)`,
  );
  return (
    range: TimeRange,
    group: { byOperation: boolean; service: string | null },
  ): (ServiceStats & { operation: string })[] => {
    const stats = createServiceStats(group.byOperation || group.service !== null);
    const [from, to] = rangeNano(range);
    for (const row of select.iterate({ from, to, service: group.service })) {
      stats.add(row.service, row.name, {
        isServing: row.kind === 'server' || row.kind === 'consumer',
        outcome: row.outcome,
        isStream: row.is_stream === 1,
        durationMs: row.duration_ms,
      });
    }
    return stats.finish();
  };
}

/** Of a call, what a caller's successes show; of all else, every span: those that outlived their caller included. */
function createNormalReader(database: Connection) {
  const select = database
    .prepare<[string, string, string, Buffer, number], number>(
      `SELECT span.duration_ns / 1e6 FROM span
       WHERE operation_id = (SELECT operation_id FROM operation WHERE service = ? AND kind = ? AND name = ?)
         AND (outcome = 'ok' OR kind NOT IN ('client', 'producer'))
         AND trace_key IS NOT (SELECT trace_key FROM trace WHERE trace_id = ?)
       ORDER BY start_unix_ns DESC LIMIT ?`,
    )
    .pluck();
  return (keys: readonly NormalKey[], exceptTraceId: string): Normal[] =>
    keys.flatMap(({ service, operation, kind }) => {
      const except = Buffer.from(exceptTraceId, 'hex');
      const durations = Float64Array.from(
        select.all(service, kind, operation, except, NORMAL_SPANS_MAX),
      ).toSorted();
      if (durations.length === 0) return [];
      return [
        {
          service,
          operation,
          kind,
          count: durations.length,
          p50Ms: percentile(durations, 0.5),
          p95Ms: percentile(durations, 0.95),
        },
      ];
    });
}
