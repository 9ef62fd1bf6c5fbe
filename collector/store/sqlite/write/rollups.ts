/** Adds what traces count for to the stored steps, within the transaction its caller has open. */
import { addCell, type Cell } from '../../rollup/cell.ts';
import { seriesIdentity, type SeriesKey } from '../../rollup/series.ts';
import { addCells, decodeStep, encodeStep, STEP_MS, type Level, type StepCells } from '../../rollup/steps.ts';
import { gatherSteps, type Tally } from '../../rollup/tally.ts';
import { internTable } from './intern.ts';
import type { Connection } from '../open-database.ts';

export interface RollupWriter {
  /** Everything the tally counted, into minutes, hours and days; and who answers behind which address. */
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
  const select = database
    .prepare<[Level, number], Buffer>('SELECT data FROM rollup WHERE level = ? AND step_unix_ms = ?')
    .pluck();
  const replace = database.prepare<[Level, number, Buffer]>('INSERT OR REPLACE INTO rollup VALUES (?, ?, ?)');
  const remove = database.prepare<[Level, number]>('DELETE FROM rollup WHERE level = ? AND step_unix_ms = ?');
  const remember = database.prepare<{ peer: number; service: string; nowUnixMs: number }>(
    `INSERT INTO address_service
     SELECT address, @service, @nowUnixMs FROM peer WHERE peer_id = @peer AND address IS NOT NULL
     ON CONFLICT (address, service) DO UPDATE SET last_seen_unix_ms = excluded.last_seen_unix_ms`,
  );

  function addToStep(level: Level, stepUnixMs: number, added: StepCells): void {
    const stored = select.get(level, stepUnixMs);
    const sum = stored === undefined ? new Map<number, Cell>() : decodeStep(stored);
    addCells(sum, added);
    const data = encodeStep(sum);
    if (data !== null) replace.run(level, stepUnixMs, data);
    else if (stored !== undefined) remove.run(level, stepUnixMs);
  }

  return {
    apply(tally, nowUnixMs) {
      const minutes: { stepUnixMs: number; cells: StepCells }[] = [];
      for (const { stepUnixMs, cells } of tally.minutes()) {
        const bySeries: StepCells = new Map();
        for (const { series: key, cell } of cells) {
          const id = series.keyOf(seriesIdentity(key), [...columnsOf(key), seriesIdentity(key)], nowUnixMs);
          const known = bySeries.get(id);
          if (known === undefined) bySeries.set(id, cell);
          else addCell(known, cell);
        }
        if (bySeries.size > 0) minutes.push({ stepUnixMs, cells: bySeries });
      }
      for (const { stepUnixMs, cells } of minutes) addToStep('minute', stepUnixMs, cells);
      for (const level of ['hour', 'day'] as const) {
        for (const [stepUnixMs, cells] of gatherSteps(minutes, STEP_MS[level])) {
          addToStep(level, stepUnixMs, cells);
        }
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
