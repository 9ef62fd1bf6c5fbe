import { expect, test } from 'vitest';
import { IS_SNAPSHOT, IS_STREAM, NEVER_ARRIVED } from '../../../collector/store/columns/codes.ts';
import {
  addCells,
  decodeStep,
  encodeDelta,
  encodeStep,
  type StepCells,
} from '../../../collector/store/rollup/steps.ts';
import { encodeSum } from '../../../collector/store/rollup/sum-steps.ts';
import { seriesIdentity, type EdgeSeries } from '../../../collector/store/rollup/series.ts';
import { latencyOfSketch, totalOf } from '../../../collector/store/rollup/sketch.ts';
import { Tally } from '../../../collector/store/rollup/tally.ts';
import { count, NAMES, SERVICES, tallyOf, type DrawnSpan } from './draw-rows.ts';
import { finish } from './finish.ts';

const CALL: DrawnSpan[] = [
  { id: 1, service: 'gateway', kind: 'server', startMs: 1_000, durationMs: 500 },
  { id: 2, parent: 1, service: 'gateway', kind: 'client', startMs: 1_100, durationMs: 300 },
  { id: 3, parent: 2, service: 'checkout', kind: 'server', startMs: 1_150, durationMs: 200 },
];

/** Everything counted, by minute and series. */
function cellsOf(tally: Tally) {
  const found = new Map<string, ReturnType<typeof plain>>();
  for (const { stepUnixMs, cells } of tally.minutes()) {
    for (const { series, cell } of cells) found.set(`${stepUnixMs} ${seriesIdentity(series)}`, plain(cell));
  }
  return found;
}
function plain(cell: AnyCell) {
  const { latency, serverLatency, timeoutPhases, budgets, ...counts } = cell;
  return {
    ...counts,
    timed: totalOf(latency),
    served: serverLatency === null ? 0 : totalOf(serverLatency),
    timeoutPhases: [...(timeoutPhases ?? [])],
    budgets: [...(budgets ?? [])],
  };
}
type AnyCell = NonNullable<ReturnType<StepCells['get']>>;
function edgesOf(tally: Tally) {
  return [...tally.minutes()].flatMap(({ cells }) =>
    cells.flatMap(({ series, cell }) => (series.type === 'edge' ? [{ series, cell }] : [])),
  );
}

test('a call belongs to the service whose server span answered it, with both latencies', () => {
  const [edge, ...others] = edgesOf(tallyOf(CALL));
  expect(others).toEqual([]);
  expect(edge!.series).toEqual({
    type: 'edge',
    caller: 'gateway',
    calleeService: 'checkout',
    peer: null,
    edgeKind: 'http',
  } satisfies EdgeSeries);
  expect(edge!.cell.calls).toBe(1);
  expect(latencyOfSketch(edge!.cell.latency).p50Ms).toBeCloseTo(300, -1);
  expect(latencyOfSketch(edge!.cell.serverLatency!).p50Ms).toBeCloseTo(200, -1);
});

test('a snapshot of a span that has not ended counts for nothing', () => {
  const snapshot: DrawnSpan = {
    id: 9,
    parent: 3,
    service: 'checkout',
    kind: 'internal',
    startMs: 2_000,
    durationMs: 0,
    flags: IS_SNAPSHOT,
  };
  expect(cellsOf(tallyOf([...CALL, snapshot]))).toEqual(cellsOf(tallyOf(CALL)));
});

test('a call without a server span is kept by its peer', () => {
  const [edge] = edgesOf(tallyOf(CALL.slice(0, 2)));
  expect(edge!.series).toMatchObject({ calleeService: null, peer: 9 });
  expect(edge!.cell.serverLatency).toBeNull();
});

test('never arrived counts only where no server span says otherwise', () => {
  const lost = { ...CALL[1]!, outcome: 'timeout', flags: NEVER_ARRIVED } as const;
  expect(edgesOf(tallyOf([CALL[0]!, lost]))[0]!.cell.neverArrived).toBe(1);
  expect(edgesOf(tallyOf([CALL[0]!, lost, CALL[2]!]))[0]!.cell.neverArrived).toBe(0);
});

test('a time-out counts in its phase with its budget, and is no error', () => {
  const spans: DrawnSpan[] = [
    CALL[0]!,
    { ...CALL[1]!, outcome: 'timeout', phase: 'connect', budgetMs: 3_000 },
  ];
  const { cell } = edgesOf(tallyOf(spans))[0]!;
  expect(cell).toMatchObject({ calls: 1, timeouts: 1, errors: 0 });
  expect([...cell.timeoutPhases!]).toEqual([0, 0, 1, 0, 0, 0, 0, 0]);
  expect([...cell.budgets!]).toEqual([[3_000, 1]]);
});

test('a stream is a call without a latency', () => {
  const { cell } = edgesOf(tallyOf([CALL[0]!, { ...CALL[1]!, flags: IS_STREAM }, CALL[2]!]))[0]!;
  expect([cell.calls, totalOf(cell.latency), cell.serverLatency]).toEqual([1, 0, null]);
});

test('of several server spans the earliest answered', () => {
  const mirrored: DrawnSpan = { ...CALL[2]!, id: 4, service: 'payments', startMs: 1_120 };
  expect(edgesOf(tallyOf([...CALL, mirrored]))[0]!.series.calleeService).toBe('payments');
});

test('a server span without a parent is a request from outside', () => {
  const entries = [...tallyOf(CALL).minutes()].flatMap(({ cells }) =>
    cells.filter(({ series }) => series.type === 'entry'),
  );
  expect(entries.map(({ series, cell }) => [series, cell.calls])).toEqual([
    [{ type: 'entry', service: 'gateway' }, 1],
  ]);
});

