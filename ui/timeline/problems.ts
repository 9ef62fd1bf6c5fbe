/** What is wrong with spans, as far as they themselves and the verdicts say. Pure. */
import type { Verdict } from '../../collector/serve/wire.ts';
import { findSpan, NOT_ENDED, type TraceColumns } from './columns.ts';
import type { Rows } from './rows.ts';

export type Problem = 'timeout' | 'error' | 'pending';
/** By the codes that `findProblems` gives. */
const PROBLEMS: readonly (Problem | null)[] = [null, 'pending', 'error', 'timeout'];
export const PENDING = 1;
export const ERROR = 2;
export const TIMEOUT = 3;

/** Kinds of give-up in which a caller waited until a timer ended the call. */
const WAITED: ReadonlySet<string> = new Set(['timeout', 'gateway']);

/** A code for every span, worse ones higher; 0 is none. */
export function findProblems(columns: TraceColumns): Uint8Array {
  const { head, count, outcome, status, marks } = columns;
  const problems = new Uint8Array(count);
  const failed = head.statuses.indexOf('error');
  const [outcomeError, outcomeTimeout] = [head.outcomes.indexOf('error'), head.outcomes.indexOf('timeout')];
  for (let span = 0; span < count; span++) {
    if (outcome[span] === outcomeTimeout) problems[span] = TIMEOUT;
    else if (outcome[span] === outcomeError || status[span] === failed) problems[span] = ERROR;
    else if (((marks[span] ?? 0) & NOT_ENDED) !== 0) problems[span] = PENDING;
  }
  for (const { giveUp, origin } of head.verdicts) {
    if (!WAITED.has(giveUp.kind)) continue;
    const gaveUp = findSpan(columns, giveUp.spanId);
    const began = findSpan(columns, origin.spanId);
    if (gaveUp >= 0) problems[gaveUp] = TIMEOUT;
    if (began >= 0 && problems[began] === ERROR) problems[began] = TIMEOUT;
  }
  return problems;
}

export function problemAt(problems: Uint8Array, span: number): Problem | null {
  return PROBLEMS[problems[span] ?? 0] ?? null;
}

/** When a verdict's caller gave up, on the trace's clock; null when its span is not here. */
export function giveUpAtMs({ giveUp }: Verdict, columns: TraceColumns): number | null {
  const span = findSpan(columns, giveUp.spanId);
  return span < 0 ? null : (columns.start[span] ?? 0) + giveUp.elapsedMs;
}

/** Where the budget ran out; without a known budget there is no deadline to draw. */
export function deadlineAtMs({ giveUp }: Verdict, columns: TraceColumns): number | null {
  const span = findSpan(columns, giveUp.spanId);
  return span < 0 || giveUp.budgetMs === null ? null : (columns.start[span] ?? 0) + giveUp.budgetMs;
}

/**
 * Server work below the call that gave up, after it gave up: span -> from where on the work was for nobody. Never across
 * a producer: what is queued is wanted later.
 */
export function abandonedWork(verdict: Verdict, columns: TraceColumns, rows: Rows): Map<number, number> {
  const wasted = new Map<number, number>();
  const gaveUpMs = giveUpAtMs(verdict, columns);
  if (gaveUpMs === null || verdict.abandonedMs <= 0) return wasted;
  const { start, duration, kind, head } = columns;
  const queued = new Set([head.kinds.indexOf('producer'), head.kinds.indexOf('consumer')]);
  const top = rows.ofSpan[findSpan(columns, verdict.giveUp.spanId)] ?? 0;
  for (let row = top + 1; row < (rows.end[top] ?? 0);) {
    const span = rows.span[row] ?? -1;
    if (span >= 0 && queued.has(kind[span] ?? 0)) {
      row = rows.end[row] ?? row + 1;
      continue;
    }
    const startMs = start[span] ?? 0;
    if (span >= 0 && startMs + (duration[span] ?? 0) > gaveUpMs)
      wasted.set(span, Math.max(gaveUpMs, startMs));
    row++;
  }
  return wasted;
}
