/**
 * What is done between commits besides folding: small blocks are merged, counts absorbed into the sums, and the file is
 * tidied up when little arrives.
 */
import { StoreUnavailable } from '../../store.ts';
import { asStoreError } from '../open-database.ts';
import type { BlockRow } from '../block-rows.ts';
import { createRollupAbsorber } from './absorb-rollups.ts';
import type { Jobs, Steps } from './jobs.ts';
import { merge, type MergeParts } from './merge.ts';
import { planMerge } from './plan-merge.ts';
import type { Upkeep } from './upkeep.ts';

/** What retention is precise to: blocks that arrived in different periods are not merged. */
const PERIOD_MS = 3_600_000;
/** More of them are absorbed at once; fewer when little arrives. Readers add them up. */
const DELTAS_MAX = 16;
/** After the last fold, and after the first of what is written between folds. */
const TIDY_AFTER_MS = 2_000;

export interface Maintenance {
  /** To be told of a block that was written. */
  afterBlock(): void;
  /** To be told when something was deleted, or was written that may be the last for long: it does not put off what is due. */
  tidySoon(): void;
  /** When `begin` has to be called; Infinity when there is nothing to do. */
  dueInMs(): number;
  begin(): void;
  /** Jobs were cancelled. */
  reset(): void;
}

export function createMaintenance(
  parts: MergeParts & { readonly blockRows: () => BlockRow[] },
  jobs: Jobs,
  upkeep: Upkeep,
): Maintenance {
  const { blockRows } = parts;
  const rollups = createRollupAbsorber(parts.database);
  let tidyAtMs = Infinity;
  let isMerging = false;
  /** Found to be too large to be merged; after a restart they are tried once more. */
  const tooLarge = new Set<number>();
  let isAbsorbing = false;

  function mergeIfDue(): void {
    if (isMerging) return;
    const mergeable = blockRows().filter(({ blockId }) => !tooLarge.has(blockId));
    const ids = planMerge(mergeable, PERIOD_MS, Date.now());
    if (ids === null) return;
    isMerging = true;
    jobs.add(() => mergeBlocks(ids)).catch(sayWaiting);
  }

  function* mergeBlocks(ids: readonly number[]): Steps<void> {
    try {
      const found = blockRows().filter(({ blockId }) => ids.includes(blockId));
      for (const { blockId } of yield* merge(parts, found)) tooLarge.add(blockId);
    } finally {
      isMerging = false;
    }
    afterBlock();
  }

  function absorbIfDue(deltasMax: number): void {
    if (isAbsorbing || rollups.waiting() <= deltasMax) return;
    isAbsorbing = true;
    jobs.add(absorbRollups).catch(sayWaiting);
  }

  function* absorbRollups(): Steps<void> {
    try {
      yield* rollups.absorb();
    } finally {
      isAbsorbing = false;
    }
    absorbIfDue(DELTAS_MAX);
  }

  function* tidy(): Steps<void> {
    while (upkeep.freeBytes() > 0) {
      upkeep.giveBackSlice();
      yield 0.5;
    }
    upkeep.truncateLog();
  }

  function tidySoon(): void {
    tidyAtMs = Math.min(tidyAtMs, performance.now() + TIDY_AFTER_MS);
  }

  function afterBlock(): void {
    tidyAtMs = performance.now() + TIDY_AFTER_MS;
    mergeIfDue();
    absorbIfDue(DELTAS_MAX);
  }

  return {
    afterBlock,
    tidySoon,
    dueInMs: () => tidyAtMs - performance.now(),
    begin() {
      tidyAtMs = Infinity;
      mergeIfDue();
      absorbIfDue(0);
      jobs.add(tidy).catch(sayWaiting);
    },
    reset() {
      isMerging = false;
      isAbsorbing = false;
      tidySoon();
    },
  };
}

/** A full disk is said by those whose spans wait; the next fold brings another try. */
function sayWaiting(error: unknown): void {
  const reason = asStoreError(error);
  if (!(reason instanceof StoreUnavailable))
    console.error('sockeye: the upkeep of the store failed:', reason);
}