test('spans count in the minute they start in, a call in that of its caller', () => {
  const late: DrawnSpan = { ...CALL[2]!, startMs: 61_000 };
  const minutes = [...tallyOf([...CALL.slice(0, 2), late]).minutes()];
  expect(minutes.map(({ stepUnixMs }) => stepUnixMs)).toEqual([0, 60_000]);
  expect(minutes[1]!.cells.map(({ series }) => series.type).toSorted()).toEqual(['operation', 'version']);
});

test('taking a trace out and counting it again with a late span is the same as counting it whole', () => {
  const late = new Tally(NAMES);
  count(late, CALL.slice(0, 2), 1);
  count(late, CALL.slice(0, 2), -1);
  count(late, CALL, 1);
  expect(cellsOf(late)).toEqual(cellsOf(tallyOf(CALL)));
});

test('what is taken out and not counted again leaves nothing', () => {
  const tally = tallyOf(CALL);
  count(tally, CALL, -1);
  expect(cellsOf(tally)).toEqual(new Map());
});

test('a service that answers a call is seen behind the peer', () => {
  expect(tallyOf(CALL).sightings()).toEqual([{ peer: 9, service: 'checkout' }]);
  expect(tallyOf(CALL.slice(0, 2)).sightings()).toEqual([]);
});

test('random traces, split at random and stored step by step, sum up to what counting them at once gives', () => {
  let seed = 20261122;
  const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % below;
  const kinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
  const outcomes = ['ok', 'error', 'timeout', 'cancelled'] as const;
  const traces = Array.from({ length: 200 }, () =>
    Array.from({ length: 1 + random(30) }, (_, index): DrawnSpan => {
      const outcome = outcomes[random(4)]!;
      return {
        id: index + 1,
        ...(index > 0 ? { parent: 1 + random(index) } : {}),
        service: SERVICES[1 + random(3)]!,
        kind: kinds[random(5)]!,
        startMs: random(3 * 86_400_000),
        durationMs: random(10_000) / 7,
        outcome,
        flags: random(8),
        peer: 1 + random(5),
        ...(outcome === 'timeout' ? { phase: 'wait' as const, budgetMs: 1_000 * random(5) } : {}),
      };
    }),
  );
  const ids = new Map<string, number>();
  const idOf = (identity: string) => ids.get(identity) ?? (ids.set(identity, ids.size + 1), ids.size);
  const minutesOf = (tally: Tally) =>
    [...tally.minutes()].map(({ stepUnixMs, cells }) => ({
      stepUnixMs,
      cells: new Map(cells.map(({ series, cell }) => [idOf(seriesIdentity(series)), cell])),
    }));
  const stored = new Map<number, Buffer>();
  for (const trace of traces) {
    // First a part of its spans, later the whole.
    const part = trace.slice(0, random(trace.length + 1));
    const first = new Tally(NAMES);
    count(first, part, 1);
    const then = new Tally(NAMES);
    count(then, part, -1);
    count(then, trace, 1);
    for (const tally of [first, then]) {
      for (const [day, minutes] of byDay(minutesOf(tally))) {
        const deltas = minutes.map(({ cells }) => encodeDelta(cells)).filter((delta) => delta !== null);
        const data = finish(encodeSum(stored.get(day) ?? null, deltas));
        if (data === null) stored.delete(day);
        else stored.set(day, data);
      }
    }
  }
  const whole = new Tally(NAMES);
  for (const trace of traces) count(whole, trace, 1);
  const expected = byDay(minutesOf(whole));
  expect([...stored.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
  for (const [day, data] of stored) {
    const sum: StepCells = new Map();
    for (const { cells } of expected.get(day)!) addCells(sum, cells);
    expect(plainCells(decodeStep(data))).toEqual(plainCells(decodeStep(encodeStep(sum)!)));
  }
});

function byDay<M extends { readonly stepUnixMs: number }>(minutes: readonly M[]): Map<number, M[]> {
  return Map.groupBy(minutes, ({ stepUnixMs }) => Math.floor(stepUnixMs / 86_400_000));
}

function plainCells(cells: StepCells) {
  return [...cells]
    .toSorted(([a], [b]) => a - b)
    .map(([series, cell]) => [
      series,
      {
        ...plain(cell),
        budgets: [...(cell.budgets ?? [])].toSorted(([a], [b]) => a - b),
        latency: cell.latency.buckets,
        counts: cell.latency.counts,
      },
    ]);
}

test('a duration that a give-up decided is counted with the operation, and once more to be taken off', () => {
  const cut: DrawnSpan[] = [
    {
      id: 1,
      service: 'checkout',
      kind: 'client',
      startMs: 0,
      durationMs: 1_000,
      outcome: 'timeout',
      phase: 'wait',
    },
    { id: 2, parent: 1, service: 'payments', kind: 'server', startMs: 1, durationMs: 3_012 },
    {
      id: 3,
      parent: 2,
      service: 'payments',
      kind: 'client',
      startMs: 2,
      durationMs: 3_000,
      outcome: 'timeout',
      phase: 'wait',
    },
  ];
  const payments = (...traces: DrawnSpan[][]) => cellsOf(tallyOf(...traces)).get('0 operation 3');
  expect(payments(cut.slice(0, 2))).toMatchObject({ timed: 1, served: 0 });
  expect(payments(cut)).toMatchObject({ timed: 1, served: 1 });
  const taken = tallyOf(cut);
  count(taken, cut, -1);
  expect(cellsOf(taken).size).toBe(0);
});
