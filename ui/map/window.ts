/** The part of the range that the map shows, chosen on the strip below it. Pure. */

/** Epoch milliseconds, `[fromMs, toMs)`. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The map's resolution: the collector rounds what it is asked for outward to whole minutes. */
const STEP_MS = 60_000;

/** Reads `window` of the URL, `FROM-TO` in epoch milliseconds; null when there is none, or none of it in the range. */
export function readWindow(text: string | undefined, range: TimeWindow): TimeWindow | null {
  const [, from, to] = /^(\d{1,16})-(\d{1,16})$/.exec(text ?? '') ?? [];
  const [fromMs, toMs] = [Number(from), Number(to)];
  return fromMs < toMs && fromMs < range.toMs && toMs > range.fromMs ? { fromMs, toMs } : null;
}

export function formatWindow({ fromMs, toMs }: TimeWindow): string {
  return `${fromMs}-${toMs}`;
}

/** What was dragged, at whole minutes within the range; null when that is all of it. */
export function snapWindow(dragged: TimeWindow, range: TimeWindow): TimeWindow | null {
  const snap = (ms: number) => Math.round((ms - range.fromMs) / STEP_MS) * STEP_MS + range.fromMs;
  const within = (ms: number) => Math.min(range.toMs, Math.max(range.fromMs, ms));
  const fromMs = within(Math.min(snap(dragged.fromMs), snap(range.toMs) - STEP_MS));
  const toMs = within(Math.max(snap(dragged.toMs), fromMs + STEP_MS));
  return fromMs <= range.fromMs && toMs >= range.toMs ? null : { fromMs, toMs };
}

/** The window as far as it goes within the range, moved by its own length, earlier or later. */
export function moveWindow(window: TimeWindow, range: TimeWindow, direction: -1 | 1): TimeWindow | null {
  const lengthMs = window.toMs - window.fromMs;
  const fromMs = Math.min(
    range.toMs - lengthMs,
    Math.max(range.fromMs, window.fromMs + direction * lengthMs),
  );
  return snapWindow({ fromMs, toMs: fromMs + lengthMs }, range);
}

const TICK_STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map(
  (minutes) => minutes * 60_000,
);

/** Round clock times within the range, at most so many; `offsetMs` is how far the clock is ahead of UTC. */
export function timeTicks(range: TimeWindow, most: number, offsetMs: number): number[] {
  const lengthMs = range.toMs - range.fromMs;
  const stepMs = TICK_STEPS_MS.find((step) => lengthMs / step <= most) ?? lengthMs;
  const first = Math.ceil((range.fromMs + offsetMs) / stepMs) * stepMs - offsetMs;
  const count = Math.max(0, Math.floor((range.toMs - first) / stepMs) + 1);
  return Array.from({ length: count }, (_, index) => first + index * stepMs);
}

/** Things at places along a line, in order; those nearer to the first of a group than `apartPx` join it. */
export function groupNear<T>(items: readonly T[], xOf: (item: T) => number, apartPx: number): T[][] {
  const groups: T[][] = [];
  for (const item of items) {
    const first = groups.at(-1)?.[0];
    if (first !== undefined && xOf(item) - xOf(first) < apartPx) groups.at(-1)?.push(item);
    else groups.push([item]);
  }
  return groups;
}
