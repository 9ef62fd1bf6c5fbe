/** What the cells of the sums count, by number: read once, because a series never changes and its number is not reused. */
import type { MapEdge, NodeKind } from '../../../serve/wire.ts';
import type { SeriesKey } from '../../rollup/series.ts';
import type { Connection } from '../open-database.ts';

export type SeriesType = SeriesKey['type'];

export interface SeriesRow {
  readonly series_id: number;
  readonly type: SeriesType;
  readonly service: string | null;
  readonly operation_id: number | null;
  readonly service_version: string | null;
  readonly callee_service: string | null;
  readonly peer_id: number | null;
  readonly edge_kind: MapEdge['kind'] | null;
  readonly address: string | null;
  readonly peer_name: string | null;
  readonly node_kind: NodeKind | null;
  readonly operation: string | null;
  readonly operation_kind: string | null;
  readonly operation_service: string | null;
}

export interface SeriesReader {
  get(id: number): SeriesRow | undefined;
  /** Says of a series whether it is of one of these types. */
  areOf(types: readonly SeriesType[]): (id: number) => boolean;
}

/** Those that retention has deleted meanwhile are forgotten with all others then. */
const REMEMBERED_MAX = 100_000;

export function createSeriesReader(database: Connection): SeriesReader {
  const select = database.prepare<[number], SeriesRow>(
    `SELECT series.*, peer.address, peer.name AS peer_name, peer.node_kind,
       operation.name AS operation, operation.kind AS operation_kind, operation.service AS operation_service
     FROM series LEFT JOIN peer USING (peer_id) LEFT JOIN operation USING (operation_id)
     WHERE series_id > ?`,
  );
  const known = new Map<number, SeriesRow>();
  let lastId = 0;

  function get(id: number): SeriesRow | undefined {
    if (id > lastId) {
      if (known.size > REMEMBERED_MAX) {
        known.clear();
        lastId = 0;
      }
      for (const row of select.all(lastId)) {
        known.set(row.series_id, row);
        lastId = Math.max(lastId, row.series_id);
      }
    }
    return known.get(id);
  }

  return {
    get,
    areOf: (types) => (id) => {
      const row = get(id);
      return row !== undefined && types.includes(row.type);
    },
  };
}

export interface OperationKey {
  readonly service: string;
  readonly kind: string;
  readonly operation: string;
}

/**
 * Finds the series of operations. What was found is remembered, because a series never changes and its number is not reused: only
 * the series that were added since tell another. Under load some are with each answer.
 */
export function createOperationSeries(database: Connection) {
  const find = database
    .prepare<[string, string, string], number>(
      // By its index: there are thousands of series.
      `SELECT series_id FROM operation JOIN series ON series.identity = 'operation ' || operation.operation_id
       WHERE operation.service = ? AND operation.kind = ? AND operation.name = ?`,
    )
    .pluck();
  const addedSince = database.prepare<[number], OperationKey>(
    `SELECT operation.service, operation.kind, operation.name AS operation
     FROM series JOIN operation USING (operation_id) WHERE series_id > ? AND type = 'operation'`,
  );
  const newest = database.prepare<[], number | null>('SELECT max(series_id) FROM series').pluck();
  const known = new Map<string, number | null>();
  let newestId = 0;

  function forgetChanged(): void {
    const id = newest.get() ?? 0;
    if (id <= newestId) return;
    if (known.size > 0) for (const added of addedSince.iterate(newestId)) known.delete(keyOf(added));
    newestId = id;
  }

  /** Of one moment: to be asked within its transaction. Null where an operation has none. */
  return () => {
    forgetChanged();
    return (operation: OperationKey): number | null => {
      const key = keyOf(operation);
      let series = known.get(key);
      if (series === undefined) {
        series = find.get(operation.service, operation.kind, operation.operation) ?? null;
        if (known.size >= REMEMBERED_MAX) known.clear();
        known.set(key, series);
      }
      return series;
    };
  };
}

function keyOf({ service, kind, operation }: OperationKey): string {
  return `${service}\n${operation}\n${kind}`;
}
