/** A trace with its verdicts as the views draw it: rows, colours, problems, who waited until when. Pure. */
import type { Diagnosis, Trace, Verdict, WireSpan } from '../../collector/serve/wire.ts';
import { abandonedWork, deadlineOffsetMs, giveUpOffsetMs, problemOf, type Problem } from './problems.ts';
import { wholeWindow, type Span1D } from './scale.ts';
import { assignServiceColours } from './service-colour.ts';
import { buildRows, type Row } from './tree.ts';

/** Less is within what clocks and timers measure. */
const SKEW_SHOWN_MS = 1;

export interface TraceModel {
  readonly spans: readonly WireSpan[];
  readonly byId: ReadonlyMap<string, WireSpan>;
  readonly rows: readonly Row[];
  /** A row's index by its id. */
  readonly indexOf: ReadonlyMap<string, number>;
  readonly root: WireSpan | null;
  readonly colours: ReadonlyMap<string, number>;
  /** Rows of spans that were not received. */
  readonly missing: number;
  /** The first clock shift worth showing; 0 without one. */
  readonly skewMs: number;
  readonly startUnixMs: number;
  readonly verdicts: readonly Verdict[];
  readonly problems: ReadonlyMap<string, Problem>;
  /** Spans that timed out or failed. */
  readonly failed: number;
}

/** `raw` shows the times as they were sent, without the shift between hosts' clocks. */
export function readTrace(trace: Trace, diagnosis: Diagnosis | null, raw: boolean): TraceModel {
  const spans = raw
    ? trace.spans.map((span) => ({ ...span, startOffsetMs: span.startOffsetMs - span.skewMs }))
    : trace.spans;
  const verdicts = diagnosis?.verdicts ?? [];
  const rows = buildRows(spans);
  const problems = new Map<string, Problem>();
  for (const span of spans) {
    const problem = problemOf(span, verdicts);
    if (problem) problems.set(span.spanId, problem);
  }
  const first = rows.find((row) => row.kind === 'span');
  return {
    spans,
    byId: new Map(spans.map((span) => [span.spanId, span])),
    rows,
    indexOf: new Map(rows.map((row, index) => [row.id, index])),
    root: first?.kind === 'span' ? first.span : null,
    colours: assignServiceColours(spans.map((span) => span.service)),
    missing: rows.filter((row) => row.kind !== 'span').length,
    skewMs: spans.find((span) => Math.abs(span.skewMs) >= SKEW_SHOWN_MS)?.skewMs ?? 0,
    startUnixMs: Number(BigInt(trace.startUnixNano) / 1000n) / 1000,
    verdicts,
    problems,
    failed: [...problems.values()].filter((problem) => problem !== 'pending').length,
  };
}

/** What one verdict adds to the axis: the line where waiting ended, and the work that went on behind it. */
export interface VerdictMarks {
  readonly deadlineMs: number | null;
  readonly gaveUpMs: number | null;
  readonly wasted: ReadonlyMap<string, number>;
  /** The whole trace, the deadline included. */
  readonly whole: Span1D;
}

export function markVerdict(model: TraceModel, verdict: Verdict | null, durationMs: number): VerdictMarks {
  const deadlineMs = verdict && deadlineOffsetMs(verdict, model.byId);
  return {
    deadlineMs,
    gaveUpMs: verdict && giveUpOffsetMs(verdict, model.byId),
    wasted: verdict ? abandonedWork(verdict, model.spans) : new Map(),
    whole: wholeWindow(model.spans, Math.max(durationMs, deadlineMs ?? 0)),
  };
}
