/**
 * Puts a table of the sums in place of one with a page that cannot be read: SQLite neither changes such a page nor gives it
 * back. What can be read goes along; the damaged table stays in the file, under a name of its own.
 */
import type { Level } from '../../rollup/steps.ts';
import { isCorrupt, type Connection } from '../open-database.ts';
import { createStoredSteps } from '../read/stored-steps.ts';
import { ROLLUP } from '../rollup-tables.ts';

/**
 * Of what a statement of the sums failed by: whether they were damaged and are replaced. That is tried once: what fails then is
 * something else.
 */
export type ReplaceDamagedRollups = (error: unknown) => boolean;

interface StepName {
  readonly level: Level;
  readonly stepUnixMs: number;
}

const LEVELS: readonly Level[] = ['minute', 'hour', 'day'];

export function createReplaceDamagedRollups(database: Connection): ReplaceDamagedRollups {
  let isTried = false;

  /** `lost` takes what the others are. */
  function* readable(lost: Set<string>): Generator<StepName> {
    const stored = createStoredSteps(database, (what) => lost.add(what));
    for (const level of LEVELS) {
      for (const { step_unix_ms: stepUnixMs } of stored(
        level,
        -Number.MAX_SAFE_INTEGER,
        Number.MAX_SAFE_INTEGER,
      )) {
        yield { level, stepUnixMs };
      }
    }
  }

  /** After a page that it could not read, SQLite commits no transaction: only pages are read that can be. */
  function replaceBy(kept: readonly StepName[]): void {
    const damaged = `rollup_damaged_${Date.now()}`;
    database.exec(`ALTER TABLE rollup RENAME TO ${damaged}; ${ROLLUP}`);
    const copy = database.prepare<[Level, number]>(
      `INSERT INTO rollup SELECT level, step_unix_ms, data FROM ${damaged} WHERE level = ? AND step_unix_ms = ?`,
    );
    for (const { level, stepUnixMs } of kept) copy.run(level, stepUnixMs);
  }

  return (error) => {
    if (isTried || !isCorrupt(error)) return false;
    isTried = true;
    const lost = new Set<string>();
    const kept = [...readable(lost)];
    if (lost.size === 0) return false;
    database.transaction(replaceBy).immediate(kept);
    const [first] = lost;
    console.error(
      `sockeye: the store is damaged: ${lost.size} of its sums cannot be read and count as none, all others are kept; the first: ${first}`,
    );
    return true;
  };
}
