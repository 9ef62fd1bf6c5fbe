/** The view of latency as pure functions: cells, a cursor over them, parts of them, what is said of it all. */
import { describe, expect, it } from 'vitest';
import type { Incident, Latency, MapEdge } from '../../collector/serve/wire.ts';
import { calleesNear, givenUpAround, incidentsAround, type GivenUp } from '../../ui/latency/around.ts';
import { latencyQuery, readAsked, sayAsked, type Asked } from '../../ui/latency/asked.ts';
import { drawnBudgets, durationTicks, placeMarks } from '../../ui/latency/chart-layout.ts';
import {
  buildGrid,
  countRegion,
  durationShare,
  firstPlace,
  movePlace,
  nextTimeout,
  placeAt,
  placesAt,
  regionOf,
  rowsOf,
  timeShare,
} from '../../ui/latency/grid.ts';
import { spreadLabels } from '../../ui/latency/labels.ts';
import { boxOf, rampCounts, stepOf } from '../../ui/latency/paint-cells.ts';
import { findParts } from '../../ui/latency/parts.ts';
import { drawLine } from '../../ui/latency/percentile-lines.ts';
import { phaseSteps, phaseTotals, sayMeasured } from '../../ui/latency/phase-shares.ts';
import { formatRegion, readRegion, writeMs } from '../../ui/latency/region.ts';
import { sayCounted, sayLatency } from '../../ui/latency/say-latency.ts';
import { findShift } from '../../ui/latency/shift.ts';
import { LATENCY_FROM, latencyOf, MINUTE_MS, repeat } from './latency-of.ts';

const nobody = readAsked({});
const clock = (ms: number) => `minute ${(ms - LATENCY_FROM) / MINUTE_MS}`;
const say = (
  latency: Latency,
  asked: Partial<Asked> = {},
  stuckIn: MapEdge['timeoutPhases'] | null = null,
  givenUp: GivenUp | null = null,
) =>
  sayLatency(latency, { ...nobody, ...asked }, stuckIn, givenUp, clock)
    .map(({ text }) => text)
    .join('');

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

describe('phases', () => {
  const phases = [
    { t: 0, calls: 1, connectMs: 3, waitMs: 1 },
    { t: 1, calls: 3, waitMs: 4, dnsMs: 0 },
    { t: 2, calls: 1 },
  ];
  it('are shares of their step', () => {
    expect(phaseSteps(phases).map(({ shares }) => shares.map(({ phase, share }) => [phase, share]))).toEqual([
      [
        ['connect', 0.75],
        ['wait', 0.25],
      ],
      [['wait', 1]],
      [],
    ]);
  });
  it('of all steps count each call once', () => {
    expect(phaseTotals(phases).map(({ phase, ms }) => [phase, ms])).toEqual([
      ['connect', 0.6],
      ['wait', 2.6],
    ]);
    expect(phaseTotals([])).toEqual([]);
  });
  it('are of some calls, which is said', () => {
    const latency = latencyOf([repeat('10', 9)], { phases, of: 'calls' });
    expect(sayMeasured(latency)).toBe('5 of 9 calls');
    expect(sayMeasured({ ...latency, calls: 5 })).toBe('5 calls');
    expect(sayMeasured({ ...latency, of: 'served' })).toBe('5 of 9 calls, as their callers measured them');
  });
});

