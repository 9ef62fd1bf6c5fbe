/**
 * A trace as a waterfall of text:
 *
 *       gateway POST /buy           ━━━━━━━━━━━━━━━━━━━━━  3.010 s
 *     ✕ └─ → POST                   ━━━━━━━━━━━━━━━━━━━━━  3.008 s
 *          └─ checkout POST /buy    ━━━━━━━━━━━━━━━━━━━━━  3.006 s
 *     ▶       └─ → POST              ███████████████████   3.001 s
 *                connect, unfinished ░░░░░░░░░░░░░░░░░░░   3.000 s
 *
 * Pure; everything in a trace is printable.
 */
import { formatMs } from '../diagnose/evidence.ts';
import type { Trace, Verdict, WirePhase, WireSpan } from '../serve/wire.ts';
import { innermostOpen, OPEN_CALLS_SHOWN, withKnownEnds } from './open-calls.ts';
import { cut, fit, paragraph, widthOf, type Style, type Terminal } from './terminal.ts';
import { rowsOfTrace, type TraceRow } from './trace-rows.ts';
import { clock, counted } from './words.ts';

export interface WaterfallOptions {
  readonly terminal: Terminal;
  /** Spans to draw. */
  readonly rowsMost: number;
  readonly nowMs: number;
}

const WATERFALL_COLUMNS_MAX = 160;
const GUTTER = 2;
const DURATION_COLUMNS = 10;
const BAR = { span: '━', origin: '█', phase: '─', open: '░' } as const;

interface Frame {
  readonly terminal: Terminal;
  readonly nameColumns: number;
  readonly barColumns: number;
  readonly startMs: number;
  readonly traceMs: number;
  /** Origin spans, with what is said of each. */
  readonly origins: ReadonlyMap<string, string>;
  /** Spans that are drawn with their phases. */
  readonly inPhases: ReadonlySet<string>;
}

export function formatWaterfall(
  received: Trace,
  verdicts: readonly Verdict[],
  { terminal, rowsMost, nowMs }: WaterfallOptions,
): string[] {
  const columns = Math.min(terminal.columns, WATERFALL_COLUMNS_MAX);
  const trace = withKnownEnds(received);
  const spans = distinct(trace.spans);
  const hanging = innermostOpen(spans)
    .slice(0, OPEN_CALLS_SHOWN)
    .map(({ spanId }) => spanId);
  const matters = new Set([
    ...hanging,
    ...verdicts.flatMap(({ path, openAtGiveUp, giveUp }) => [...path, ...openAtGiveUp, giveUp.spanId]),
  ]);
  const rows = rowsOfTrace(spans, matters, rowsMost);
  // Clocks that go apart put spans before the first one.
  const startMs = spans.reduce((start, span) => Math.min(start, span.startOffsetMs), 0);
  const origins = new Map(
    verdicts.toReversed().map((verdict) => [verdict.origin.spanId, sayOrigin(verdict)]),
  );
  const inPhases = new Set([...origins.keys(), ...hanging]);
  const widest = rows.reduce((width, row) => Math.max(width, widthOfRow(row, inPhases)), 0);
  const nameColumns = Math.min(widest, Math.floor((columns - GUTTER - DURATION_COLUMNS) * 0.55));
  const barColumns = columns - GUTTER - nameColumns - 2 - DURATION_COLUMNS;
  const traceMs = trace.durationMs;
  const frame: Frame = { terminal, nameColumns, barColumns, startMs, traceMs, origins, inPhases };
  return [
    ...headOf(trace, spans, rows[0]?.span ?? null, terminal, columns, nowMs),
    '',
    axisOf(frame),
    ...rows.flatMap((row) => (row.span === null ? [hiddenRow(row, frame)] : spanRows(row, row.span, frame))),
  ];
}

function headOf(
  { traceId, complete, durationMs, startUnixNano, spans: received }: Trace,
  spans: readonly WireSpan[],
  first: WireSpan | null,
  { paint }: Terminal,
  columns: number,
  nowMs: number,
): string[] {
  const services = new Set(spans.map(({ service }) => service)).size;
  const title = first === null ? 'Trace' : `${first.service} ${first.operation}`;
  const at = clock(Number(BigInt(startUnixNano) / 1_000_000n), nowMs);
  const again = received.length - spans.length;
  const twice = again === 0 ? '' : ` · ${counted(again, 'span')} sent again left out`;
  const whole = complete ? '' : ' · not complete: spans are missing or still to come';
  const over = spans.some(({ pending }) => pending) ? '> ' : '';
  const facts = `${over}${formatMs(durationMs)} · ${counted(spans.length, 'span')} of ${counted(services, 'service')} · ${at}${twice}${whole}`;
  return [
    paint('strong', cut(title, columns)),
    ...paragraph(facts, columns, ''),
    paint('quiet', cut(`trace ${traceId}`, columns)),
  ];
}

function axisOf({ nameColumns, barColumns, traceMs, terminal }: Frame): string {
  const end = formatMs(traceMs);
  const line = `${' '.repeat(GUTTER + nameColumns + 1)}0${' '.repeat(Math.max(1, barColumns - 1 - end.length))}${end}`;
  return terminal.paint('quiet', line);
}

