import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { Diagnosis, MapEdge, ServiceMap } from '../../collector/serve/wire.ts';
import { placeBadges, rectAround, type Rect } from '../../ui/map/badges.ts';
import { compareBudgets, flagBudgets } from '../../ui/map/budgets.ts';
import { chooseBadges } from '../../ui/map/badge-texts.ts';
import { FOLD_ID, keepUnhealthy, keepWorst, placeFold } from '../../ui/map/choose.ts';
import {
  edgeWidth,
  failureStep,
  latencyStep,
  NODE_HEIGHT,
  NODE_WIDTH,
  ringShares,
  ROW_PITCH,
  sayTimeouts,
  timeoutBadge,
  timeoutBadges,
} from '../../ui/map/draw.ts';
import { edgePath, sampleEdge } from '../../ui/map/edge-curve.ts';
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

describe('a line that is sampled', () => {
  it('runs from the right of its caller to the left of its callee, through its waypoints', () => {
    const points = sampleEdge(
      { x: 0, y: 0 },
      { x: 2 * COLUMN_PITCH, y: 50 },
      [{ x: COLUMN_PITCH, y: 80 }],
      8,
    );
    expect(points[0]).toEqual({ x: NODE_WIDTH / 2, y: 0 });
    expect(points.at(-1)).toEqual({ x: 2 * COLUMN_PITCH - NODE_WIDTH / 2, y: 50 });
    expect(points).toContainEqual({ x: COLUMN_PITCH, y: 80 });
  });

  it('against the flow runs below its nodes', () => {
    const points = sampleEdge({ x: COLUMN_PITCH, y: 0 }, { x: 0, y: 0 }, [], 8);
    expect(Math.max(...points.map((point) => point.y))).toBeGreaterThan(NODE_HEIGHT);
  });
});

describe('badges', () => {
  const place = ([x, y]: [number, number]) => ({ x, y });
  const caller = place([0, 0]);
  const box = (at: { x: number; y: number }) => rectAround(at, NODE_WIDTH, NODE_HEIGHT);
  const apart = (a: Rect, b: Rect) =>
    a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const spread = (callees: { x: number; y: number }[]) => {
    const badges = callees.map((callee) => ({ widths: [104], line: sampleEdge(caller, callee, [], 8) }));
    const nodes = [caller, ...callees].map(box);
    const places = placeBadges(
      badges,
      nodes,
      badges.map((badge) => badge.line),
    ).map(({ at }) => at);
    return { nodes, badges, places, rects: places.map((at) => rectAround(at, 104)) };
  };

  it.each([
    [[[1, 0]]],
    [
      [
        [1, -76],
        [1, 0],
        [1, 76],
      ],
    ],
    [
      [
        [1, 38],
        [1, 114],
      ],
    ],
    [
      [
        [1, 76],
        [2, 150],
      ],
    ],
  ] as [number, number][][][])('of lines to %j hide neither each other nor a node', (callees) => {
    const { nodes, rects } = spread(callees.map(([column, y]) => place([column * COLUMN_PITCH, y])));
    for (const [index, rect] of rects.entries()) {
      expect(nodes.every((node) => apart(rect, node))).toBe(true);
      expect(rects.slice(index + 1).every((other) => apart(rect, other))).toBe(true);
    }
  });

  it('stand nearer to their own line than to another', () => {
    const { badges, places } = spread([place([COLUMN_PITCH, -76]), place([COLUMN_PITCH, 76])]);
    const distance = (at: { x: number; y: number }, line: readonly { x: number; y: number }[]) =>
      Math.min(...line.map((point) => Math.hypot(point.x - at.x, point.y - at.y)));
    expect(distance(places[0]!, badges[0]!.line)).toBeLessThan(distance(places[0]!, badges[1]!.line));
    expect(distance(places[1]!, badges[1]!.line)).toBeLessThan(distance(places[1]!, badges[0]!.line));
  });

  it('of a caller whose thirty callees all time out all find a place, shorter where it is crowded', () => {
    const callees = Array.from({ length: 30 }, (_, row) => place([COLUMN_PITCH, (row - 14.5) * ROW_PITCH]));
    const lines = callees.map((callee) => sampleEdge(caller, callee, [], 16));
    for (const grown of [1, 1.6]) {
      const places = placeBadges(
        lines.map((line) => ({ widths: [104, 74, 22], line })),
        [caller, ...callees].map(box),
        lines,
        grown,
      );
      const rects = places.map(({ at, size }) =>
        rectAround(at, (([104, 74, 22][size] ?? 0) - 1) * grown, 21 * grown),
      );
      expect(new Set(places.map(({ size }) => size)).size).toBeGreaterThan(1);
      for (const [index, rect] of rects.entries()) {
        expect([caller, ...callees].every((node) => apart(rect, box(node)))).toBe(true);
        expect(rects.slice(index + 1).every((other) => apart(rect, other))).toBe(true);
      }
    }
  });

  it('leave a flat line visible', () => {
    const { places } = spread([place([COLUMN_PITCH, 0])]);
    expect(places[0]!.y).not.toBe(0);
  });
});

