/** Latency over time against a count, span by span. */
import { describe, expect, test } from 'vitest';
import { durationStepMs, durationStepOf } from '../../../collector/query/duration-steps.ts';
import { percentile } from '../../../collector/query/percentile.ts';
import type { Latency } from '../../../collector/serve/wire.ts';
import type { LatencyAsked } from '../../../collector/store/store.ts';
import { about } from '../../about.ts';
import { AROUND_NOON, call, makeRequest, NOON_UNIX_MS, type SentSpan } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

export const NOBODY = { service: null, operation: null, peer: null, phase: null };
export const MINUTES = { range: AROUND_NOON, steps: 120 };
const HOURS = { range: AROUND_NOON, steps: 2 };
/** In the middle of cells, so that a sketch cannot take them for others. */
const DURATIONS_MS = [7, 7.2, 35, 111, 450, 2750];
const TRACES = 200;

/** gateway ─▶ payments, where one call in eight times out and one in ten fails; the bank, of whom no span comes, is called too. */
function drawTraces(): SentSpan[] {
  let seed = 7;
  const random = (below: number) =>
    ((seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff) >> 8) % below;
  return Array.from({ length: TRACES }, (_, index): SentSpan[] => {
    const trace = (index + 1).toString(16);
    const startMs = random(100) * 60_000 - 50 * 60_000 + random(50_000);
    const durationMs = DURATIONS_MS[random(DURATIONS_MS.length)]!;
    const [timedOut, failed] = [index % 8 === 0, index % 10 === 1];
    const waits: SentSpan & { id: string } = timedOut
      ? {
          id: '2',
          durationMs: 3001,
          error: 'TimeoutError',
          attributes: {
            ...phases(1, 3000),
            'sockeye.timeout.phase': 'wait',
            'sockeye.timeout.budget_ms': 3000,
          },
        }
      : { id: '2', durationMs, attributes: phases(2, durationMs - 2), ...(failed && { error: '500' }) };
    return [
      { trace, id: '1', service: 'gateway', name: 'GET /', startMs, durationMs: waits.durationMs! + 1.5 },
      ...call(
        trace,
        { parent: '1', service: 'gateway', name: 'POST', startMs, ...waits },
        { id: '3', name: index % 3 === 0 ? 'POST /refund' : 'POST /pay', startMs: startMs + 1, durationMs },
      ),
      ...call(trace, {
        id: '4',
        parent: '3',
        service: 'payments',
        name: 'charge',
        startMs: startMs + 2,
        durationMs: 35,
        attributes: { 'server.address': 'bank', 'server.port': 443 },
      }),
    ];
  }).flat();
}

export const phases = (connectMs: number, waitMs: number) => ({
  'sockeye.phase.connect_ms': connectMs,
  'sockeye.phase.wait_ms': waitMs,
});

