/** Adds what was counted since to the sums of minutes, hours and days. */
import { addCells, decodeStep, encodeStep, STEP_MS, type Level, type StepCells } from '../../rollup/steps.ts';
import { gatherSteps } from '../../rollup/tally.ts';
import type { Connection } from '../open-database.ts';
import type { Steps } from './jobs.ts';

export interface RollupAbsorber {
  /** How many deltas readers have to add up. */
  waiting(): number;
  absorb(): Steps<void>;
}

/** At once: of a fold of late spans there may be one for every minute of a week. */
const DELTAS_AT_ONCE = 512;

export function createRollupAbsorber(database: Connection): RollupAbsorber {
  const count = database.prepare<[], number>('SELECT count(*) FROM rollup_delta').pluck();
  const oldest = database.prepare<[number], { delta_id: number; step_unix_ms: number; data: Buffer }>(
    'SELECT * FROM rollup_delta ORDER BY delta_id LIMIT ?',
  );
  const select = database
    .prepare<[Level, number], Buffer>('SELECT data FROM rollup WHERE level = ? AND step_unix_ms = ?')
    .pluck();
  const replace = database.prepare<[Level, number, Buffer]>('INSERT OR REPLACE INTO rollup VALUES (?, ?, ?)');
  const remove = database.prepare<[Level, number]>('DELETE FROM rollup WHERE level = ? AND step_unix_ms = ?');
  const forget = database.prepare<[number]>('DELETE FROM rollup_delta WHERE delta_id <= ?');

  return {
    waiting: () => count.get() ?? 0,
    *absorb() {
      const deltas = oldest.all(DELTAS_AT_ONCE);
      const last = deltas.at(-1);
      if (last === undefined) return;
      const minutes = new Map<number, StepCells>();
      for (const { step_unix_ms: stepUnixMs, data } of deltas) {
        let sum = minutes.get(stepUnixMs);
        if (sum === undefined) minutes.set(stepUnixMs, (sum = new Map()));
        const delta = unlessDamaged(`a delta of minute ${stepUnixMs}`, () => decodeStep(data));
        if (delta !== DAMAGED) addCells(sum, delta);
        yield 0.3;
      }
      const writes: { level: Level; stepUnixMs: number; data: Buffer | null }[] = [];
      const added = [...minutes].map(([stepUnixMs, cells]) => ({ stepUnixMs, cells }));
      for (const level of ['minute', 'hour', 'day'] as const) {
        for (const [stepUnixMs, cells] of gatherSteps(added, STEP_MS[level])) {
          const stored = select.get(level, stepUnixMs);
          const sum = unlessDamaged(`${level} ${stepUnixMs}`, () => encodeStep(cells, stored));
          writes.push({ level, stepUnixMs, data: sum === DAMAGED ? encodeStep(cells) : sum });
          yield 0.6;
        }
      }
      database
        .transaction(() => {
          for (const { level, stepUnixMs, data } of writes) {
            if (data === null) remove.run(level, stepUnixMs);
            else replace.run(level, stepUnixMs, data);
          }
          forget.run(last.delta_id);
        })
        .immediate();
    },
  };
}

const DAMAGED = Symbol('damaged');

/** The spans themselves are elsewhere: a sum that cannot be read begins anew. */
function unlessDamaged<T>(what: string, read: () => T): T | typeof DAMAGED {
  try {
    return read();
  } catch (error) {
    console.error(`sockeye: the sums of ${what} are damaged and counted as none:`, (error as Error).message);
    return DAMAGED;
  }
}
