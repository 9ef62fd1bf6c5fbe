import { describe, expect, it } from 'vitest';
import type { MapEdge, ServiceMap } from '../../collector/serve/wire.ts';
import { compareBudgets } from '../../ui/map/budgets.ts';
import { keepUnhealthy, keepWorst } from '../../ui/map/choose.ts';
import {
  badgePoint,
  edgePath,
  edgeWidth,
  failureStep,
  latencyStep,
  NODE_WIDTH,
  ringShares,
  spreadBadges,
  timeoutBadge,
} from '../../ui/map/draw.ts';
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

  it('say what the timeouts of an edge were stuck in', () => {
    expect(timeoutBadge(edgeOf('checkout', 'payments'))).toBe('connect 82 %');
    expect(timeoutBadge({ ...edgeOf('checkout', 'payments'), timeoutPhases: { none: 16_100 } })).toBe(
      '12 % time out',
    );
    expect(timeoutBadge(edgeOf('checkout', 'inventory'))).toBeNull();
  });

  it('draw an edge from the right of its caller to the left of its callee, short of it by the arrow', () => {
    const path = edgePath({ x: 0, y: 0 }, { x: COLUMN_PITCH, y: 50 }, []);
    expect(path.startsWith(`M${NODE_WIDTH / 2},0C`)).toBe(true);
    expect(path.endsWith(`${COLUMN_PITCH - NODE_WIDTH / 2 - 8},50`)).toBe(true);
  });

  it('put the badge into the gap behind the caller, above the line', () => {
    const point = badgePoint({ x: 0, y: 0 }, { x: 3 * COLUMN_PITCH, y: 0 }, [{ x: COLUMN_PITCH, y: 80 }]);
    expect(point.x).toBeCloseTo(COLUMN_PITCH / 2);
    expect(badgePoint({ x: 0, y: 0 }, { x: COLUMN_PITCH, y: 0 }, []).y).toBeLessThan(0);
  });
});

describe('badges', () => {
  it('that would hide each other are moved apart, and others stay', () => {
    const at = (x: number, y: number) => ({ at: { x, y } });
    const spread = spreadBadges([at(0, 0), at(20, 10), at(0, 12), at(200, 5), at(0, 90)]);
    expect(spread.map((badge) => badge.at)).toEqual([
      { x: 0, y: 0 },
      { x: 200, y: 5 },
      { x: 20, y: 25 },
      { x: 0, y: 50 },
      { x: 0, y: 90 },
    ]);
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
