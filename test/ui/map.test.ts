/** The marks of the map, what is chosen and found on it, and the walk over it by arrow keys. */
import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { Diagnosis, MapEdge, ServiceMap } from '../../collector/serve/wire.ts';
import {
  edgeWidth,
  failureStep,
  latencyStep,
  NODE_WIDTH,
  ringShares,
  sayTimeouts,
  timeoutBadge,
} from '../../ui/map/draw.ts';
import { edgePath } from '../../ui/map/edge-curve.ts';
import { bucketsWithin, durationQuery, edgeQuery, sayDurations } from '../../ui/map/histogram.ts';
import { COLUMN_PITCH, layoutMap } from '../../ui/map/layout.ts';
import { describeNews } from '../../ui/map/news.ts';
import { findTracePath } from '../../ui/map/trace-path.ts';
import { findSelection, formatSelection, walk } from '../../ui/map/walk.ts';
import fixture from './fixtures/map-shop.json';

const shop = fixture as ServiceMap;
const edgeOf = (from: string, to: string): MapEdge =>
  shop.edges.find((edge) => edge.from === from && edge.to === to)!;

describe('marks of the map', () => {
  it('colour p95 in steps whose limits belong to the lower step', () => {
    expect([0, 5, 5.1, 20, 50, 200, 201].map(latencyStep)).toEqual([0, 0, 1, 1, 2, 3, 4]);
  });

  it('colour failures by their share of the calls', () => {
    const step = (timeouts: number) => failureStep({ calls: 100, errors: 0, timeouts });
    expect([0, 1, 2, 5, 6, 21].map(step)).toEqual([0, 1, 2, 2, 3, 4]);
    expect(failureStep({ calls: 0, errors: 0, timeouts: 0 })).toBe(0);
  });

  it('are as wide as the square root of the rate', () => {
    expect(edgeWidth(100, 100, 20)).toBe(6);
    expect(edgeWidth(25, 100, 20)).toBe(1.25 + 4.75 / 2);
    expect(edgeWidth(0, 0, 20)).toBe(1.25);
    expect([edgeWidth(100, 100, 59), edgeWidth(100, 100, 60)]).toEqual([6, 0.6 * 6]);
  });

  it('split a ring into outcomes that add up to all', () => {
    expect(ringShares({ calls: 8, errors: 2, timeouts: 4 })).toEqual({ ok: 0.25, error: 0.25, timeout: 0.5 });
    expect(ringShares({ calls: 0, errors: 0, timeouts: 0 })).toEqual({ ok: 0, error: 0, timeout: 0 });
    expect(ringShares({ calls: 2, errors: 2, timeouts: 2 })).toEqual({ ok: 0, error: 0, timeout: 1 });
  });

  it('say which share of the calls times out, and what most of these were stuck in', () => {
    const edge = edgeOf('checkout', 'payments');
    expect(timeoutBadge(edge)).toBe('12 % connect');
    expect(sayTimeouts(edge)).toBe('12 % of calls time out, most in connect');
    const unphased = { ...edge, timeoutPhases: { none: 16_100 } };
    expect(timeoutBadge(unphased)).toBe('12 % time out');
    expect(sayTimeouts(unphased)).toBe('12 % of calls time out');
    expect(timeoutBadge(edgeOf('checkout', 'inventory'))).toBeNull();
    expect(sayTimeouts(edgeOf('checkout', 'inventory'))).toBeNull();
  });

  it('draw an edge from the right of its caller to the left of its callee, short of it by the arrow', () => {
    const path = edgePath({ x: 0, y: 0 }, { x: COLUMN_PITCH, y: 50 }, []);
    expect(path.startsWith(`M${NODE_WIDTH / 2},0C`)).toBe(true);
    expect(path.endsWith(`${COLUMN_PITCH - NODE_WIDTH / 2 - 8},50`)).toBe(true);
  });
});

describe('calls chosen by how long they took', () => {
  const bucket = (minMs: number, maxMs: number, calls = 1) => ({
    minMs,
    maxMs,
    calls,
    errors: 1,
    timeouts: 0,
  });
  const buckets = [bucket(1, 2), bucket(2, 4), bucket(4, 8)];

  it('are those of every bucket that is touched', () => {
    expect(bucketsWithin(buckets, 1.5, 3)).toEqual([0, 1]);
    expect(bucketsWithin(buckets, 2, 4)).toEqual([1, 1]);
    expect(bucketsWithin(buckets, 0.1, 100)).toEqual([0, 2]);
    expect(bucketsWithin(buckets, 8, 100)).toBeNull();
    expect(bucketsWithin([], 1, 2)).toBeNull();
  });

  it('are counted together', () => {
    expect(sayDurations(buckets.slice(1))).toEqual({ minMs: 2, maxMs: 8, calls: 2, errors: 2, timeouts: 0 });
    expect(sayDurations([])).toBeNull();
  });

  it('are found by a query that the collector reads as it was meant', () => {
    const q = `${edgeQuery('a b', 'c(1)')} ${durationQuery(0.0025, 1250)}`;
    expect(parseQuery(q)).toMatchObject({
      terms: [
        { key: 'edge', value: 'a b->c(1)' },
        { key: 'duration', comparison: '>=', value: 0.0025 },
        { key: 'duration', comparison: '<', value: 1250 },
      ],
    });
    expect(parseQuery(edgeQuery('say "hi"', 'b\\c'))).toMatchObject({ value: 'say "hi"->b\\c' });
    expect(edgeQuery('checkout', 'payments')).toBe('edge:checkout->payments');
  });
});