export function checkLatency(tested: TestedStore): void {
  const read = (asked: Partial<LatencyAsked>, steps: Pick<LatencyAsked, 'range' | 'steps'> = MINUTES) =>
    tested.store.readLatency({ ...NOBODY, ...steps, ...asked });

  describe('is that of each call, in the step of its start and the cell of its duration', () => {
    const traces = drawTraces();
    const isCall = (span: SentSpan) => span.kind === 'client' && span.name === 'POST';
    const wholes: [string, Partial<LatencyAsked>, Latency['of'], (span: SentSpan) => boolean][] = [
      ['from outside', {}, 'entries', ({ id }) => id === '1'],
      ['of a service', { service: 'payments' }, 'served', ({ id }) => id === '3'],
      [
        'of an operation that serves',
        { service: 'payments', operation: 'POST /pay' },
        'served',
        ({ name }) => name === 'POST /pay',
      ],
      [
        'of an operation, whose ever',
        { operation: 'POST /refund' },
        'served',
        ({ name }) => name === 'POST /refund',
      ],
      [
        'of an operation that calls, failures too',
        { service: 'gateway', operation: 'POST' },
        'operation',
        isCall,
      ],
      ['of an edge', { service: 'gateway', peer: 'payments' }, 'calls', isCall],
      ['to a peer, whoever calls', { peer: 'payments' }, 'calls', isCall],
      [
        'to a peer that sends no spans',
        { service: 'payments', peer: 'bank' },
        'calls',
        ({ id }) => id === '4',
      ],
      ['from the user', { service: 'user', peer: 'gateway' }, 'calls', ({ id }) => id === '1'],
      ['of a service nobody knows', { service: 'nobody' }, 'served', () => false],
    ];
    test.each(wholes)('%s', async (_, asked, of, isAsked) => {
      await tested.store.append(makeRequest(...traces));
      for (const steps of [MINUTES, HOURS]) {
        const answer = await read(asked, steps);
        const spans = traces.filter(isAsked);
        const stepMs = 7_200_000 / steps.steps;
        expect(answer).toMatchObject({ of, countedFrom: 'sums', truncated: false, stepMs });
        expect(answer.cells).toEqual(cellsOf(spans, stepMs));
        expect(answer.percentiles).toEqual(percentilesOf(spans, stepMs));
        const timeouts = spans.filter(isTimeout).length;
        expect(answer).toMatchObject({
          calls: spans.length,
          errors: spans.filter(({ error }) => error === '500').length,
          timeouts,
          read: { calls: 0, timeouts },
        });
      }
    });

    test('in a phase: of the calls that had it', async () => {
      await tested.store.append(makeRequest(...traces));
      const calls = traces.filter(isCall);
      const answer = await read({ service: 'gateway', peer: 'payments', phase: 'wait' });
      const ofPhase = (key: string) =>
        calls.map((span) => ({ ...span, durationMs: Number(span.attributes![`sockeye.phase.${key}_ms`]) }));
      expect(answer).toMatchObject({
        of: 'calls',
        countedFrom: 'spans',
        truncated: false,
        calls: calls.length,
        // Those that were answered with an error failed in no phase.
        errors: 0,
        timeouts: calls.filter(isTimeout).length,
      });
      expect(answer.cells).toEqual(cellsOf(ofPhase('wait'), 60_000));
      // They timed out in another one.
      const connect = await read({ service: 'gateway', peer: 'payments', phase: 'connect' });
      expect(connect.timeouts).toBe(0);
      expect(connect.cells.map(({ count }) => count)).toEqual(
        cellsOf(ofPhase('connect'), 60_000).map(({ count }) => count),
      );
      // Of a service that is called, it is measured by who calls it.
      expect((await read({ service: 'payments', phase: 'wait' })).cells).toEqual(answer.cells);
      const pay = await read({ service: 'payments', operation: 'POST /pay', phase: 'wait' });
      expect(pay.calls).toBe(traces.filter(({ name }) => name === 'POST /pay').length);
      expect((await read({ service: 'gateway', peer: 'payments', phase: 'tls' })).cells).toEqual([]);
    });

    test('of an operation’s calls to a peer', async () => {
      await tested.store.append(makeRequest(...traces));
      const asked = { service: 'gateway', operation: 'POST', peer: 'payments' };
      expect((await read(asked)).cells).toEqual(cellsOf(traces.filter(isCall), 60_000));
      expect((await read({ ...asked, operation: 'GET' })).cells).toEqual([]);
      // Of calls from outside it is that of their server spans, whether the caller is named or not.
      const entries = traces.filter(({ id }) => id === '1');
      for (const service of ['user', null]) {
        const outside = { service, peer: 'gateway' };
        const answer = await read({ ...outside, operation: 'GET /' });
        expect(answer).toMatchObject({ of: 'calls', countedFrom: 'spans', calls: entries.length });
        expect(answer.cells).toEqual(cellsOf(entries, 60_000));
        expect(await read({ ...outside, operation: 'no such' })).toMatchObject({ calls: 0, cells: [] });
      }
    });

    test('with phases: the mean of a step’s calls, of a service those of who calls it', async () => {
      await tested.store.append(makeRequest(...traces));
      const calls = traces.filter(isCall);
      const mean = (key: string) =>
        calls.reduce((sum, span) => sum + Number(span.attributes![`sockeye.phase.${key}_ms`]), 0) /
        calls.length;
      const whole = { range: AROUND_NOON, steps: 1 };
      for (const asked of [{ service: 'gateway', peer: 'payments' }, { service: 'payments' }]) {
        const answer = await read(asked, whole);
        expect(answer.read.phases).toBe(calls.length);
        expect(answer.phases).toEqual([
          {
            t: AROUND_NOON.fromUnixMs,
            calls: calls.length,
            connectMs: expect.closeTo(mean('connect')),
            waitMs: expect.closeTo(mean('wait')),
          },
        ]);
      }
      expect((await read({ service: 'payments', operation: 'charge' }, whole)).phases).toEqual([]);
    });

    test('with budgets: of a service those of its callers, and its own', async () => {
      await tested.store.append(makeRequest(...traces));
      const calls = traces.filter(isTimeout).length;
      const budget = { budgetMs: 3000, calls, own: false };
      expect(await read({ service: 'payments' })).toMatchObject({ budgetsMs: [3000], budgets: [budget] });
      expect((await read({ service: 'gateway' })).budgets).toEqual([{ ...budget, own: true }]);
      expect((await read({ service: 'gateway', peer: 'payments' })).budgets).toEqual([budget]);
      expect((await read({ service: 'payments', peer: 'bank' })).budgets).toEqual([]);
      // Nobody waits for a call but who makes it.
      expect((await read({ service: 'payments', operation: 'charge' })).budgets).toEqual([]);
    });
  });

  test('of streams, long by design, is none', async () => {
    await tested.store.append(
      makeRequest(
        ...call('a', { id: '1', durationMs: 35 }),
        ...call('b', { id: '1', durationMs: 60_000, attributes: { 'sockeye.stream': true } }),
        ...call('c', {
          id: '1',
          durationMs: 60_000,
          error: 'TimeoutError',
          attributes: { 'sockeye.stream': true, 'sockeye.timeout.phase': 'connect' },
        }),
      ),
    );
    for (const phase of [null, 'wait'] as const) {
      const answer = await read({ service: 'checkout', peer: 'payments.local', phase });
      expect(answer.cells.map(({ minMs, count }) => [minMs, count])).toEqual(phase === null ? [[32, 1]] : []);
      // That it has no cell is not for want of looking.
      expect([answer.timeouts, answer.truncated]).toEqual([phase === null ? 1 : 0, false]);
    }
  });

  test('of a phase is that of 10,000 calls, of every step as many, and says that there are more', async () => {
    const calls = (count: number, from: number, startMs: number) =>
      Array.from({ length: count }, (_, index) =>
        call((from + index).toString(16), { id: '1', startMs, durationMs: 7, attributes: phases(1, 6) }),
      ).flat();
    await tested.store.append(makeRequest(...calls(9_997, 1, 0), ...calls(3, 9_998, -60_000)));
    const asked = { peer: 'payments.local', phase: 'wait' } as const;
    const readWhen = async (count: number): Promise<Latency> => {
      // So many are counted when there is time.
      await expect.poll(async () => (await read({ peer: 'payments.local' })).calls).toBe(count);
      return read(asked);
    };
    const countsOf = ({ percentiles }: Latency) => percentiles.map(({ count }) => count);
    const all = await readWhen(10_000);
    expect([all.truncated, all.calls, countsOf(all)]).toEqual([false, 10_000, [3, 9_997]]);
    await tested.store.append(makeRequest(...calls(1, 10_001, 0)));
    const some = await readWhen(10_001);
    expect([some.truncated, some.calls, countsOf(some)]).toEqual([true, 10_000, [3, 9_997]]);
    // Of all phases together it is counted from sums.
    expect(await read({ peer: 'payments.local' })).toMatchObject({ truncated: false, calls: 10_001 });
  });

  test('shows a wall where no budget is known, as exactly as its calls were measured', async () => {
    const hanging = Array.from({ length: 60 }, (_, index) =>
      call(`a${index}`, {
        id: '1',
        durationMs: index < 40 ? 7 : 5002,
        ...(index >= 40 && { error: 'ETIMEDOUT' }),
      }),
    ).flat();
    await tested.store.append(makeRequest(...hanging));
    const { walls, cells } = await read({ service: 'checkout', peer: 'payments.local' });
    expect(walls).toEqual([{ atMs: 5002, count: 20, timeouts: 20 }]);
    expect(cells.at(-1)).toMatchObject({ minMs: 5000, count: 20, timeouts: 20 });
  });

  test('shows none where a budget further down explains it', async () => {
    const chainOf = (index: number, error?: string): SentSpan[] => {
      const trace = `d${index}`;
      const durationMs = index < 40 ? 7 : 3005;
      const gaveUp = { 'sockeye.timeout.budget_ms': 3000, 'sockeye.timeout.phase': 'wait' };
      return [
        { trace, id: '1', service: 'gateway', durationMs: durationMs + 2 },
        ...call(trace, { id: '2', parent: '1', service: 'gateway', durationMs: durationMs + 1 }),
        { trace, id: '3', parent: '2', service: 'checkout', durationMs },
        ...call(trace, {
          id: '4',
          parent: '3',
          durationMs: durationMs - 4,
          ...(error !== undefined && index >= 40 && { error, attributes: gaveUp }),
        }),
      ];
    };
    const sixty = Array.from({ length: 60 }, (_, index) => index);
    await tested.store.append(makeRequest(...sixty.flatMap((index) => chainOf(index))));
    const questions = [{}, { service: 'gateway' }, { service: 'gateway', peer: 'checkout' }];
    for (const asked of questions) expect((await read(asked)).walls).toMatchObject([{ count: 20 }]);
    await tested.store.purge();
    await tested.store.append(makeRequest(...sixty.flatMap((index) => chainOf(index, 'TimeoutError'))));
    for (const asked of questions) expect((await read(asked)).walls).toEqual([]);
  });

  test('is not read for who went away', async () => {
    const gone = AbortSignal.abort();
    const asked = { ...NOBODY, ...MINUTES };
    await expect(tested.store.readLatency(asked, gone)).rejects.toMatchObject({ name: 'Cancelled' });
    const brush = { range: AROUND_NOON, minMs: null, maxMs: null };
    await expect(tested.store.readLatencyDiffers(asked, brush, gone)).rejects.toMatchObject({
      name: 'Cancelled',
    });
  });
}

