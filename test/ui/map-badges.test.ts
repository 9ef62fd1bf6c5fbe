/** What stands on the lines of the map: where it stands, and what it says of timeouts, budgets and origins. */
import { describe, expect, it } from 'vitest';
import type { MapEdge, ServiceMap } from '../../collector/serve/wire.ts';
import { createBadgePlacer, rectAround, type Rect } from '../../ui/map/badges.ts';
import { compareBudgets, flagBudgets } from '../../ui/map/budgets.ts';
import { badgeShares, chooseBadges } from '../../ui/map/badge-texts.ts';
import { NODE_HEIGHT, NODE_WIDTH, failureBadges, ROW_PITCH, timeoutBadges } from '../../ui/map/draw.ts';
import { sampleEdge } from '../../ui/map/edge-curve.ts';
import { COLUMN_PITCH } from '../../ui/map/layout.ts';
import fixture from './fixtures/map-shop.json';

const shop = fixture as ServiceMap;
const edgeOf = (from: string, to: string): MapEdge =>
  shop.edges.find((edge) => edge.from === from && edge.to === to)!;

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
  const placeBadges = (...placed: Parameters<typeof createBadgePlacer>) =>
    createBadgePlacer(...placed).placeFirst(Infinity);
  const place = ([x, y]: [number, number]) => ({ x, y });
  const caller = place([0, 0]);
  const box = (at: { x: number; y: number }) => rectAround(at, NODE_WIDTH, NODE_HEIGHT);
  const apart = (a: Rect, b: Rect) =>
    a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  const spread = (callees: { x: number; y: number }[]) => {
    const badges = callees.map((callee) => ({
      widths: [104],
      line: sampleEdge(caller, callee, [], 8),
      share: 0.35,
    }));
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
        lines.map((line) => ({ widths: [104, 74, 22], line, share: 0.35 })),
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

  it('have the same places, whether they are placed at once or one after the other', () => {
    const callees = Array.from({ length: 12 }, (_, row) => place([COLUMN_PITCH, (row - 5.5) * ROW_PITCH]));
    const lines = callees.map((callee) => sampleEdge(caller, callee, [], 16));
    const badges = lines.map((line) => ({ widths: [104, 22], line, share: 0.35 }));
    const placer = createBadgePlacer(badges, callees.map(box), lines);
    expect(placer.placeFirst(0)).toEqual([]);
    for (let count = 1; count < 12; count++) expect(placer.placeFirst(count)).toHaveLength(count);
    expect(placer.placeFirst(20)).toEqual(placeBadges(badges, callees.map(box), lines));
  });

  it('of a caller with ten callees stand on their own lines near the callees, and keep their share', () => {
    const callees = Array.from({ length: 10 }, (_, row) =>
      place([1.5 * COLUMN_PITCH, (row - 4.5) * ROW_PITCH]),
    );
    const lines = callees.map((callee) => sampleEdge(caller, callee, [], 16));
    const edges = callees.map((_, row) => ({ from: 'a', to: `b${row}` }));
    const shares = badgeShares(edges);
    const places = placeBadges(
      lines.map((line, row) => ({ widths: [96, 66, 22], line, share: shares.get(`a->b${row}`)! })),
      [caller, ...callees].map(box),
      lines,
    );
    for (const [row, { at, size }] of places.entries()) {
      expect(size).toBeLessThan(2);
      expect(at.x).toBeGreaterThan((1.5 * COLUMN_PITCH) / 2);
      const rect = rectAround(at, [96, 66][size]!);
      expect(
        lines[row]!.some(
          ({ x, y }) => x > rect.left && x < rect.right && y > rect.top - 8 && y < rect.bottom + 8,
        ),
      ).toBe(true);
    }
  });

  it('stand near whichever end fewer lines share, of one and one nearer to the caller that waited', () => {
    const shares = badgeShares([
      { from: 'a', to: 'b' },
      { from: 'a', to: 'c' },
      { from: 'd', to: 'c' },
      { from: 'e', to: 'c' },
      { from: 'c', to: 'f' },
    ]);
    expect([...shares].map(([key, share]) => `${key} ${share > 0.5 ? 'callee' : 'caller'}`)).toEqual([
      'a->b callee',
      'a->c caller',
      'd->c caller',
      'e->c caller',
      'c->f caller',
    ]);
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
    expect(timeoutBadges(edge)).toEqual(['12 % connect', '12 %', '']);
    expect(timeoutBadges({ ...edge, timeoutPhases: {} })).toEqual(['12 % time out', '12 %', '']);
    expect(timeoutBadges({ ...edge, timeouts: 0 })).toEqual([]);
  });

  it('say what fails otherwise, after what times out, where that is more than a fifth of the calls', () => {
    const edge = { ...edgeOf('checkout', 'payments'), timeouts: 0, calls: 10, budgetsMs: [] };
    const edges = [
      { ...edge, to: 'a', errors: 2 },
      { ...edge, to: 'b', errors: 3 },
      { ...edge, to: 'c', errors: 10 },
      { ...edge, to: 'd', timeouts: 1, errors: 9, timeoutPhases: {} },
    ];
    expect(texts(edges, null)).toEqual([
      'timeout checkout->d: 10 % time out',
      'error checkout->c: 100 % fail',
      'error checkout->b: 30 % fail',
    ]);
    expect(failureBadges(edges[2]!)).toEqual(['100 % fail', '100 %', '']);
  });

  it('of a shown trace say where it started, and nothing of what it did not touch', () => {
    const origin = 'edge:payments->ledger';
    expect(texts(shop.edges, { path: new Set(['payments->ledger']), origin })).toEqual([
      'origin payments->ledger: origin',
    ]);
  });
});
