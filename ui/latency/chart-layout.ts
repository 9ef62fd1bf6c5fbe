/** Where things stand on the chart of latency: gutters, what is named beside the plot, and in which words. Pure. */
import type { Latency } from '../../collector/serve/wire.ts';
import { formatAbout, formatTick } from '../format.ts';
import { durationShare, FEW_CALLS, timeShare, type Grid } from './grid.ts';
import { spreadLabels } from './labels.ts';
import { drawLine } from './percentile-lines.ts';

export const PERCENTILES = ['p50', 'p95', 'p99'] as const;
export type Percentile = (typeof PERCENTILES)[number];

/** Narrower charts name things in fewer words. */
const WIDE_PX = 560;
export interface Gutters {
  readonly left: number;
  readonly right: number;
  readonly isWide: boolean;
}
export function gutters(width: number): Gutters {
  return width >= WIDE_PX ? { left: 56, right: 104, isWide: true } : { left: 46, right: 88, isWide: false };
}

/** More budgets than these are lines of everything and nothing: the side says how many there are. */
export const BUDGETS_DRAWN = 4;
export const WALLS_DRAWN = 3;

export interface Mark {
  readonly kind: Percentile | 'budget' | 'wall';
  readonly ms: number;
  readonly text: string;
  /** Of what it names, within the plot; its words may stand a little apart. */
  readonly y: number;
  readonly labelY: number;
  /** It lies above what is drawn. */
  readonly isAbove: boolean;
}

/** Lines across the plot and ends of percentiles, with their names spread beside them. */
export function placeMarks(latency: Latency, grid: Grid, height: number, isWide: boolean): Mark[] {
  // Where a line ends that says something: its last step, not the range.
  const last = latency.percentiles.findLast(({ count }) => count >= FEW_CALLS);
  const named: { kind: Mark['kind']; ms: number; text: string }[] = [
    ...(last
      ? PERCENTILES.map((kind) => ({
          kind,
          ms: last[`${kind}Ms`],
          text: `${isWide ? 'last ' : ''}${kind} ${formatAbout(last[`${kind}Ms`])}`,
        }))
      : []),
    ...drawnBudgets(latency).map((ms) => ({
      kind: 'budget' as const,
      ms,
      text: isWide ? `budget ${formatTick(ms)}` : formatTick(ms),
    })),
    ...latency.walls.slice(0, WALLS_DRAWN).map(({ atMs }) => ({
      kind: 'wall' as const,
      ms: atMs,
      text: isWide ? `wall ${formatAbout(atMs)}` : formatAbout(atMs),
    })),
  ];
  const heightOf = (ms: number) => (1 - durationShare(ms, grid)) * height;
  const wanted = named.map(({ ms }) => Math.min(height, Math.max(0, heightOf(ms))));
  const placed = spreadLabels(wanted, LABEL_APART_PX, LABEL_APART_PX / 2, height - LABEL_APART_PX / 2);
  return named.map((mark, index) => ({
    ...mark,
    y: wanted[index] ?? 0,
    labelY: placed[index] ?? 0,
    isAbove: heightOf(mark.ms) < 0,
  }));
}
const LABEL_APART_PX = 13;

/** Those that most calls gave up by. */
export function drawnBudgets({ budgets, budgetsMs }: Latency): number[] {
  const frequent = budgets.toSorted((a, b) => b.calls - a.calls).map(({ budgetMs }) => budgetMs);
  return [...new Set([...frequent, ...budgetsMs])].slice(0, BUDGETS_DRAWN);
}

export function percentileLine(
  latency: Latency,
  grid: Grid,
  percentile: Percentile,
  width: number,
  height: number,
): string {
  const step = width / grid.columns;
  return drawLine(
    latency.percentiles
      .filter(({ count }) => count >= FEW_CALLS)
      .map((point) => {
        const left = timeShare(point.t, grid) * width;
        const y = (1 - durationShare(point[`${percentile}Ms`], grid)) * height;
        return { left, right: left + step, y };
      }),
  );
}

/** 1, 10, 100 ms, … and, where there is room, 2 and 5 of each. */
export function durationTicks({ edgesMs }: Grid, height: number): number[] {
  const [low = 1, high = 10] = [edgesMs[0], edgesMs.at(-1)];
  const decades = Math.log10(high / low);
  const leading = height / decades > 110 ? [1, 2, 5] : [1];
  const powers = Array.from({ length: 14 }, (_, power) => 10 ** (power - 3));
  return powers
    .flatMap((power) => leading.map((digit) => digit * power))
    .filter((ms) => ms >= low * 0.999 && ms <= high * 1.001);
}
