/** Adds what was counted since to the sums of minutes, hours and days. */
import { decodeStep, STEP_MS, type Level } from '../../rollup/steps.ts';
import { encodeSum } from '../../rollup/sum-steps.ts';
import type { Connection } from '../open-database.ts';
import type { Steps } from './jobs.ts';
import { createReplaceDamagedRollups } from './replace-rollups.ts';

export interface RollupAbsorber {
  /** How many deltas readers have to add up. */
  waiting(): number;
  absorb(): Steps<void>;
}

/** At once: of a fold of late spans there may be one for every minute of a week. */
const DELTAS_AT_ONCE = 512;
/** They are held in memory, unpacked some three times as large. */
const DELTA_BYTES_AT_ONCE = 4_000_000;

/** How far absorbing is until all sums are made. */
const SUMMING = 0.6;

interface Delta {
  readonly delta_id: number;
  readonly step_unix_ms: number;
  readonly data: Buffer;
}

export function createRollupAbsorber(database: Connection): RollupAbsorber {
  const replaceDamaged = createReplaceDamagedRollups(database);
  const count = database.prepare<[], number>('SELECT count(*) FROM rollup_delta').pluck();
  const oldest = database.prepare<[number], Delta>('SELECT * FROM rollup_delta ORDER BY delta_id LIMIT ?');
  const select = database
    .prepare<[Level, number], Buffer>('SELECT data FROM rollup WHERE level = ? AND step_unix_ms = ?')
    .pluck();
  const replace = database.prepare<[Level, number, Buffer]>('INSERT OR REPLACE INTO rollup VALUES (?, ?, ?)');
  const remove = database.prepare<[Level, number]>('DELETE FROM rollup WHERE level = ? AND step_unix_ms = ?');
  const forget = database.prepare<[number]>('DELETE FROM rollup_delta WHERE delta_id <= ?');

  function take(): Delta[] {
    const deltas: Delta[] = [];
    let bytes = 0;
    for (const delta of oldest.iterate(DELTAS_AT_ONCE)) {
      deltas.push(delta);
      bytes += delta.data.length;
      if (bytes >= DELTA_BYTES_AT_ONCE) break;
    }
    return deltas;
  }

  function* absorbSome(): Steps<void> {
    const deltas = take();
    const last = deltas.at(-1);
    if (last === undefined) return;
    const writes: { level: Level; stepUnixMs: number; data: Buffer | null }[] = [];
    for (const level of ['minute', 'hour', 'day'] as const) {
      const stepOf = (delta: Delta) => Math.floor(delta.step_unix_ms / STEP_MS[level]) * STEP_MS[level];
      for (const [stepUnixMs, added] of Map.groupBy(deltas, stepOf)) {
        const stored = select.get(level, stepUnixMs) ?? null;
        const data = yield* sumOf(`${level} ${stepUnixMs}`, stored, added);
        writes.push({ level, stepUnixMs, data });
        yield SUMMING;
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
  }

  return {
    waiting: () => count.get() ?? 0,
    *absorb() {
      try {
        yield* absorbSome();
      } catch (error) {
        if (!replaceDamaged(error)) throw error;
        yield* absorbSome();
      }
    },
  };
}

/** The spans themselves are elsewhere: what cannot be read counts as none, and a sum begins anew. */
function* sumOf(what: string, stored: Buffer | null, deltas: readonly Delta[]): Steps<Buffer | null> {
  const data = deltas.map((delta) => delta.data);
  try {
    return yield* paced(encodeSum(stored, data));
  } catch {
    const whole = stored !== null && isWhole(what, stored) ? stored : null;
    const wholeDeltas = data.filter((delta) => isWhole(`a delta of ${what}`, delta));
    return yield* paced(encodeSum(whole, wholeDeltas));
  }
}

function* paced<T>(work: Generator<void, T, void>): Steps<T> {
  for (let step = work.next(); ; step = work.next()) {
    if (step.done === true) return step.value;
    yield SUMMING;
  }
}

function isWhole(what: string, data: Buffer): boolean {
  try {
    decodeStep(data);
    return true;
  } catch (error) {
    console.error(`sockeye: the sums of ${what} are damaged and counted as none:`, (error as Error).message);
    return false;
  }
}