function nameOf({ span, caller, guide, hidden }: TraceRow): string {
  if (span === null) return `${guide}… ${counted(hidden, 'more span')}`;
  // The service of a call is that of the row above; an answering one is another.
  const who = span.service === caller?.service ? '' : `${span.service} `;
  const arrow = span.kind === 'client' || span.kind === 'producer' ? '→ ' : '';
  return `${guide}${who}${arrow}${span.operation}`;
}

function nameOfPhase({ phase, open }: WirePhase): string {
  return `${phase}${open ? ', unfinished' : ''}`;
}

/** With the phases below it, where they are drawn. */
function widthOfRow(row: TraceRow, inPhases: Frame['inPhases']): number {
  const phases = row.span !== null && inPhases.has(row.span.spanId) ? row.span.phases : [];
  return Math.max(
    widthOf(nameOf(row)),
    ...phases.map((phase) => row.guide.length + 2 + nameOfPhase(phase).length),
  );
}

/** A deep row that is too wide is cut at its left first, where only lines are. */
function fitName(name: string, guide: string, columns: number): string {
  const room = Math.floor(columns / 2);
  const over = Math.min(guide.length - room, widthOf(name) - columns);
  return fit(over > 0 ? `…${name.slice(over + 1)}` : name, columns);
}

function hiddenRow(row: TraceRow, { terminal, nameColumns }: Frame): string {
  return terminal.paint(
    'quiet',
    `${' '.repeat(GUTTER)}${fitName(nameOf(row), row.guide, nameColumns)}`.trimEnd(),
  );
}

function spanRows(row: TraceRow, span: WireSpan, frame: Frame): string[] {
  const { terminal, nameColumns, origins, inPhases } = frame;
  const { paint } = terminal;
  const origin = origins.get(span.spanId);
  const isFailed = span.status.code === 'error';
  const style: Style =
    origin !== undefined ? 'origin' : isFailed ? 'error' : span.pending ? 'timeout' : 'phase';
  const mark = origin !== undefined ? '▶' : isFailed ? '✕' : span.pending ? '…' : ' ';
  const name = fitName(nameOf(row), row.guide, nameColumns);
  const bar = drawBar(
    span.startOffsetMs,
    span.durationMs,
    origin === undefined ? BAR.span : BAR.origin,
    frame,
  );
  const line = `${paint(style, mark)} ${origin === undefined ? name : paint('strong', name)} ${paint(style, bar)} ${tookOf(span).padStart(DURATION_COLUMNS)}`;
  return inPhases.has(span.spanId) ? [line, ...phaseRows(row, span, origin, frame)] : [line];
}

/** What hangs for hours has no room for milliseconds. */
function tookOf({ pending, durationMs }: WireSpan): string {
  if (!pending) return formatMs(durationMs);
  const took = `> ${formatMs(durationMs)}`;
  return took.length <= DURATION_COLUMNS ? took : `> ${Math.floor(durationMs / 1000)} s`;
}

/** The phases of the call the timeout started in, with what is said of it, or of one that hangs. */
function phaseRows({ guide }: TraceRow, span: WireSpan, said: string | undefined, frame: Frame): string[] {
  const { terminal, nameColumns, barColumns } = frame;
  const indent = ' '.repeat(GUTTER + Math.min(guide.length, Math.floor(nameColumns / 2)) + 2);
  const phases = span.phases.map((phase) => {
    const { startOffsetMs, durationMs, open } = phase;
    const name = fit(`${indent}${nameOfPhase(phase)}`, GUTTER + nameColumns);
    const bar = drawBar(span.startOffsetMs + startOffsetMs, durationMs, open ? BAR.open : BAR.phase, frame);
    const took = formatMs(durationMs).padStart(DURATION_COLUMNS);
    return `${terminal.paint(open ? 'origin' : 'phase', name)} ${terminal.paint(open ? 'timeout' : 'phase', bar)} ${took}`;
  });
  if (said === undefined) return phases;
  const columns = GUTTER + nameColumns + 2 + barColumns + DURATION_COLUMNS;
  return [...phases, ...paragraph(said, columns, `${indent}└ `, (line) => terminal.paint('origin', line))];
}

function sayOrigin({ phase, giveUp, origin }: Verdict): string {
  const what =
    giveUp.kind === 'timeout' || giveUp.kind === 'gateway' ? 'the timeout' : `the failure (${giveUp.kind})`;
  return `${what} started here${phase === 'none' ? '' : `, in ${phase}${origin.peer === null ? '' : ` (${origin.peer})`}`}`;
}

/** The first of those that share an id, as on the page. */
function distinct(spans: readonly WireSpan[]): readonly WireSpan[] {
  const seen = new Set<string>();
  return spans.filter(({ spanId }) => !seen.has(spanId) && seen.add(spanId));
}

/** Exactly as wide as bars are; what is short is seen too. */
function drawBar(startMs: number, durationMs: number, sign: string, frame: Frame): string {
  const { barColumns, startMs: zeroMs, traceMs } = frame;
  const scale = traceMs > 0 ? barColumns / traceMs : 0;
  const column = (ms: number): number => Math.min(barColumns, Math.max(0, Math.round((ms - zeroMs) * scale)));
  const from = Math.min(column(startMs), barColumns - 1);
  const to = Math.max(from + 1, column(startMs + durationMs));
  return `${' '.repeat(from)}${sign.repeat(to - from)}${' '.repeat(barColumns - to)}`;
}