describe('a change of latency', () => {
  const points = (levels: number[], count = 50) => levels.map((p95Ms, t) => ({ t, p95Ms, count }));
  const times = (value: number, count: number) =>
    Array.from({ length: count }, (_, index) => value * (1 + (index % 3) / 20));

  it('is one level before and another after', () => {
    expect(findShift(points([...times(40, 8), ...times(2900, 6)]), 1)).toMatchObject({
      fromMs: 8,
      toMs: null,
      insideMs: expect.closeTo(3000, -3),
    });
    expect(findShift(points([...times(2900, 6), ...times(40, 8)]), 1)).toMatchObject({
      fromMs: 6,
      toMs: null,
    });
  });

  it('is another level for a while', () => {
    const shift = findShift(points([...times(40, 8), ...times(900, 4), ...times(40, 8)]), 1);
    expect(shift).toMatchObject({ fromMs: 8, toMs: 12 });
    expect(shift!.insideMs / shift!.outsideMs).toBeGreaterThan(20);
  });

  it('is none where latency does what it always does', () => {
    expect(findShift(points(times(40, 20)), 1)).toBeNull();
    expect(findShift(points([10, 90, 20, 80, 15, 95, 12, 70, 30, 85]), 1)).toBeNull();
  });

  it('is none below twice, and one above it', () => {
    expect(findShift(points([...times(40, 8), ...times(70, 8)]), 1)).toBeNull();
    expect(findShift(points([...times(40, 8), ...times(90, 8)]), 1)).not.toBeNull();
  });

  it('is none of two steps, or of steps with few calls', () => {
    expect(findShift(points([...times(40, 8), 900, 900]), 1)).toBeNull();
    expect(findShift(points([...times(40, 8), ...times(900, 8)], 9), 1)).toBeNull();
    expect(findShift([], 1)).toBeNull();
  });
});

describe('whose latency it is', () => {
  it('is in the URL, and in words', () => {
    const asked = readAsked({ service: 'a', op: 'GET /', peer: '', phase: 'connect' });
    expect(asked).toEqual({ service: 'a', operation: 'GET /', peer: null, phase: 'connect' });
    expect(readAsked({ phase: 'lunch' }).phase).toBeNull();
    expect(sayAsked(asked, 'served')).toBe('connect time of GET / of a');
    expect(sayAsked({ ...nobody, service: 'a', peer: 'b' }, 'calls')).toBe('a → b');
    expect(sayAsked({ ...nobody, service: 'a', phase: 'dns' }, 'calls')).toBe('DNS time of calls to a');
    expect(sayAsked({ ...nobody, peer: 'b' }, 'calls')).toBe('calls to b');
    expect(sayAsked(nobody, 'entries')).toBe('requests from outside');
    expect(sayAsked({ ...nobody, operation: 'GET /' }, 'served')).toBe('GET /');
  });

  const part = { fromMs: 0, toMs: 1, minMs: 1000, maxMs: 1250 };
  it('is found by a search', () => {
    const query = (asked: Partial<typeof nobody>, of: 'calls' | 'served' | 'operation' | 'entries') =>
      latencyQuery({ ...nobody, ...asked }, of, part);
    expect(query({ service: 'a', peer: 'b' }, 'calls')).toBe('edge:a->b duration>=1000ms duration<1250ms');
    expect(query({ service: 'a b', peer: 'db:1' }, 'calls')).toBe(
      'edge:"a b->db:1" duration>=1000ms duration<1250ms',
    );
    expect(query({ service: 'a', operation: 'GET "/"' }, 'operation')).toBe(
      String.raw`service:a operation:"GET \"/\"" duration>=1000ms duration<1250ms`,
    );
    expect(query({}, 'entries')).toBe('(kind:server OR kind:consumer) duration>=1000ms duration<1250ms');
    expect(query({ service: 'a', peer: 'b', phase: 'tls' }, 'calls')).toBe(
      'edge:a->b sockeye.phase.tls_ms>=1000 sockeye.phase.tls_ms<1250',
    );
    expect(query({ peer: 'b' }, 'calls')).toBeNull();
    expect(query({ service: 'a', phase: 'tls' }, 'calls')).toBeNull();
    expect(latencyQuery({ ...nobody, service: 'a' }, 'served', null)).toBe(
      'service:a (kind:server OR kind:consumer)',
    );
  });

  it('has parts, those that time out and the slowest first', () => {
    const row = (service: string, timeouts: number, p95Ms: number, calls = 1) => ({
      service,
      calls,
      errors: 0,
      timeouts,
      p50Ms: 0,
      p95Ms,
      p99Ms: 0,
    });
    const services = { services: [row('a', 0, 5), row('b', 1, 2), row('c', 0, 9), row('d', 0, 99, 0)] };
    const [part] = findParts(nobody, services, null, [], (query) => JSON.stringify(query));
    expect(part).toMatchObject({ title: 'Services', rows: [{ name: 'b' }, { name: 'c' }, { name: 'a' }] });
    expect(part!.rows[0]!.href).toBe('{"service":"b"}');
    expect(findParts({ ...nobody, service: 'a', peer: 'b' }, services, null, [], String)).toEqual([]);
  });
});

