/**
 * Drops whole blocks, oldest arrival first, and then what only they referred to. A pinned trace outlives its block in
 * one that is kept; when it is let go, that block is made anew without it.
 */
import { TRACE_ID_BYTES } from '../../columns/codes.ts';
import { LAST_USED_STEP_MS } from './intern.ts';
import { readBlockRows, type BlockRow } from '../block-rows.ts';
import { isCorrupt } from '../open-database.ts';
import { attempt } from './known-traces.ts';
import { dropBlock } from './drop-block.ts';
import type { FoldParts } from './fold.ts';
import type { Steps } from './jobs.ts';
import type { Pins } from './pins.ts';
import { createReplaceDamagedRollups } from './replace-rollups.ts';
import type { Upkeep } from './upkeep.ts';

export interface RetentionLimits {
  readonly arrivedBeforeUnixMs: number;
  readonly keepBytes: number;
}
export interface SliceOutcome {
  /** Spans. */
  readonly dropped: number;
  /** There is more to drop. */
  readonly more: boolean;
}

const DAY_MS = 24 * 3_600_000;
/** More than this is given back to the disk at once, though new blocks could use it: they come soon under load. */
const FREE_BYTES_KEPT = 64_000_000;

export interface Retention {
  /** Drops one block, or clears up behind those that were dropped. */
  dropSlice(limits: RetentionLimits): Steps<SliceOutcome>;
}

export function createRetention(parts: FoldParts, pins: Pins, upkeep: Upkeep): Retention {
  const { database } = parts;
  const allBlocks = readBlockRows(database, 'all');
  // A clock that was set back has left blocks from the future: they age from now on.
  const comeBack = database.prepare<{ now: number }>(
    `UPDATE block SET last_arrived_unix_ms = @now, first_arrived_unix_ms = min(first_arrived_unix_ms, @now)
     WHERE last_arrived_unix_ms > @now`,
  );
  const clearUp = createClearUp(parts);
  /** Blocks with a page that SQLite cannot read: it does not delete them either. */
  const stuck = new Set<number>();

  function victimOf(
    blocks: readonly BlockRow[],
    limits: RetentionLimits,
    pinned: readonly Buffer[],
  ): BlockRow | null {
    const [oldest, next] = blocks
      .filter(({ kind }) => kind !== 'pinned')
      .toSorted((a, b) => a.lastArrivedUnixMs - b.lastArrivedUnixMs || a.blockId - b.blockId);
    if (oldest !== undefined && oldest.lastArrivedUnixMs < limits.arrivedBeforeUnixMs) return oldest;
    // The newest block stays, whatever its size.
    if (oldest !== undefined && next !== undefined && upkeep.usedBytes() > limits.keepBytes) return oldest;
    return blocks.find((block) => block.kind === 'pinned' && holdsOthers(parts, block, pinned)) ?? null;
  }

  return {
    *dropSlice(limits) {
      comeBack.run({ now: Date.now() });
      const pinned = pins.all();
      const blocks = allBlocks().filter(({ blockId }) => !stuck.has(blockId));
      const victim = victimOf(blocks, limits, pinned);
      if (victim !== null) {
        try {
          return { dropped: yield* dropBlock(parts, victim, pinned), more: true };
        } catch (error) {
          if (!isCorrupt(error)) throw error;
          stuck.add(victim.blockId);
          console.error(
            `sockeye: block ${victim.blockId} of the store cannot be dropped (${(error as Error).message}) and stays in the file; those after it are dropped`,
          );
          return { dropped: 0, more: true };
        }
      }
      clearUp(allBlocks());
      while (upkeep.freeBytes() > FREE_BYTES_KEPT) {
        upkeep.giveBackSlice();
        yield 0.9;
      }
      return { dropped: 0, more: false };
    },
  };
}

