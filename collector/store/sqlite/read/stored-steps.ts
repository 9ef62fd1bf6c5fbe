/**
 * Steps of the sums as they are stored. Where a page of them cannot be read, those of the range are asked for one by one: what
 * lies on other pages is told.
 */
import type { Level } from '../../rollup/steps.ts';
import { isCorrupt, type Connection } from '../open-database.ts';
import type { OnDamage } from './units.ts';
import { wholeStep } from './whole-step.ts';

export interface StepRow {
  readonly step_unix_ms: number;
  readonly data: Buffer;
}

/** Gives those of a level that begin in a range, which ends before `toUnixMs`, by time. */
export type StoredSteps = (level: Level, fromUnixMs: number, toUnixMs: number) => Generator<StepRow>;

export function createStoredSteps(database: Connection, onDamage: OnDamage, table = 'rollup'): StoredSteps {
  const within = `FROM ${table} WHERE level = ? AND step_unix_ms >= ? AND step_unix_ms < ? ORDER BY step_unix_ms`;
  const rows = database.prepare<[Level, number, number], StepRow>(`SELECT step_unix_ms, data ${within}`);
  // The index has them: no page of the table is read.
  const times = database.prepare<[Level, number, number], number>(`SELECT step_unix_ms ${within}`).pluck();
  const falling = database.prepare<[Level, number, number], StepRow>(
    `SELECT step_unix_ms, data ${within} DESC`,
  );
  const one = database
    .prepare<[Level, number], Buffer>(`SELECT data FROM ${table} WHERE level = ? AND step_unix_ms = ?`)
    .pluck();

  function* oneByOne(level: Level, steps: readonly number[]): Generator<StepRow> {
    for (const stepUnixMs of steps) {
      const data = wholeStep(level, stepUnixMs, onDamage, () => one.get(level, stepUnixMs)!);
      if (data !== null) yield { step_unix_ms: stepUnixMs, data };
    }
  }

  /** Where the index cannot be read either: from the end, as far as it goes. */
  function fromEnd(level: Level, fromUnixMs: number, toUnixMs: number): StepRow[] {
    const found: StepRow[] = [];
    try {
      for (const row of falling.iterate(level, fromUnixMs, toUnixMs)) found.push(row);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      onDamage(`the list of the sums of ${level}s: ${(error as Error).message}`);
    }
    return found.toReversed();
  }

  function* aroundDamage(level: Level, fromUnixMs: number, toUnixMs: number): Generator<StepRow> {
    let listed: number[];
    try {
      listed = times.all(level, fromUnixMs, toUnixMs);
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      yield* fromEnd(level, fromUnixMs, toUnixMs);
      return;
    }
    yield* oneByOne(level, listed);
  }

  return function* (level, fromUnixMs, toUnixMs) {
    let leftFromUnixMs = fromUnixMs;
    try {
      for (const row of rows.iterate(level, fromUnixMs, toUnixMs)) {
        leftFromUnixMs = row.step_unix_ms + 1;
        yield row;
      }
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      yield* aroundDamage(level, leftFromUnixMs, toUnixMs);
    }
  };
}