describe('what is around a service', () => {
  const edge = (from: string, to: string, timeouts: number, p99Ms = 0) =>
    ({ from, to, timeouts, p99Ms, calls: 9 }) as MapEdge;
  const edges = [
    edge('user', 'a', 7),
    edge('x', 'a', 2),
    edge('y', 'a', 3),
    edge('a', 'b', 5, 5010),
    edge('a', 'c', 6, 40),
    edge('b', 'c', 9, 5010),
  ];

  it('is what its callers gave up, and what it gave up itself', () => {
    expect(givenUpAround({ ...nobody, service: 'a' }, edges)).toEqual({ byCallers: 5, own: 11 });
    expect(givenUpAround({ ...nobody, service: 'a', peer: 'b' }, edges)).toBeNull();
    expect(givenUpAround({ ...nobody, service: 'a', operation: 'GET' }, edges)).toBeNull();
    expect(givenUpAround(nobody, edges)).toBeNull();
  });

  it('are incidents of calls to it, of its own, and of its work', () => {
    const incidents = ['a', 'a->b', 'x->a', 'x->b', 'aa->b'].map((name) => ({ edge: name }) as Incident);
    const found = (asked: Partial<Asked>) =>
      incidentsAround({ ...nobody, ...asked }, incidents).map(({ edge: name }) => name);
    expect(found({ service: 'a' })).toEqual(['a', 'a->b', 'x->a']);
    expect(found({ service: 'a', operation: 'GET' })).toEqual(['a', 'a->b', 'x->a']);
    expect(found({ service: 'a', peer: 'b' })).toEqual(['a->b']);
    expect(found({ peer: 'b' })).toEqual(['a->b', 'x->b', 'aa->b']);
    expect(found({})).toHaveLength(5);
    expect(found({ operation: 'GET' })).toEqual([]);
  });

  it('are callees that it may have waited for', () => {
    expect(calleesNear(5070, 'a', edges)).toEqual(['b']);
    expect(calleesNear(9000, 'a', edges)).toEqual([]);
    expect(calleesNear(5070, null, edges)).toEqual([]);
  });
});