describe('budgets', () => {
  it('that outlast what the caller is given are flagged with who gives it', () => {
    expect(compareBudgets(edgeOf('checkout', 'payments'), shop.edges)).toEqual([
      { budgetMs: 3000, outlasts: null },
      { budgetMs: 5000, outlasts: { caller: 'gateway', budgetMs: 3500 } },
    ]);
  });

  it('that cannot hold are found over the whole map, the longest of an edge', () => {
    expect(
      flagBudgets(shop.edges).map(({ edge, budgetMs, outlasts }) => [edge.from, edge.to, budgetMs, outlasts]),
    ).toEqual([['checkout', 'payments', 5000, { caller: 'gateway', budgetMs: 3500 }]]);
  });

  it('as long as the outer one outlast it', () => {
    const edge = { ...edgeOf('checkout', 'payments'), budgetsMs: [3500] };
    expect(compareBudgets(edge, shop.edges)[0]?.outlasts).not.toBeNull();
  });
});

describe('badges', () => {
  const texts = (...given: Parameters<typeof chooseBadges>) =>
    chooseBadges(...given).badges.map(
      ({ edge, look, texts: [text] }) => `${look} ${edge.from}->${edge.to}: ${text}`,
    );

  it('say what times out, and which budget outlasts what its caller is given', () => {
    expect(texts(shop.edges, null)).toEqual([
      'timeout checkout->payments: 12 % connect',
      'budget checkout->payments: 5 s > 3.5 s',
    ]);
  });

  it('are on every edge that times out, and say of how many where there are very many', () => {
    const edge = edgeOf('checkout', 'payments');
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ ...edge, to: `s${index}`, budgetsMs: [] }));
    expect(chooseBadges(many(100), null)).toMatchObject({ badges: { length: 100 }, cut: null });
    expect(chooseBadges(many(101), null)).toMatchObject({
      badges: { length: 100 },
      cut: 'badges on 100 of 101 edges that time out',
    });
    const outer = { ...edge, from: 'user', to: 'checkout', timeouts: 0, budgetsMs: [1] };
    expect(chooseBadges([outer, ...many(99), { ...edge, to: 'a' }, edge], null).cut).toBe(
      'badges on 100 of 101 edges that time out, badges on 0 of 2 budgets that cannot hold',
    );
  });

  it('become shorter, down to an hourglass', () => {
    const edge = edgeOf('checkout', 'payments');
    expect(timeoutBadges(edge)).toEqual(['12 % connect', 'connect', '']);
    expect(timeoutBadges({ ...edge, timeoutPhases: {} })).toEqual(['12 % time out', '12 %', '']);
    expect(timeoutBadges({ ...edge, timeouts: 0 })).toEqual([]);
  });

  it('of a shown trace say where it started, and nothing of what it did not touch', () => {
    const origin = 'edge:payments->ledger';
    expect(texts(shop.edges, { path: new Set(['payments->ledger']), origin })).toEqual([
      'origin payments->ledger: origin',
    ]);
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

describe('a large map', () => {
  it('is whole when it is small enough', () => {
    expect(keepWorst(shop, shop.nodes.length)).toBe(shop);
  });

  it('keeps what times out, with both ends', () => {
    const part = keepWorst(shop, 2);
    expect(part.nodes.map((node) => node.id)).toEqual(['checkout', 'payments']);
    expect(part.edges).toHaveLength(1);
  });

  it('has as many nodes as it may', () => {
    expect(keepWorst(shop, 5).nodes).toHaveLength(5);
  });

  it('begins with the origins, whatever else fails more', () => {
    const ids = (origins: string[]) => keepWorst(shop, 2, origins).nodes.map((node) => node.id);
    expect(ids(['payments->bank.example']).toSorted()).toEqual(['bank.example', 'payments']);
    expect(ids(['search', 'gone->away', 'catalog']).toSorted()).toEqual(['catalog', 'search']);
  });

  it('shows what is around an origin before what is elsewhere', () => {
    const { nodes } = keepWorst(shop, 4, ['payments->ledger']);
    const ids = nodes.map((node) => node.id);
    expect(ids).toEqual(expect.arrayContaining(['payments', 'ledger', 'checkout']));
  });

  it('has all of a trace that is shown, however long', () => {
    const path = new Set([
      'gateway->catalog',
      'catalog->items',
      'gateway->search',
      'search->index',
      'payments->ledger',
      'checkout->shipping',
      'checkout->inventory',
    ]);
    const ids = new Set(keepWorst(shop, 10, ['payments->bank.example'], path).nodes.map((node) => node.id));
    for (const key of path) for (const end of key.split('->')) expect(ids).toContain(end);
  });

  it('has no edge whose end it leaves out', () => {
    for (let most = 2; most <= shop.nodes.length; most++) {
      const { nodes, edges } = keepWorst(shop, most);
      const kept = new Set(nodes.map((node) => node.id));
      expect(kept.size).toBeLessThanOrEqual(most);
      expect(edges.every((edge) => kept.has(edge.from) && kept.has(edge.to))).toBe(true);
    }
  });

  it('has what it leaves out below the rest, where it stays', () => {
    const layout = layoutMap({ nodes: shop.nodes.map((node) => node.id), edges: shop.edges });
    const placed = placeFold(layout, null);
    const lowest = Math.max(...Object.values(layout.nodes).map((point) => point.y));
    expect(placed.nodes[FOLD_ID]!.y).toBeGreaterThan(lowest);
    const fewer = layoutMap({ nodes: ['gateway'], edges: [] });
    expect(placeFold(fewer, placed).nodes[FOLD_ID]).toEqual(placed.nodes[FOLD_ID]);
  });

  it('can be cut down to what fails', () => {
    const part = keepUnhealthy(shop);
    expect(part.edges.every((edge) => edge.timeouts + edge.errors > 0)).toBe(true);
    expect(part.nodes.map((node) => node.id)).toContain('payments');
    expect(part.nodes.map((node) => node.id)).not.toContain('items');
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
