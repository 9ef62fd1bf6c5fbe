import { describe, expect, test } from 'vitest';
import { buildServiceMap } from '../../collector/query/service-map.ts';
import type { Callee } from '../../collector/query/callee.ts';
import type { MapEdge } from '../../collector/serve/wire.ts';
import { groupCells, type EdgeCell } from '../../collector/store/rollup/call-groups.ts';
import {
  countBudget,
  countTimeoutPhase,
  emptyCell,
  TIMEOUT_PHASES,
} from '../../collector/store/rollup/cell.ts';
import { bucketOf, countBucket, emptySketch } from '../../collector/store/rollup/sketch.ts';
import { about } from '../about.ts';

const RANGE = { fromUnixMs: 0, toUnixMs: 3_600_000 };
const SERVICE = { kind: 'service', inferred: false } as const;

interface Call {
  readonly caller: string | null;
  readonly callee: Callee;
  readonly edgeKind: MapEdge['kind'];
  readonly outcome: 'ok' | 'error' | 'timeout' | 'cancelled';
  readonly phase: (typeof TIMEOUT_PHASES)[number];
  readonly budgetMs: number | null;
  readonly neverArrived: boolean;
  readonly isStream: boolean;
  readonly isRetry: boolean;
  readonly durationMs: number;
  readonly serverMs: number | null;
}

function call(caller: string | null, callee: string, more: Partial<Call> = {}): Call {
  return {
    caller,
    callee: { id: callee, ...SERVICE },
    edgeKind: 'http',
    outcome: 'ok',
    phase: 'none',
    budgetMs: null,
    neverArrived: false,
    isStream: false,
    isRetry: false,
    durationMs: 10,
    serverMs: null,
    ...more,
  };
}

/** What the sums hold of one call. */
function cellOf({ caller, callee, edgeKind, ...call }: Call): EdgeCell {
  const cell = emptyCell();
  cell.calls = 1;
  cell.errors = Number(call.outcome === 'error');
  cell.timeouts = Number(call.outcome === 'timeout');
  if (call.outcome === 'timeout') countTimeoutPhase(cell, TIMEOUT_PHASES.indexOf(call.phase), 1);
  if (call.budgetMs !== null) countBudget(cell, call.budgetMs, 1);
  cell.neverArrived = Number(call.neverArrived);
  cell.retries = Number(call.isRetry);
  if (!call.isStream) countBucket(cell.latency, bucketOf(call.durationMs), 1);
  if (call.serverMs !== null) countBucket((cell.serverLatency = emptySketch()), bucketOf(call.serverMs), 1);
  return { from: caller, callee, edgeKind, cell };
}

function statsOf(...services: string[]) {
  return services.map((service) => ({
    service,
    operation: '',
    calls: 1,
    errors: 0,
    timeouts: 0,
    p50Ms: 5,
    p95Ms: 5,
    p99Ms: 5,
  }));
}

function mapOf(
  calls: Call[],
  entries: string[],
  services: string[],
  focus: { node: string; hops: number } | null = null,
) {
  const fromOutside = entries.map((service) => call(null, service, { durationMs: 20 }));
  const groups = groupCells([...calls, ...fromOutside].map(cellOf));
  return buildServiceMap(RANGE, groups, statsOf(...services), focus);
}
const names = (map: { nodes: { id: string }[]; edges: { from: string; to: string }[] }) => ({
  nodes: map.nodes.map((node) => node.id).toSorted(),
  edges: map.edges.map((edge) => `${edge.from}->${edge.to}`).toSorted(),
});

test('an empty range gives an empty map', () => {
  expect(mapOf([], [], [])).toEqual({
    from: '1970-01-01T00:00:00.000Z',
    to: '1970-01-01T01:00:00.000Z',
    truncated: false,
    nodes: [],
    edges: [],
  });
});