describe('what is said', () => {
  const calm = Array.from({ length: 8 }, () => repeat('10 20', 10));
  const slow = Array.from({ length: 6 }, () => repeat('900 2900', 10));

  it('says what changed and when, and who gave up, with the phase that most were in', () => {
    const latency = latencyOf([...calm, ...slow, repeat('2000 3000!', 10)], { of: 'calls' });
    const edge = { service: 'checkout', peer: 'payments' };
    expect(say(latency, edge, { connect: 9, wait: 1 })).toBe(
      'p95 of checkout → payments rose from 20 ms to 2.9 s at minute 8; 10 calls gave up, most in connect.',
    );
    expect(say(latency, edge, { connect: 5, wait: 5 })).toMatch(/10 calls gave up\.$/);
    expect(say(latency, edge, { connect: 10 })).toMatch(/10 calls gave up, in connect\.$/);
    expect(say(latency, edge, { none: 10 })).toMatch(/10 calls gave up\.$/);
  });

  it('says what fell, and what was so for a while', () => {
    expect(say(latencyOf([...slow, ...calm]))).toBe(
      'p95 of requests from outside fell from 2.9 s to 20 ms at minute 6.',
    );
    expect(say(latencyOf([...calm, ...slow, ...calm]), { service: 'a' })).toBe(
      'p95 of a was 2.9 s from minute 8 to minute 14, and 20 ms otherwise.',
    );
  });

  it('gives plain numbers where nothing changed', () => {
    expect(say(latencyOf(calm))).toBe('Requests from outside: half took up to 20 ms, and 95 % too.');
    expect(say(latencyOf([`${repeat('10', 17)} ${repeat('5010', 3)}`]))).toBe(
      'Requests from outside: half took up to 10 ms, 95 % up to 5 s.',
    );
    expect(say(latencyOf([repeat('10', 30)]), { service: 'a' })).toBe(
      'a: half took up to 10 ms, and 95 % too.',
    );
  });

  it('counts a few calls instead of dividing them', () => {
    expect(say(latencyOf(['10 20 3000!']), { service: 'a' })).toBe(
      'a: 3 calls, the longest took 3 s; 1 request timed out.',
    );
    expect(say(latencyOf(['10']), { service: 'a' })).toBe('a: 1 call that took 10 ms.');
    expect(say(latencyOf(['30!', '30!']), { service: 'a' })).toBe(
      'a: 2 calls, the longest took 30 ms; all 2 timed out.',
    );
  });

  it('says that calls pile up, and that the timer is unknown, or perhaps further down', () => {
    const walls = [{ atMs: 5072, count: 40, timeouts: 0 }];
    const edge = { service: 'a', peer: 'b' };
    expect(say(latencyOf(calm, { walls }), edge)).toMatch(
      / 40 calls pile up at 5\.07 s: an unknown timer\.$/,
    );
    for (const asked of [{}, { service: 'a' }, { peer: 'b' }])
      expect(say(latencyOf(calm, { walls }), asked)).toMatch(
        / 40 calls pile up near 5\.1 s: perhaps a timer further down\.$/,
      );
  });

  it('says how many failed, once that is more than a few', () => {
    const failed = (errors: number, changes = {}) =>
      say(latencyOf(calm, { errors, ...changes }), { service: 'a' });
    expect(failed(54)).toBe('a: half took up to 20 ms, and 95 % too; 34 % failed.');
    expect(failed(1)).toBe('a: half took up to 20 ms, and 95 % too.');
    expect(failed(54, { timeouts: 2 })).toMatch(/; 2 requests timed out; 34 % failed otherwise\.$/);
    expect(say(latencyOf(['10 20'], { errors: 1, of: 'calls' }), { service: 'a', peer: 'b' })).toMatch(
      /; 1 call failed\.$/,
    );
  });

  it('says who gave up around a service that noticed nothing of it', () => {
    expect(say(latencyOf(calm), { service: 'a' }, null, { byCallers: 160, own: 0 })).toMatch(
      /too; its callers gave up on 160 of their calls to it\.$/,
    );
    expect(say(latencyOf(calm), { service: 'a' }, null, { byCallers: 0, own: 295 })).toMatch(
      /too; it gave up on 295 of its own calls\.$/,
    );
  });

  it('says how many of how many', () => {
    const latency = latencyOf([repeat('10 3000!', 4)]);
    expect(sayCounted(latency)).toBe('8 calls');
    const read = { calls: 0, timeouts: 3, phases: 0 };
    expect(sayCounted({ ...latency, truncated: true, read })).toBe(
      '8 calls, 3 of 4 timeouts marked in their cells',
    );
    expect(sayCounted({ ...latency, countedFrom: 'spans', truncated: true })).toBe(
      '8 of more calls were looked at',
    );
  });

  it('says when no call has a duration', () => {
    expect(say(latencyOf([''], { calls: 4 }), { service: 'a' })).toBe('a: 4 calls, none with a duration.');
  });
});