describe('the path of a trace', () => {
  const edges = [
    { from: null, to: 'gateway', calls: 1, errors: 0, timeouts: 0 },
    { from: 'gateway', to: 'checkout', calls: 1, errors: 0, timeouts: 0 },
    { from: 'checkout', to: 'gone', calls: 1, errors: 0, timeouts: 0 },
  ];
  const trace = { traceId: '1', startedAt: shop.from, durationMs: 1, edges };
  const diagnosed = (edge: string) =>
    ({ traceId: '1', complete: true, verdicts: [{ origin: { edge } }] }) as unknown as Diagnosis;

  it('is what of it is on the map', () => {
    const path = findTracePath(shop, trace, null);
    expect([...path.path]).toEqual(['gateway->checkout']);
    expect(path).toMatchObject({ found: 1, total: 3, origin: null });
  });

  it('begins at the user where the map has one', () => {
    const user = { ...shop.nodes[0]!, id: 'user (outside)', kind: 'user' as const };
    const entry = { ...shop.edges[0]!, from: user.id, to: 'gateway' };
    const map = { ...shop, nodes: [...shop.nodes, user], edges: [...shop.edges, entry] };
    expect([...findTracePath(map, trace, null).path][0]).toBe('user (outside)->gateway');
  });

  it('has its origin on an edge, in a service, or nowhere that is shown', () => {
    const origin = (edge: string) => findTracePath(shop, trace, diagnosed(edge)).origin;
    expect(origin('checkout->payments')).toBe('edge:checkout->payments');
    expect(origin('checkout')).toBe('node:checkout');
    expect(origin('checkout->gone')).toBeNull();
  });
});

describe('news of a map', () => {
  it('are what was not there before, and nothing that only changed its numbers', () => {
    const grown = {
      ...shop,
      nodes: [...shop.nodes, { ...shop.nodes[0]!, id: 'new' }],
      edges: [...shop.edges, { ...shop.edges[0]!, to: 'new' }, { ...shop.edges[0]!, from: 'new' }],
    };
    expect(describeNews(shop, grown)).toBe('1 new node and 2 new edges');
    expect(describeNews(grown, shop)).toBeNull();
    const busier = { ...shop, nodes: shop.nodes.map((node) => ({ ...node, calls: node.calls + 1 })) };
    expect(describeNews(shop, busier)).toBeNull();
  });
});

describe('arrow keys on the map', () => {
  const layout = layoutMap({ nodes: shop.nodes.map((node) => node.id), edges: shop.edges });
  const map = { nodes: layout.nodes, edges: shop.edges };

  it('walk from a caller over the edge to the callee, and back', () => {
    const edge = { edge: { from: 'payments', to: 'ledger' } };
    expect(walk(map, edge, 'ArrowRight')).toEqual({ node: 'ledger' });
    expect(walk(map, { node: 'ledger' }, 'ArrowLeft')).toEqual(edge);
    expect(walk(map, edge, 'ArrowLeft')).toEqual({ node: 'payments' });
  });

  it('go through all edges of a caller from top to bottom', () => {
    const first = walk(map, { node: 'checkout' }, 'ArrowRight')!;
    const seen = new Set([formatSelection(first)]);
    for (const key of ['ArrowUp', 'ArrowDown'] as const) {
      for (let at = walk(map, first, key); at; at = walk(map, at, key)) seen.add(formatSelection(at));
    }
    expect(seen.size).toBe(3);
  });

  it('find calls of a service to itself among its others, and are not held by them', () => {
    const self = { ...shop.edges[0]!, from: 'payments', to: 'payments' };
    const withSelf = { ...map, edges: [self, ...map.edges] };
    const onwards = walk(map, { node: 'payments' }, 'ArrowRight')!;
    expect(walk(withSelf, { node: 'payments' }, 'ArrowRight')).toEqual(onwards);
    const seen = new Set<string>();
    for (const key of ['ArrowUp', 'ArrowDown'] as const) {
      for (let at = walk(withSelf, onwards, key); at; at = walk(withSelf, at, key))
        seen.add(formatSelection(at));
    }
    expect(seen).toContain('edge:payments->payments');
    const alone = { ...map, edges: [self] };
    expect(walk(alone, { node: 'payments' }, 'ArrowRight')).toEqual({
      edge: { from: 'payments', to: 'payments' },
    });
  });

  it('go to the next node of the column', () => {
    const below = walk(map, { node: 'checkout' }, 'ArrowDown') ?? walk(map, { node: 'checkout' }, 'ArrowUp');
    expect(layout.nodes[(below as { node: string }).node]?.x).toBe(layout.nodes['checkout']?.x);
  });

  it('stay where there is nowhere to go', () => {
    expect(walk(map, { node: 'items' }, 'ArrowRight')).toBeNull();
    expect(walk(map, { node: 'gateway' }, 'ArrowLeft')).toBeNull();
  });

  it('reach what the URL names, if it is on the map', () => {
    expect(findSelection('edge:checkout->payments', shop.nodes, shop.edges)).toEqual({
      edge: { from: 'checkout', to: 'payments' },
    });
    expect(findSelection('node:gateway', shop.nodes, shop.edges)).toEqual({ node: 'gateway' });
    expect(findSelection('node:gone', shop.nodes, shop.edges)).toBeNull();
    expect(findSelection(undefined, shop.nodes, shop.edges)).toBeNull();
  });
});