test('an edge counts the caller’s view: time-outs apart from errors, budgets, phases, retries', () => {
  const map = mapOf(
    [
      call('a', 'b'),
      call('a', 'b', { outcome: 'error', isRetry: true }),
      call('a', 'b', { outcome: 'cancelled' }),
      call('a', 'b', {
        outcome: 'timeout',
        phase: 'connect',
        budgetMs: 3000,
        neverArrived: true,
        durationMs: 3000,
      }),
      call('a', 'b', {
        outcome: 'timeout',
        phase: 'wait',
        budgetMs: 1000,
        serverMs: 9000,
        durationMs: 1000,
      }),
    ],
    [],
    ['b'],
  );
  expect(map.edges).toEqual([
    {
      from: 'a',
      to: 'b',
      kind: 'http',
      calls: 5,
      errors: 1,
      timeouts: 2,
      timeoutPhases: { connect: 1, wait: 1 },
      p50Ms: about(10),
      p95Ms: about(3000),
      p99Ms: about(3000),
      serverP95Ms: about(9000),
      neverArrived: 1,
      budgetsMs: [1000, 3000],
      retries: 1,
    },
  ]);
});

describe('nodes', () => {
  test('the user stands before services that are called from outside', () => {
    const map = mapOf([call('gateway', 'a')], ['gateway', 'gateway'], ['gateway', 'a']);
    expect(names(map)).toEqual({ nodes: ['a', 'gateway', 'user'], edges: ['gateway->a', 'user->gateway'] });
    expect(map.nodes.find((node) => node.kind === 'user')).toMatchObject({
      calls: 2,
      p50Ms: about(20),
      inferred: true,
    });
  });

  test('the user makes way for a service of that name', () => {
    const map = mapOf([], ['user'], ['user']);
    expect(names(map)).toEqual({ nodes: ['user', 'user (outside)'], edges: ['user (outside)->user'] });
  });

  test('a callee that sends no spans is known by all its callers’ calls', () => {
    const database = { id: 'shop@db1', kind: 'database', inferred: true } as const;
    const map = mapOf(
      [
        call('a', '', { callee: database, edgeKind: 'db', durationMs: 1 }),
        call('b', '', { callee: database, edgeKind: 'db', durationMs: 100, outcome: 'error' }),
      ],
      [],
      [],
    );
    expect(map.nodes.find((node) => node.id === 'shop@db1')).toEqual({
      id: 'shop@db1',
      kind: 'database',
      inferred: true,
      calls: 2,
      errors: 1,
      timeouts: 0,
      p50Ms: about(1),
      p95Ms: about(100),
      p99Ms: about(100),
    });
  });

  test('a service counts the calls it served, not those its callers made', () => {
    const map = mapOf([call('a', 'b'), call('a', 'b')], [], ['b']);
    expect(map.nodes.find((node) => node.id === 'b')).toMatchObject({ calls: 1, p50Ms: 5, inferred: false });
    expect(map.nodes.find((node) => node.id === 'a')).toMatchObject({ calls: 0, kind: 'service' });
  });
});

test('streams are calls without latency', () => {
  const map = mapOf([call('a', 'b', { isStream: true, durationMs: 1e6 }), call('a', 'b')], [], ['b']);
  expect(map.edges[0]).toMatchObject({ calls: 2, p99Ms: about(10) });
});

test('a focus keeps what is at most so many hops away, in both directions', () => {
  const chain = [call('a', 'b'), call('b', 'c'), call('c', 'd')];
  const around = (node: string, hops: number) =>
    names(mapOf(chain, [], ['a', 'b', 'c', 'd'], { node, hops })).nodes;
  expect(around('b', 0)).toEqual(['b']);
  expect(around('b', 1)).toEqual(['a', 'b', 'c']);
  expect(around('b', 9)).toEqual(['a', 'b', 'c', 'd']);
  expect(around('nowhere', 1)).toEqual([]);
});

test('beyond 2,000 edges the busiest are shown, and it says so', () => {
  const calls = Array.from({ length: 2001 }, (_, i) => call('a', `b${i}`));
  const map = mapOf([...calls, call('a', 'b2000')], [], []);
  expect(map).toMatchObject({ truncated: true });
  expect(map.edges).toHaveLength(2000);
  expect(map.edges[0]).toMatchObject({ to: 'b2000', calls: 2 });
  expect(mapOf(calls.slice(0, 2000), [], []).truncated).toBe(false);
});
