/** What a row's lane shows: bars, the stuck phase, wasted work, the label. Pure; drawn by Bar.svelte. */
import { formatDuration } from '../format.ts';
import type { Problem } from './problems.ts';
import { placeLabel, toPercent, toShare, type LabelPlace, type Span1D } from './scale.ts';
import type { Row } from './tree.ts';

export interface Piece {
  /** Percent of the lane. */
  readonly left: number;
  readonly width: number;
  /** A phase's name, or null for a bar in its service's colour. */
  readonly phase: string | null;
  /** Had not finished when the call ended. */
  readonly open: boolean;
}
export interface Lane {
  readonly pieces: readonly Piece[];
  readonly wasted: { readonly left: number; readonly width: number } | null;
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
  readonly problem: Problem | null;
  /** From where on the span's work was for nobody. */
  readonly wastedFromMs: number | null;
}

/** Mean width of a character of an 11 px label; measured with DejaVu Sans, the widest fallback. */
const CHARACTER_PX = 6.7;

export function drawLane(row: Row, context: LaneContext): Lane {
  if (row.kind === 'missing-parent')
    return { pieces: [], wasted: null, torn: false, outline: false, label: null };
  const { startOffsetMs, durationMs } = row.kind === 'span' ? row.span : row;
  const extent = toPercent(startOffsetMs, durationMs, context.window);
  if (row.kind === 'no-callee') {
    const pieces = extent ? [{ ...extent, phase: null, open: false }] : [];
    return { pieces, wasted: null, torn: false, outline: true, label: null };
  }
  const { span } = row;
  const wastedEnd = startOffsetMs + durationMs;
  const wasted =
    context.wastedFromMs === null
      ? null
      : toPercent(context.wastedFromMs, wastedEnd - context.wastedFromMs, context.window);
  return {
    pieces: drawPieces(row.span, context.window),
    wasted,
    torn: span.pending,
    outline: false,
    label: extent && drawLabel(row.span, context),
  };
}

type Span = Extract<Row, { kind: 'span' }>['span'];

/** The phases of a call, and what lies before or after them in the bar's own colour. */
function drawPieces(span: Span, window: Span1D): Piece[] {
  const whole = toPercent(span.startOffsetMs, span.durationMs, window);
  if (!whole) return [];
  const pieces: Piece[] = [{ ...whole, phase: null, open: false }];
  for (const phase of span.phases) {
    const part = toPercent(span.startOffsetMs + phase.startOffsetMs, phase.durationMs, window);
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
    start: Math.max(0, px(span.startOffsetMs)),
    end: Math.min(context.widthPx, px(span.startOffsetMs + span.durationMs)),
  };
  const avoid = context.deadlineMs === null ? [] : [px(context.deadlineMs)];
  const place = placeLabel(bar, text.length * CHARACTER_PX + 10, context.widthPx, avoid);
  return place && { text, place, problem: context.problem };
}

export function labelText(span: Span, wastedFromMs: number | null): string {
  const stuck = span.phases.findLast((phase) => phase.open);
  if (span.pending) return `${formatDuration(span.durationMs)} so far, open`;
  if (stuck) {
    // A give-up in a phase that had just begun is a matter of the one that took the time.
    const [longest = stuck] = span.phases.toSorted((a, b) => b.durationMs - a.durationMs);
    return longest === stuck
      ? `${stuck.phase} ${formatDuration(stuck.durationMs)}, unfinished`
      : `${longest.phase} ${formatDuration(longest.durationMs)}, ${stuck.phase} unfinished`;
  }
  const end = span.startOffsetMs + span.durationMs;
  const wasted = wastedFromMs === null ? '' : `, ${formatDuration(end - wastedFromMs)} wasted`;
  return `${formatDuration(span.durationMs)}${wasted}`;
}
