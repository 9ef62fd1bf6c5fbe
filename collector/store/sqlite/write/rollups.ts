/**
 * Keeps what traces count for, within the transaction its caller has open: as deltas, which are absorbed into the steps
 * when some have come together. A step holds thousands of cells, and a fold may change few.
 */
import { addCell } from '../../rollup/cell.ts';
import { seriesIdentity, type SeriesKey } from '../../rollup/series.ts';
import { encodeDelta, type StepCells } from '../../rollup/steps.ts';
import type { Tally } from '../../rollup/tally.ts';
import { internTable } from './intern.ts';
import type { Connection } from '../open-database.ts';

export interface RollupWriter {
  /** Everything the tally counted; and who answers behind which address. */
  apply(tally: Tally, nowUnixMs: number): void;
  /** To be called after a rollback or a deletion. */
  forget(): void;
}

export function createRollupWriter(database: Connection): RollupWriter {
  const series = internTable(
    database,
    'series',
    'series_id',
    [
      'type',
      'service',
      'operation_id',
      'service_version',
      'callee_service',
      'peer_id',
      'edge_kind',
      'identity',
    ],
    'identity',
  );
  const insert = database.prepare<[number, number, Buffer]>('INSERT INTO rollup_delta VALUES (?, ?, ?)');
  // Readers keep what they know of a delta by its id.
  let lastDeltaId =
    database.prepare<[], number | null>('SELECT max(delta_id) FROM rollup_delta').pluck().get() ?? 0;
  const remember = database.prepare<{ peer: number; service: string; nowUnixMs: number }>(
    `INSERT INTO address_service
     SELECT address, @service, @nowUnixMs FROM peer WHERE peer_id = @peer AND address IS NOT NULL
     ON CONFLICT (address, service) DO UPDATE SET last_seen_unix_ms = excluded.last_seen_unix_ms`,
  );

  return {
    apply(tally, nowUnixMs) {
      for (const { stepUnixMs, cells } of tally.minutes()) {
        const bySeries: StepCells = new Map();
        for (const { series: key, cell } of cells) {
          const identity = seriesIdentity(key);
          const id = series.keyOf(identity, [...columnsOf(key), identity], nowUnixMs);
          const known = bySeries.get(id);
          if (known === undefined) bySeries.set(id, cell);
          else addCell(known, cell);
        }
        const data = encodeDelta(bySeries);
        if (data !== null) insert.run(++lastDeltaId, stepUnixMs, data);
      }
      for (const sighting of tally.sightings()) remember.run({ ...sighting, nowUnixMs });
    },
    forget: () => series.forget(),
  };
}

/** In the order of the table's columns, without `identity`. */
function columnsOf(key: SeriesKey): (string | number | null)[] {
  switch (key.type) {
    case 'operation':
      return [key.type, null, key.operation, null, null, null, null];
    case 'entry':
      return [key.type, key.service, null, null, null, null, null];
    case 'version':
      return [key.type, key.service, null, key.version, null, null, null];
    case 'edge':
      return [key.type, key.caller, null, null, key.calleeService, key.peer, key.edgeKind];
  }
}
