/** A trace as the views draw it: rows, colours, problems, who waited until when. Pure. */
import type { Verdict } from '../../collector/serve/wire.ts';
import { spanAt, withoutSkew, type Span, type TraceColumns } from './columns.ts';
import {
  abandonedWork,
  deadlineAtMs,
  findProblems,
  giveUpAtMs,
  PENDING,
  ERROR,
  TIMEOUT,
} from './problems.ts';
import { buildRows, type Rows } from './rows.ts';
import { wholeWindow, type Span1D } from './scale.ts';
import { assignServiceColours } from './service-colour.ts';

/** Less is within what clocks and timers measure. */
const SKEW_SHOWN_MS = 1;

export interface TraceModel {
  readonly columns: TraceColumns;
  readonly rows: Rows;
  readonly root: Span | null;
  /** Index of its colour, for every service of the head. */
  readonly colours: readonly number[];
  /** The first clock shift worth showing; 0 without one. */
  readonly skewMs: number;
  readonly startUnixMs: number;
  readonly verdicts: readonly Verdict[];
  /** Codes of problems.ts, one a span. */
  readonly problems: Uint8Array;
  /** Spans that timed out or failed. */
  readonly failed: number;
  /** Budgets that are known. */
  readonly budgets: ReadonlyMap<number, number>;
}

/** `raw` shows the times as they were sent, without the shift between hosts' clocks; rows stay where they are. */
export function buildModel(given: TraceColumns, raw: boolean): TraceModel {
  const columns = raw ? withoutSkew(given) : given;
  const { head } = columns;
  const problems = findProblems(columns);
  const colours = assignServiceColours(head.services);
  return {
    columns,
    rows: buildRows(columns),
    root: columns.count > 0 ? spanAt(columns, 0) : null,
    colours: head.services.map((service) => colours.get(service) ?? 0),
    skewMs: columns.skew.find((skewMs) => Math.abs(skewMs) >= SKEW_SHOWN_MS) ?? 0,
    startUnixMs: Number(BigInt(head.startUnixNano) / 1000n) / 1000,
    verdicts: head.verdicts,
    problems,
    failed: problems.reduce((sum, problem) => sum + (problem > PENDING ? 1 : 0), 0),
    budgets: new Map(Array.from(columns.budgetOf, (span, at) => [span, columns.budgetMs[at] ?? 0])),
  };
}

export function colourOf({ columns, colours }: TraceModel, span: number): number {
  return colours[columns.service[span] ?? 0] ?? 0;
}

/** What one verdict adds to the axis: the line where waiting ended, and the work that went on behind it. */
export interface VerdictMarks {
  readonly deadlineMs: number | null;
  readonly gaveUpMs: number | null;
  /** Span -> from where on its work was for nobody. */
  readonly wasted: ReadonlyMap<number, number>;
  /** The whole trace, the deadline included. */
  readonly whole: Span1D;
}

export function markVerdict({ columns, rows }: TraceModel, verdict: Verdict | null): VerdictMarks {
  const deadlineMs = verdict && deadlineAtMs(verdict, columns);
  return {
    deadlineMs,
    gaveUpMs: verdict && giveUpAtMs(verdict, columns),
    wasted: verdict ? abandonedWork(verdict, columns, rows) : new Map<number, number>(),
    whole: wholeWindow(columns, Math.max(columns.head.durationMs, deadlineMs ?? 0)),
  };
}

export interface Filter {
  /** '' for all, `problems`, `timeouts`, `errors` or `open`. */
  readonly status: string;
  /** '' for all. */
  readonly service: string;
}

const WANTED: Readonly<Record<string, (problem: number) => boolean>> = {
  problems: (problem) => problem > 0,
  timeouts: (problem) => problem === TIMEOUT,
  errors: (problem) => problem === ERROR,
  open: (problem) => problem === PENDING,
};

/** Which spans a filter lets through; null lets all. */
export function matchFilter(
  { columns, problems }: TraceModel,
  { status, service }: Filter,
): ((span: number) => boolean) | null {
  const isWanted = WANTED[status];
  const number = service === '' ? null : columns.head.services.indexOf(service);
  if (!isWanted && number === null) return null;
  return (span) =>
    (isWanted?.(problems[span] ?? 0) ?? true) && (number === null || columns.service[span] === number);
}
