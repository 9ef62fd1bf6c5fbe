import { describe, expect, it } from 'vitest';
import type { MapEdge, ServiceMap } from '../../collector/serve/wire.ts';
import { placeBadges, rectAround, type Rect } from '../../ui/map/badges.ts';
import { compareBudgets } from '../../ui/map/budgets.ts';
import { keepUnhealthy, keepWorst } from '../../ui/map/choose.ts';
import {
  edgeWidth,
  failureStep,
  latencyStep,
  NODE_HEIGHT,
  NODE_WIDTH,
  ringShares,
  sayTimeouts,
  timeoutBadge,
} from '../../ui/map/draw.ts';
import { edgePath, sampleEdge } from '../../ui/map/edge-curve.ts';
import { COLUMN_PITCH, layoutMap } from '../../ui/map/layout.ts';
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
    expect(edgeWidth(100, 100)).toBe(6);
    expect(edgeWidth(25, 100)).toBe(1.25 + 4.75 / 2);
    expect(edgeWidth(0, 0)).toBe(1.25);
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
    const points = sampleEdge({ x: 0, y: 0 }, { x: 2 * COLUMN_PITCH, y: 50 }, [{ x: COLUMN_PITCH, y: 80 }]);
    expect(points[0]).toEqual({ x: NODE_WIDTH / 2, y: 0 });
    expect(points.at(-1)).toEqual({ x: 2 * COLUMN_PITCH - NODE_WIDTH / 2, y: 50 });
    expect(points).toContainEqual({ x: COLUMN_PITCH, y: 80 });
  });

  it('against the flow runs below its nodes', () => {
    const points = sampleEdge({ x: COLUMN_PITCH, y: 0 }, { x: 0, y: 0 }, []);
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
    const badges = callees.map((callee) => ({ width: 104, line: sampleEdge(caller, callee, []) }));
    const nodes = [caller, ...callees].map(box);
    const places = placeBadges(
      badges,
      nodes,
      badges.map((badge) => badge.line),
    );
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

  it('as long as the outer one outlast it', () => {
    const edge = { ...edgeOf('checkout', 'payments'), budgetsMs: [3500] };
    expect(compareBudgets(edge, shop.edges)[0]?.outlasts).not.toBeNull();
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
