/** The cells of latency as pure functions: how calls come into them, a cursor over them, parts of them. */
import { describe, expect, it } from 'vitest';
import {
  buildGrid,
  countRegion,
  firstPlace,
  movePlace,
  nextTimeout,
  placeAt,
  placesAt,
  regionOf,
  rowsOf,
} from '../../ui/latency/grid.ts';
import { boxOf, rampCounts, stepOf } from '../../ui/latency/paint-cells.ts';
import { formatRegion, readRegion, writeMs } from '../../ui/latency/region.ts';
import { LATENCY_FROM, latencyOf, MINUTE_MS } from './latency-of.ts';

describe('the cells', () => {
  it('have a column for each step and a row for each of the collector’s durations', () => {
    const grid = buildGrid(latencyOf(['1 1.1 9', '', '100!']));
    expect([grid.columns, grid.counts]).toEqual([3, [3, 0, 1]]);
    expect(grid.edgesMs[0]).toBe(0.8);
    expect(grid.edgesMs.slice(1, 13)).toEqual([1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8, 10, 12.5]);
    expect(grid.cells).toEqual([
      { column: 0, row: 1, count: 2, timeouts: 0 },
      { column: 0, row: 10, count: 1, timeouts: 0 },
      { column: 2, row: 21, count: 1, timeouts: 1 },
    ]);
  });

  it('are put together by twos and more where durations lie far apart, and lose no call', () => {
    const grid = buildGrid(latencyOf(['0.01 0.02 5 5000 90000 90000!']));
    expect(rowsOf(grid)).toBeLessThanOrEqual(44);
    expect(grid.cells.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    for (const { row } of grid.cells) expect(row).toBeLessThan(rowsOf(grid));
  });

  it('have a height when all calls take as long, and when there are none', () => {
    expect(rowsOf(buildGrid(latencyOf(['40 40 40'])))).toBeGreaterThanOrEqual(12);
    expect(rowsOf(buildGrid(latencyOf(['', ''])))).toBeGreaterThanOrEqual(12);
  });

  it('leave room for a budget that is near, not for one that is far', () => {
    const top = (budgetsMs: number[]) => buildGrid(latencyOf(['100 900'], { budgetsMs })).edgesMs.at(-1)!;
    expect(top([3000])).toBeGreaterThan(3000);
    expect(top([600_000])).toBe(top([]));
  });

  it('without calls that are outside the range', () => {
    const latency = latencyOf(['5', '5']);
    latency.cells[0]!.t -= MINUTE_MS;
    expect(buildGrid(latency).cells).toEqual([{ column: 1, row: 1, count: 1, timeouts: 0 }]);
  });

  const size = { width: 300, height: 200, ratio: 1 };
  it('are rectangles on whole px that fill the plot without overlapping', () => {
    const grid = buildGrid(latencyOf(['1 9', '2', '100']));
    const boxes = Array.from({ length: rowsOf(grid) }, (_, row) => boxOf({ column: 1, row }, grid, size));
    expect(boxes[0]!.y + boxes[0]!.height).toBeGreaterThanOrEqual(size.height - 1);
    expect(boxes.at(-1)!.y).toBe(0);
    for (const [index, { x, y, width, height }] of boxes.entries()) {
      for (const px of [x, y, width, height]) expect(Number.isInteger(px)).toBe(true);
      expect([x, width]).toEqual([100, 99]);
      expect(y + height).toBeLessThanOrEqual(boxes[index - 1]?.y ?? size.height);
    }
  });

  it('of more calls are darker, in at most five steps that are told', () => {
    expect([1, 3, 10, 99, 100].map((count) => stepOf(count, 100))).toEqual([0, 1, 2, 4, 4]);
    expect(rampCounts(100).map(({ from }) => from)).toEqual([1, 3, 7, 16, 40]);
    expect(rampCounts(2)).toEqual([
      { step: 0, from: 1 },
      { step: 4, from: 2 },
    ]);
    expect(rampCounts(1)).toHaveLength(1);
    for (const { step, from } of rampCounts(5000)) expect(stepOf(from, 5000)).toBe(step);
  });
});

describe('a cursor', () => {
  const grid = buildGrid(latencyOf(['1 100!', '1', '1 50! 100!', '1 100']));

  it('begins at the newest calls, with those that timed out', () => {
    expect(firstPlace(grid)).toEqual([3, 21]);
    expect(firstPlace(buildGrid(latencyOf(['1 100! 1 1'])))).toEqual([0, 21]);
    expect(firstPlace(buildGrid(latencyOf([''])))).toEqual([0, 0]);
  });

  it('moves by cells and pages, and stays within', () => {
    expect(movePlace([1, 5], 'ArrowLeft', grid)).toEqual([0, 5]);
    expect(movePlace([0, 5], 'ArrowLeft', grid)).toEqual([0, 5]);
    expect(movePlace([0, 5], 'ArrowUp', grid)).toEqual([0, 6]);
    expect(movePlace([0, 0], 'ArrowDown', grid)).toEqual([0, 0]);
    expect(movePlace([0, rowsOf(grid) - 1], 'ArrowUp', grid)).toEqual([0, rowsOf(grid) - 1]);
    expect(movePlace([1, 5], 'PageDown', grid)).toEqual([3, 5]);
    expect(movePlace([2, 5], 'Home', grid)).toEqual([0, 5]);
    expect(movePlace([2, 5], 'End', grid)).toEqual([3, 5]);
    expect(movePlace([2, 5], 'x', grid)).toBeNull();
  });

  it('goes from timeouts to timeouts, and begins anew behind the last', () => {
    const walk = [nextTimeout([-1, 0], grid)!];
    for (let step = 0; step < 3; step++) walk.push(nextTimeout(walk.at(-1)!, grid)!);
    expect(walk).toEqual([
      [0, 21],
      [2, 21],
      [2, 18],
      [0, 21],
    ]);
    expect(nextTimeout([0, 0], buildGrid(latencyOf(['5'])))).toBeNull();
  });

  it('is where the pointer is, or the nearest to it', () => {
    expect(placeAt(0.3, 0.01, grid)).toEqual([1, 0]);
    expect(placeAt(-4, 9, grid)).toEqual([0, rowsOf(grid) - 1]);
  });

  it('is a whole column in the strip below, and nowhere beside the plot', () => {
    const plot = { width: 400, height: 200, strip: { top: 224, bottom: 280 } };
    expect(placesAt(150, 199, plot, grid)).toEqual([
      [1, 0],
      [1, 0],
    ]);
    expect(placesAt(150, 230, plot, grid)).toEqual([
      [1, 0],
      [1, rowsOf(grid) - 1],
    ]);
    expect(placesAt(150, 230, { ...plot, strip: null }, grid)).toBeNull();
    for (const [x, y] of [
      [-1, 50],
      [401, 50],
      [150, 210],
      [150, 281],
    ] as const)
      expect(placesAt(x, y, plot, grid)).toBeNull();
  });
});

describe('a part of the heatmap', () => {
  const grid = buildGrid(latencyOf(['1 100!', '1', '1 50! 100!', '1 100']));
  const part = regionOf([3, 21], [2, 18], grid);

  it('reaches from cell to cell, in whichever direction', () => {
    expect(part).toEqual({
      fromMs: LATENCY_FROM + 2 * MINUTE_MS,
      toMs: LATENCY_FROM + 4 * MINUTE_MS,
      minMs: 50,
      maxMs: 125,
    });
    expect(regionOf([2, 18], [3, 21], grid)).toEqual(part);
  });

  it('has the calls whose cells are in it', () => {
    expect(countRegion(part, grid)).toEqual({ count: 3, timeouts: 2 });
    expect(countRegion({ ...part, fromMs: part.toMs, toMs: part.toMs + 1 }, grid).count).toBe(0);
  });

  it('is in the URL as it was chosen', () => {
    expect(readRegion(formatRegion(part), grid)).toEqual(part);
    const tiny = { ...part, minMs: 0.0125, maxMs: 0.016 };
    expect(readRegion(formatRegion(tiny), grid)).toEqual(tiny);
  });

  it.each([
    undefined,
    '',
    'node:a',
    '5-1,1-2',
    '1-5',
    '1-5,2-1',
    '-1-5,1-2',
    '1e9-2e9,1-2',
    `${'9'.repeat(17)}-1,1-2`,
  ])('is none where the URL says %j', (text) => {
    expect(readRegion(text, grid)).toBeNull();
  });

  it('is none where nothing of it is in the range', () => {
    const before = { ...part, fromMs: LATENCY_FROM - 10, toMs: LATENCY_FROM };
    expect(readRegion(formatRegion(before), grid)).toBeNull();
  });

  it('writes durations without an exponent', () => {
    expect([1e-7, 0.0125, 1.25, 5000, 123_456_789].map(writeMs)).toEqual([
      '0.0000001',
      '0.0125',
      '1.25',
      '5000',
      '123457000',
    ]);
  });
});
