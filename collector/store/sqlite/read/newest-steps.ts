/**
 * The newest steps, one by one: the hours of the newest day, then the days before it. They are asked about for every trace
 * that is diagnosed, so those that did not change are kept, and not even read again.
 */
import { StepIndex } from '../../rollup/step-index.ts';
import { STEP_MS, type Level } from '../../rollup/steps.ts';
import type { Connection } from '../open-database.ts';
import type { OnDamage } from './units.ts';
import { wholeStep } from './whole-step.ts';

/** An operation that is called once a day has what is normal for it in a week. */
const DAYS_LOOKED_AT_MAX = 7;
/** A day of five thousand series is 1.7 MB, an hour a sixth of that. The newest are kept: they are asked about always. */
const STEP_BYTES_KEPT_MAX = 24_000_000;

interface KeptStep {
  /** null when it is damaged. */
  readonly index: StepIndex | null;
  readonly identity: string;
  /** Until when it was seen to be as it is stored: a number of `createChangeCounter`. */
  changes: number;
}

export function createNewestSteps(database: Connection, onDamage: OnDamage): () => Generator<StepIndex> {
  const newestHour = database
    .prepare<[], number | null>("SELECT max(step_unix_ms) FROM rollup WHERE level = 'hour'")
    .pluck();
  const hoursFrom = database
    .prepare<[number], number>(
      "SELECT step_unix_ms FROM rollup WHERE level = 'hour' AND step_unix_ms >= ? ORDER BY step_unix_ms DESC",
    )
    .pluck();
  const daysBefore = database
    .prepare<[number, number], number>(
      "SELECT step_unix_ms FROM rollup WHERE level = 'day' AND step_unix_ms < ? ORDER BY step_unix_ms DESC LIMIT ?",
    )
    .pluck();
  const read = database
    .prepare<[Level, number], Buffer>('SELECT data FROM rollup WHERE level = ? AND step_unix_ms = ?')
    .pluck();
  const countChanges = createChangeCounter(database);
  const kept = new Map<string, KeptStep>();
  let keptBytes = 0;
  let newestDay = 0;

  function stepOf(level: Level, stepUnixMs: number, changes: number): StepIndex | null {
    const key = `${level} ${stepUnixMs}`;
    const known = kept.get(key);
    if (known?.changes === changes) return known.index;
    const data = wholeStep(level, stepUnixMs, onDamage, () => read.get(level, stepUnixMs)!);
    if (data === null) return null;
    const identity = identityOf(data);
    if (known?.identity === identity) {
      known.changes = changes;
      return known.index;
    }
    const index = wholeStep(level, stepUnixMs, onDamage, () => new StepIndex(data));
    const bytes = index?.bytes ?? 0;
    forget(key);
    if (keptBytes + bytes <= STEP_BYTES_KEPT_MAX) {
      kept.set(key, { index, identity, changes });
      keptBytes += bytes;
    }
    return index;
  }

  function forget(key: string): void {
    keptBytes -= kept.get(key)?.index?.bytes ?? 0;
    kept.delete(key);
  }

  return function* () {
    const changes = countChanges();
    const day = Math.floor((newestHour.get() ?? 0) / STEP_MS.day) * STEP_MS.day;
    if (day !== newestDay) for (const key of kept.keys()) forget(key);
    newestDay = day;
    for (const hour of hoursFrom.all(day)) yield* given(stepOf('hour', hour, changes));
    for (const before of daysBefore.all(day, DAYS_LOOKED_AT_MAX))
      yield* given(stepOf('day', before, changes));
  };
}

function* given(step: StepIndex | null): Generator<StepIndex> {
  if (step !== null) yield step;
}

/** A step ends with the checksum of what it holds. */
function identityOf(data: Buffer): string {
  return `${data.length} ${data.subarray(-4).toString('hex')}`;
}

/**
 * Gives another number when steps may have changed. They do when deltas are absorbed, the oldest first, and there are new
 * deltas only when blocks come or go.
 */
export function createChangeCounter(database: Connection): () => number {
  const oldestDelta = database.prepare<[], number | null>('SELECT min(delta_id) FROM rollup_delta').pluck();
  const blocks = database
    .prepare<[], string>(
      "SELECT count(*) || ' ' || total(block_id) || ' ' || total(block_id * block_id) FROM block",
    )
    .pluck();
  let seen: { readonly delta: number | null; readonly blocks: string } = { delta: null, blocks: '' };
  let changes = 0;
  return () => {
    const now = { delta: oldestDelta.get() ?? null, blocks: blocks.get()! };
    const isSame = now.delta === seen.delta && (now.delta !== null || now.blocks === seen.blocks);
    if (!isSame) changes++;
    seen = now;
    return changes;
  };
}
