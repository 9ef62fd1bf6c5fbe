/** What a row's lane shows: bars, the stuck phase, wasted work, the label. Pure; drawn by Bar.svelte. */
import { formatDuration } from '../format.ts';
import type { Span } from './columns.ts';
import type { Problem } from './problems.ts';
import type { Row } from './rows.ts';
import { placeLabel, toPercent, toShare, type LabelPlace, type Span1D } from './scale.ts';

/** Percent of the lane. */
interface Extent {
  readonly left: number;
  readonly width: number;
}
export interface Piece extends Extent {
  /** A phase's name, or null for a bar in its service's colour. */
  readonly phase: string | null;
  /** Had not finished when the call ended. */
  readonly open: boolean;
}
export interface Lane {
  readonly pieces: readonly Piece[];
  readonly wasted: Extent | null;
  /** How long the caller was willing to wait. */
  readonly budget: Extent | null;
  /** The span has no end yet. */
  readonly torn: boolean;
  /** Nothing was recorded here: an outline where a span is missing. */
  readonly outline: boolean;
  readonly label: {
    readonly text: string;
    readonly place: LabelPlace;
    readonly problem: Problem | null;
  } | null;
}

export interface LaneContext {
  readonly window: Span1D;
  readonly widthPx: number;
  readonly deadlineMs: number | null;
  /** What has not ended is drawn up to here. */
  readonly traceEndMs: number;
  readonly problem: Problem | null;
  /** From where on the span's work was for nobody. */
  readonly wastedFromMs: number | null;
  /** null where none is known. */
  readonly budgetMs: number | null;
}

/** Mean width of a character of an 11 px label; measured with DejaVu Sans, the widest fallback. */
const CHARACTER_PX = 6.7;

const EMPTY: Lane = { pieces: [], wasted: null, budget: null, torn: false, outline: false, label: null };

export function drawLane(row: Row, context: LaneContext): Lane {
  if (row.kind === 'missing-parent') return EMPTY;
  const { window, wastedFromMs, budgetMs, traceEndMs } = context;
  const span = untilNow(row.kind === 'span' ? row.span : row.call, traceEndMs);
  const { startMs, durationMs } = span;
  const extent = toPercent(startMs, durationMs, window);
  if (row.kind === 'no-callee') {
    return { ...EMPTY, pieces: extent ? [{ ...extent, phase: null, open: false }] : [], outline: true };
  }
  const wastedMs = startMs + durationMs - (wastedFromMs ?? 0);
  return {
    pieces: drawPieces(span, window),
    wasted: wastedFromMs === null ? null : toPercent(wastedFromMs, wastedMs, window),
    budget: budgetMs === null ? null : toPercent(startMs, budgetMs, window),
    torn: span.pending,
    outline: false,
    label: extent && drawLabel(span, context),
  };
}

/** A span without an end goes on, as far as is known, to the end of the trace. */
function untilNow(span: Span, traceEndMs: number): Span {
  if (!span.pending || span.durationMs > 0) return span;
  return { ...span, durationMs: Math.max(0, traceEndMs - span.startMs) };
}

/** The phases of a call, and what lies before or after them in the bar's own colour. */
export function drawPieces(span: Span, window: Span1D): Piece[] {
  const whole = toPercent(span.startMs, span.durationMs, window);
  if (!whole) return [];
  const pieces: Piece[] = [{ ...whole, phase: null, open: false }];
  for (const phase of span.phases) {
    const part = toPercent(span.startMs + phase.startMs, phase.durationMs, window);
    if (part) pieces.push({ ...part, phase: phase.phase, open: phase.open });
  }
  // With every moment in a phase, the bar below is covered and need not be drawn.
  const inPhases = span.phases.reduce((sum, phase) => sum + phase.durationMs, 0);
  return span.phases.length > 0 && inPhases >= span.durationMs * 0.98 ? pieces.slice(1) : pieces;
}

function drawLabel(span: Span, context: LaneContext): Lane['label'] {
  const text = labelText(span, context.wastedFromMs);
  const px = (offsetMs: number) => toShare(offsetMs, context.window) * context.widthPx;
  const bar = {
    start: Math.max(0, px(span.startMs)),
    end: Math.min(context.widthPx, px(span.startMs + span.durationMs)),
  };
  const avoid = context.deadlineMs === null ? [] : [px(context.deadlineMs)];
  const place = placeLabel(bar, text.length * CHARACTER_PX + 10, context.widthPx, avoid);
  return place && { text, place, problem: context.problem };
}

/** What is known of the end of a span that has none. */
export function sayEnd({ processEnded }: Span): string {
  return processEnded ? 'its process ended' : 'not ended';
}

export function labelText(span: Span, wastedFromMs: number | null): string {
  const stuck = span.phases.findLast((phase) => phase.open);
  if (span.pending) return sayEnd(span);
  if (stuck) {
    // A give-up in a phase that had just begun is a matter of the one that took the time.
    const [longest = stuck] = span.phases.toSorted((a, b) => b.durationMs - a.durationMs);
    return longest === stuck
      ? `${stuck.phase} ${formatDuration(stuck.durationMs)}, unfinished`
      : `${longest.phase} ${formatDuration(longest.durationMs)}, ${stuck.phase} unfinished`;
  }
  const end = span.startMs + span.durationMs;
  const wasted = wastedFromMs === null ? '' : `, ${formatDuration(end - wastedFromMs)} wasted`;
  return `${formatDuration(span.durationMs)}${wasted}`;
}