const isTimeout = ({ error }: SentSpan) => error === 'TimeoutError';
const startOf = ({ startMs = 0 }: SentSpan, stepMs: number) =>
  Math.floor((NOON_UNIX_MS + startMs) / stepMs) * stepMs;

function cellsOf(spans: readonly SentSpan[], stepMs: number): Latency['cells'] {
  const cells = new Map<string, Latency['cells'][number]>();
  for (const span of spans) {
    const [t, place] = [startOf(span, stepMs), durationStepOf(span.durationMs!)];
    const cell = cells.get(`${t} ${place}`) ?? {
      t,
      minMs: durationStepMs(place),
      maxMs: durationStepMs(place + 1),
      count: 0,
      timeouts: 0,
    };
    cell.count++;
    cell.timeouts += Number(isTimeout(span));
    cells.set(`${t} ${place}`, cell);
  }
  return [...cells.values()].toSorted((a, b) => a.t - b.t || a.minMs - b.minMs);
}

function percentilesOf(spans: readonly SentSpan[], stepMs: number): unknown[] {
  const steps = [...Map.groupBy(spans, (span) => startOf(span, stepMs))].toSorted(([a], [b]) => a - b);
  return steps.map(([t, members]) => {
    const durationsMs = members.map(({ durationMs = 0 }) => durationMs).toSorted((a, b) => a - b);
    const at = (share: number) => about(percentile(durationsMs, share));
    const errors = members.filter(({ error }) => error === '500').length;
    const timeouts = members.filter(isTimeout).length;
    const counts = { count: members.length, calls: members.length, errors, timeouts };
    return { t, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), ...counts };
  });
}
