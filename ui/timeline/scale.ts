/** The waterfall's horizontal axis: offsets to shares of the lane, ticks, and where a bar's label fits. Pure. */

/** The part of the trace that is shown, in milliseconds from its start. */
export interface Span1D {
  readonly startMs: number;
  readonly endMs: number;
}

/** Share of the lane, 0 to 1 inside, beyond when the offset is outside the window. */
export function toShare(offsetMs: number, window: Span1D): number {
  return (offsetMs - window.startMs) / Math.max(1e-6, window.endMs - window.startMs);
}

/** Left edge and width of an extent within the lane, in percent, cut off at its ends; null when outside. */
export function toPercent(
  startMs: number,
  durationMs: number,
  window: Span1D,
): { left: number; width: number } | null {
  const left = Math.max(0, toShare(startMs, window));
  const right = Math.min(1, toShare(startMs + Math.max(0, durationMs), window));
  if (right < 0 || left > 1 || right < left) return null;
  return { left: round(left * 100), width: round((right - left) * 100) };
}

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Round steps (1, 2, 5 × 10ⁿ), about `count` of them, all inside the window. */
export function timeTicks(window: Span1D, count: number): number[] {
  const length = window.endMs - window.startMs;
  if (!(length > 0)) return [window.startMs];
  const rough = length / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(window.startMs / step - 1e-9); i * step <= window.endMs + 1e-9 * step; i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** The labels of the bars that end last stand behind them. */
const END_ROOM = 1.12;

/** From the first span's start to the last one's end, or to `endMs` when that is later, with room for labels. */
export function wholeWindow(
  { start, duration }: { readonly start: Float64Array; readonly duration: Float64Array },
  endMs: number,
): Span1D {
  let first = 0;
  let last = Math.max(1e-3, endMs);
  for (let span = 0; span < start.length; span++) {
    const startMs = start[span] ?? 0;
    first = Math.min(first, startMs);
    last = Math.max(last, startMs + (duration[span] ?? 0));
  }
  return { startMs: first, endMs: first + (last - first) * END_ROOM };
}

/** A window in which an extent is seen with a little of what is around it. */
export function windowAround(startMs: number, durationMs: number): Span1D {
  const room = Math.max(durationMs, 1e-3) * (END_ROOM - 1);
  return { startMs: Math.max(0, startMs - room / 2), endMs: startMs + durationMs + room };
}

/** `12.000-40.500`, the form the URL's `t` has. */
export function formatWindow({ startMs, endMs }: Span1D): string {
  return `${startMs.toFixed(3)}-${endMs.toFixed(3)}`;
}

/** Null when the text is no window. */
export function readWindow(text: string | undefined): Span1D | null {
  const match = /^(-?[\d.]+)-([\d.]+)$/.exec(text ?? '');
  const window = { startMs: Number(match?.[1]), endMs: Number(match?.[2]) };
  return window.startMs < window.endMs ? window : null;
}

export interface LabelPlace {
  /** Left edge of the label, in px of the lane. */
  readonly x: number;
  /** Over its bar: it needs a ground of its own. */
  readonly inside: boolean;
}

/**
 * Where a bar's label stands: right of the bar, left of it, or within, and never across a line in `avoid` (the
 * deadline). All in px of the lane. Null when it fits nowhere.
 */
export function placeLabel(
  bar: { readonly start: number; readonly end: number },
  labelWidth: number,
  laneWidth: number,
  avoid: readonly number[],
): LabelPlace | null {
  const gap = 6;
  const clear = (x: number) =>
    x >= 0 && x + labelWidth <= laneWidth && avoid.every((line) => line < x - 3 || line > x + labelWidth + 3);
  const right = bar.end + gap;
  if (clear(right)) return { x: right, inside: false };
  const room = bar.end - bar.start;
  if (room >= labelWidth + 2 * gap) {
    const stops = avoid.filter((line) => line > bar.start && line < bar.end);
    const candidates = [
      bar.end - gap - labelWidth,
      ...stops.map((line) => line - gap - labelWidth),
      bar.start + gap,
    ];
    const inside = candidates.find((x) => x >= bar.start + gap && x + labelWidth <= bar.end && clear(x));
    if (inside !== undefined) return { x: inside, inside: true };
  }
  const left = bar.start - gap - labelWidth;
  if (clear(left)) return { x: left, inside: false };
  // Behind the line that is in the way.
  const behind = avoid.map((line) => line + gap).find((x) => x >= bar.end && clear(x));
  return behind === undefined ? null : { x: behind, inside: false };
}