/** Whether a block of pinned traces has one that is pinned no more. */
function holdsOthers({ opened, damage }: FoldParts, block: BlockRow, pinned: readonly Buffer[]): boolean {
  const wanted = new Set(pinned.map((id) => id.toString('latin1')));
  const found = attempt(damage, block, () => {
    for (let number = 0; number < block.granules; number++) {
      const { ids, starts } = opened.granule(block, number).traces;
      for (let run = 0; run + 1 < starts.length; run++) {
        const at = run * TRACE_ID_BYTES;
        if (!wanted.has(ids.toString('latin1', at, at + TRACE_ID_BYTES))) return true;
      }
    }
    return false;
  });
  return found === true;
}

/** Deletes what nothing refers to any more: all that was last used before the oldest span that is kept arrived. */
function createClearUp({ database, opened, damage }: FoldParts): (blocks: readonly BlockRow[]) => void {
  const oldestSegment = database
    .prepare<[], number | null>('SELECT min(arrived_unix_ms) FROM segment')
    .pluck();
  const interned = ['resource', 'scope', 'operation', 'peer'] as const;
  const touch = new Map(
    interned.map((table) => [
      table,
      database.prepare(
        `UPDATE ${table} SET last_used_unix_ms = max(last_used_unix_ms, ?) WHERE ${table}_id = ?`,
      ),
    ]),
  );
  const unused = [...interned, 'series'].map((table) =>
    database.prepare<[number]>(`DELETE FROM ${table} WHERE last_used_unix_ms < ?`),
  );
  const unpinned = 'AND trace_id NOT IN (SELECT trace_id FROM pinned_trace)';
  const gone = [
    `DELETE FROM undiagnosed_trace WHERE last_arrived_unix_ms < ? ${unpinned}`,
    `DELETE FROM verdict WHERE trace_arrived_unix_ms < ? ${unpinned}`,
    `DELETE FROM verdict_text WHERE last_arrived_unix_ms < ?
     AND NOT EXISTS (SELECT 1 FROM verdict WHERE verdict.text_id = verdict_text.text_id)`,
    'DELETE FROM address_service WHERE last_seen_unix_ms < ?',
  ].map((sql) => database.prepare<[number]>(sql));

  // Rollups are taken out with their spans; of a block that could not be read, they are left over.
  const rollupsBefore = database.prepare<[number]>('DELETE FROM rollup WHERE step_unix_ms < ?');

  /** What blocks that are kept beyond their time refer to. */
  function touchPinned(block: BlockRow, keptSinceUnixMs: number): void {
    attempt(damage, block, () => {
      for (let number = 0; number < block.granules; number++) {
        const { classes, peer } = opened.granule(block, number);
        const ids = { resource: classes.resource, scope: classes.scope, operation: classes.operation, peer };
        for (const table of interned) {
          for (const id of new Set(ids[table])) touch.get(table)!.run(keptSinceUnixMs, id);
        }
      }
    });
  }

  const replaceDamaged = createReplaceDamagedRollups(database);

  /** For itself: where they cannot be read, all else is cleared up. */
  function clearRollups(blocks: readonly BlockRow[]): void {
    // A block whose starts are scattered may reach back to any step.
    const firstStart = Math.min(...blocks.map((block) => block.firstStartUnixMs ?? -Infinity));
    if (firstStart === -Infinity) return;
    const beforeUnixMs = Math.min(firstStart, Number.MAX_SAFE_INTEGER) - DAY_MS;
    try {
      rollupsBefore.run(beforeUnixMs);
    } catch (error) {
      if (!replaceDamaged(error)) throw error;
      rollupsBefore.run(beforeUnixMs);
    }
  }

  const clear = database.transaction((blocks: readonly BlockRow[]) => {
    const arrivals = blocks.filter(({ kind }) => kind !== 'pinned').map((block) => block.firstArrivedUnixMs);
    const keptSinceUnixMs = Math.min(...arrivals, oldestSegment.get() ?? Infinity, Date.now());
    for (const block of blocks) if (block.kind === 'pinned') touchPinned(block, keptSinceUnixMs);
    for (const statement of unused) statement.run(keptSinceUnixMs - LAST_USED_STEP_MS);
    for (const statement of gone) statement.run(keptSinceUnixMs);
  });
  return (blocks) => {
    clear(blocks);
    clearRollups(blocks);
  };
}
