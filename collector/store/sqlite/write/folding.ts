/**
 * When spans are folded. Two tables take turns: new spans go to the open one while the other is folded, in steps that
 * are done before the open one is full.
 */
import type { SpanTable } from '../../columns/span-table.ts';
import { StoreUnavailable } from '../../store.ts';
import { asStoreError } from '../open-database.ts';
import { fold, type FoldParts } from './fold.ts';
import type { Jobs, Steps } from './jobs.ts';
import { Unfolded } from './unfolded.ts';

/** Fewer spans may wait, because who asks for sums has them folded first. */
export const FEW_ROWS = 4_000;
const FOLD_FEW_AFTER_MS = 10_000;
/** More are folded soon while somebody asks, and who is the first to ask waits for them. Larger folds cost less a span. */
const FOLD_AFTER_MS = 500;
const FOLD_UNASKED_AFTER_MS = 4_000;
/** So long after a question for sums there is somebody who asks. */
export const ASKED_MS = 10_000;
const RETRY_AFTER_MS = 1_000;

export interface Folding {
  /** Where new spans go. */
  readonly open: Unfolded;
  /** Spans in no block. */
  rows(): number;
  /** The tables that hold them. */
  tables(): SpanTable[];
  beginIfDue(): void;
  /** Folds all there is, now. Throws what keeps it from that. */
  finish(): void;
  /** Somebody asks for sums. Resolves when what has waited for somebody to ask is folded, or cannot be. */
  asked(): Promise<void>;
  /** For how long the oldest of the open table has been there. */
  openForMs(): number;
  /** Throws StoreUnavailable when there is no room for more, because folding fails. */
  checkRoom(): void;
  /** When `beginIfDue` has to be called next; Infinity when there is nothing to fold. */
  dueInMs(): number;
  /** Jobs were cancelled: a fold that was in hand begins anew. */
  reset(): void;
  /** Gives up what is in no block; nothing must be in hand. */
  clear(): void;
}

export function createFolding(parts: FoldParts, jobs: Jobs, onFolded: () => void): Folding {
  let open = new Unfolded();
  let other = new Unfolded();
  let inFold: Unfolded | null = null;
  let isInHand = false;
  let failure: { readonly error: unknown; readonly retryAtMs: number } | null = null;
  let said = '';
  let inHand: Promise<void> = Promise.resolve();
  let askedAtMs = -Infinity;

  const isAsked = () => performance.now() - askedAtMs < ASKED_MS;

  const openForMs = () => (open.table.rows === 0 ? 0 : performance.now() - open.sinceMs);

  function begin(): void {
    if (inFold === null) {
      inFold = open;
      open = other;
      other = inFold;
    }
    isInHand = true;
    failure = null;
    inHand = jobs.add(() => foldInSteps(inFold!), 'first').catch(() => {});
  }

  function* foldInSteps(unfolded: Unfolded): Steps<void> {
    try {
      yield* fold(parts, unfolded);
      unfolded.clear();
      inFold = null;
      said = '';
      onFolded();
    } catch (error) {
      fail(asStoreError(error));
    } finally {
      isInHand = false;
    }
  }

  /** Said once per run of failures: a full disk fails every try. */
  function fail(error: unknown): void {
    failure = { error, retryAtMs: performance.now() + RETRY_AFTER_MS };
    const message = error instanceof StoreUnavailable ? error.message : String((error as Error).stack);
    if (message !== said) console.error(`sockeye: new spans wait to become a block: ${message}`);
    said = message;
  }

  const tables = () => (inFold === null ? [open] : [inFold, open]).map(({ table }) => table);

  function dueInMs(): number {
    const nowMs = performance.now();
    if (isInHand) return Infinity;
    if (failure !== null) return failure.retryAtMs - nowMs;
    if (inFold !== null) return 0;
    const { rows } = open.table;
    if (rows === 0) return Infinity;
    if (open.fill >= 1) return 0;
    return patienceMs(rows, isAsked()) - openForMs();
  }

  return {
    get open() {
      return open;
    },
    rows: () => tables().reduce((sum, { rows }) => sum + rows, 0),
    tables,
    beginIfDue() {
      if (dueInMs() <= 0) begin();
    },
    finish() {
      while (inFold !== null || open.table.rows > 0) {
        if (!isInHand) begin();
        while (isInHand) jobs.step(); // oxlint-disable-line no-unmodified-loop-condition
        if (failure !== null) throw failure.error;
      }
    },
    async asked() {
      const wasAsked = isAsked();
      askedAtMs = performance.now();
      if (wasAsked) return;
      // Once more for what came during a fold that was in hand, if that took long.
      for (let folds = 0; folds < 2; folds++) {
        if (dueInMs() <= 0) begin();
        await inHand;
      }
    },
    openForMs,
    checkRoom() {
      if (open.fill < 1) return;
      // The one in hand has to make place first.
      while (isInHand) jobs.step(); // oxlint-disable-line no-unmodified-loop-condition
      if (failure === null) begin();
      else throw roomError(failure.error);
    },
    dueInMs,
    reset() {
      isInHand = false;
      failure = null;
    },
    clear() {
      for (const unfolded of [open, other]) unfolded.clear();
      inFold = null;
    },
  };
}

function patienceMs(rows: number, isAsked: boolean): number {
  if (rows < FEW_ROWS) return FOLD_FEW_AFTER_MS;
  return isAsked ? FOLD_AFTER_MS : FOLD_UNASKED_AFTER_MS;
}

function roomError(error: unknown): unknown {
  return error instanceof StoreUnavailable
    ? error
    : new StoreUnavailable(`spans cannot be stored: ${String(error)}`);
}
