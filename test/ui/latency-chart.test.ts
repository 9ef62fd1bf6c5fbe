/** The chart of latency as pure functions: its scales, its lines, and what is named beside it. */
import { describe, expect, it } from 'vitest';
import { drawnBudgets, durationTicks, placeMarks } from '../../ui/latency/chart-layout.ts';
import { buildGrid, durationShare, timeShare } from '../../ui/latency/grid.ts';
import { spreadLabels } from '../../ui/latency/labels.ts';
import { drawLine } from '../../ui/latency/percentile-lines.ts';
import { LATENCY_FROM, latencyOf, MINUTE_MS, repeat } from './latency-of.ts';

describe('scales', () => {
  const grid = buildGrid(latencyOf(['1 900', '5']));
  it('are logarithmic in duration and linear in time', () => {
    expect(durationShare(grid.edgesMs[0]!, grid)).toBe(0);
    expect(durationShare(grid.edgesMs.at(-1)!, grid)).toBe(1);
    expect(durationShare(100, grid) - durationShare(10, grid)).toBeCloseTo(
      durationShare(1000, grid) - durationShare(100, grid),
    );
    expect(timeShare(LATENCY_FROM + MINUTE_MS, grid)).toBe(0.5);
  });
  it('have ticks at powers of ten, and between where there is room', () => {
    expect(durationTicks(grid, 200)).toEqual([1, 10, 100, 1000]);
    expect(durationTicks(grid, 400)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
  });
});

describe('what is named beside the plot', () => {
  it('stands apart, in its order, and within', () => {
    expect(spreadLabels([10, 11, 50], 13, 6, 94)).toEqual([10, 23, 50]);
    expect(spreadLabels([90, 93, 94], 13, 6, 94)).toEqual([68, 81, 94]);
    expect(spreadLabels([-50, 500], 13, 6, 94)).toEqual([6, 94]);
    expect(spreadLabels([], 13, 6, 94)).toEqual([]);
  });

  it('is the end of each percentile, budgets that most gave up by, and walls', () => {
    const latency = latencyOf([repeat('5 50 500', 10)], {
      budgetsMs: [100, 3000, 600_000],
      budgets: [
        { budgetMs: 100, own: false, calls: 1 },
        { budgetMs: 3000, own: true, calls: 9 },
      ],
      walls: [{ atMs: 500, count: 10, timeouts: 0 }],
    });
    const marks = placeMarks(latency, buildGrid(latency), 300, true);
    expect(marks.map(({ text }) => text)).toEqual(
      [
        'last p50 50 ms',
        'last p95 500 ms',
        'last p99 500 ms',
        'budget 3 s',
        'budget 100 ms',
        'budget 600 s',
        'wall 500 ms',
      ].map((text) => text.replace('600 s', '10 min 00 s')),
    );
    expect(marks.map(({ isAbove }) => isAbove)).toEqual([false, false, false, false, false, true, false]);
    for (const { labelY } of marks) expect(labelY).toBeGreaterThan(0);
  });

  it('is no percentile of a few calls', () => {
    const latency = latencyOf(['5 50 500']);
    expect(placeMarks(latency, buildGrid(latency), 300, true)).toEqual([]);
  });

  it('draws no more than four budgets', () => {
    expect(drawnBudgets({ ...latencyOf(['5']), budgetsMs: [1, 2, 3, 4, 5, 6] })).toHaveLength(4);
  });
});

describe('a line', () => {
  const at = (step: number, y: number) => ({ left: step * 10, right: step * 10 + 10, y });
  it('goes through the middles of its steps, from the first’s beginning to the last’s end', () => {
    expect(drawLine([at(0, 5), at(1, 7)])).toBe('M0,5L5,5L15,7L20,7');
  });
  it('passes over one step without calls, and breaks at more', () => {
    expect(drawLine([at(0, 5), at(2, 7)])).toBe('M0,5L5,5L25,7L30,7');
    expect(drawLine([at(0, 5), at(3, 7)])).toBe('M0,5L5,5L10,5M30,7L35,7L40,7');
  });
  it('is nothing of nothing', () => {
    expect(drawLine([])).toBe('');
  });
});
