/** What a large map is painted from, what is found under a pointer, and that nothing is painted that is not in view. */
import { describe, expect, it } from 'vitest';
import type { MapEdge, MapNode, ServiceMap } from '../../collector/serve/wire.ts';
import { NODE_HEIGHT, NODE_WIDTH, ROW_PITCH } from '../../ui/map/draw.ts';
import { edgeCurve, pointOn, sampleCurve } from '../../ui/map/edge-curve.ts';
import { createHitIndex } from '../../ui/map/hit-index.ts';
import { layoutMap, type Layout } from '../../ui/map/layout.ts';
import { paintMap } from '../../ui/map/paint.ts';
import type { Frame } from '../../ui/map/painted-frame.ts';
import { buildScene, overlaps, type MapParts } from '../../ui/map/scene.ts';
import fixture from './fixtures/map-shop.json';

const shop = fixture as ServiceMap;
const layout = layoutMap({ nodes: shop.nodes.map((node) => node.id), edges: shop.edges });
const sceneOf = (more: Partial<MapParts> = {}) =>
  buildScene({ nodes: shop.nodes, edges: shop.edges, layout, colour: 'p95', path: null, ...more });

describe('the scene of a map', () => {
  it('has every edge in one bucket, with others of its look', () => {
    const { buckets, edges } = sceneOf();
    expect(
      buckets
        .flatMap((bucket) => bucket.edges)
        .map(({ key }) => key)
        .toSorted(),
    ).toEqual(edges.map(({ key }) => key).toSorted());
    const looks = buckets.map(({ step, width, faded }) => `${step} ${width} ${faded}`);
    expect(new Set(looks).size).toBe(looks.length);
  });

  it('has what times out over what works', () => {
    const steps = sceneOf().buckets.map(({ step }) => step);
    expect(steps.indexOf(null)).toBe(steps.filter((step) => step !== null).length);
  });

  it('has edges most of whose calls fail below what times out and over what works, with a badge', () => {
    const [first] = shop.edges as [MapEdge];
    const failing = { ...first, timeouts: 0, errors: first.calls };
    const { buckets, worst } = sceneOf({ edges: [failing, ...shop.edges.slice(1)] });
    expect(buckets.map(({ step }) => typeof step).lastIndexOf('number')).toBeLessThan(
      buckets.findIndex(({ step }) => step === 'failing'),
    );
    expect(buckets.at(-1)?.step).toBeNull();
    expect(worst.at(-1)?.edge).toBe(failing);
  });

  it('has what a trace did not touch below everything, faded, and no badge on it', () => {
    const path = new Set(['gateway->checkout', 'checkout->inventory']);
    const { buckets, nodes, worst } = sceneOf({ path });
    expect(buckets.findIndex(({ faded }) => !faded)).toBe(buckets.filter(({ faded }) => faded).length);
    expect(
      nodes
        .filter(({ faded }) => !faded)
        .map(({ node }) => node.id)
        .toSorted(),
    ).toEqual(['checkout', 'gateway', 'inventory']);
    expect(worst.every(({ key }) => path.has(key))).toBe(true);
  });

  it('leaves out what has no place', () => {
    const [edge] = shop.edges as [MapEdge];
    expect(sceneOf({ edges: [{ ...edge, to: 'gone' }] }).edges).toEqual([]);
  });

  it("has a service's calls to itself as a loop below it, that touches neither it nor the row below", () => {
    const [edge] = shop.edges as [MapEdge];
    const { edges } = sceneOf({ edges: [{ ...edge, to: edge.from, timeouts: 1 }] });
    const { x, y } = layout.nodes[edge.from]!;
    expect(edges).toMatchObject([{ key: `${edge.from}->${edge.from}`, isBackward: true }]);
    const points = sampleCurve(edges[0]!.curve, 4);
    expect(
      points.every((point) => point.y >= y + NODE_HEIGHT / 2 && Math.abs(point.x - x) < NODE_WIDTH / 2),
    ).toBe(true);
    const lowest = Math.max(...points.map((point) => point.y));
    expect(lowest).toBeGreaterThan(y + NODE_HEIGHT / 2 + 10);
    expect(lowest).toBeLessThan(y + ROW_PITCH - NODE_HEIGHT / 2);
  });

  it('bounds every edge', () => {
    for (const { curve, box } of sceneOf().edges) {
      for (const { x, y } of sampleCurve(curve, 5)) {
        expect(x >= box.left - 1e-6 && x <= box.right + 1e-6).toBe(true);
        expect(y >= box.top - 1e-6 && y <= box.bottom + 1e-6).toBe(true);
      }
    }
  });
});

describe('what is under the pointer', () => {
  const scene = sceneOf();
  const hits = createHitIndex(scene);

  it('is the node, all over its box', () => {
    for (const shape of scene.nodes) {
      const { left, right, top, bottom } = shape.box;
      for (const place of [shape.at, { x: left, y: top }, { x: right, y: bottom }]) {
        expect(hits.at(place, 5)).toBe(shape);
      }
    }
    const [first] = scene.nodes;
    expect(hits.at({ x: first!.box.left - 1, y: first!.box.top - 1 }, 0.5)).toBeNull();
  });

  it('is the nearest edge, and none that is out of reach', () => {
    const found = scene.edges.map((shape) => {
      const on = pointOn(shape.curve, 0.4);
      const hit = hits.at({ x: on.x, y: on.y + 1 }, 9);
      return hit !== null && ('edge' in hit ? hit.key === shape.key : true);
    });
    // Where edges cross, the other may be nearer.
    expect(found.filter(Boolean).length).toBeGreaterThan(0.8 * found.length);
    expect(hits.at({ x: -5_000, y: -5_000 }, 100)).toBeNull();
  });

  it('is found through the index as it is by looking at everything', () => {
    const places = Array.from({ length: 400 }, (_, step) => {
      return { x: ((step * 97) % 1600) - 100, y: ((step * 61) % 900) - 450 };
    });
    const wrong = places.filter((place) => {
      const hit = hits.at(place, 20);
      const node = scene.nodes.find(({ box }) => overlaps(box, around(place, 0.001)));
      if (node) return hit !== node;
      const nearest = Math.min(...scene.edges.map(({ curve }) => distance(place, curve)));
      // Lines are measured between samples: at the very end of the reach either is right.
      return nearest > 21 ? hit !== null : nearest < 19 && hit === null;
    });
    expect(wrong).toEqual([]);
  });

  const around = ({ x, y }: { x: number; y: number }, by: number) => {
    return { left: x - by, right: x + by, top: y - by, bottom: y + by };
  };
  const distance = (place: { x: number; y: number }, curve: readonly number[]) =>
    Math.min(...sampleCurve(curve, 1).map((point) => Math.hypot(point.x - place.x, point.y - place.y)));
});

describe('a point on a curve', () => {
  it('goes from one end to the other', () => {
    const curve = edgeCurve({ x: 0, y: 0 }, { x: 620, y: 100 }, [{ x: 310, y: 40 }]);
    expect(pointOn(curve, 0)).toEqual({ x: 95, y: 0 });
    expect(pointOn(curve, 0.5)).toEqual({ x: 310, y: 40 });
    expect(pointOn(curve, 1)).toEqual({ x: 517, y: 100 });
  });
});

/** A grid of services, each calling the one to its right. */
function grid(columns: number, rows: number): { nodes: MapNode[]; edges: MapEdge[]; layout: Layout } {
  const name = (column: number, row: number) => `s${column}-${row}`;
  const [node] = shop.nodes as [MapNode];
  const [edge] = shop.edges as [MapEdge];
  const places = Array.from(
    { length: columns * rows },
    (_, index) => [index % columns, Math.floor(index / columns)] as const,
  );
  return {
    nodes: places.map(([column, row]) => ({ ...node, id: name(column, row) })),
    edges: places
      .filter(([column]) => column > 0)
      .map(([column, row]) => ({ ...edge, from: name(column - 1, row), to: name(column, row) })),
    layout: {
      nodes: Object.fromEntries(
        places.map(([column, row]) => [name(column, row), { x: column * 310, y: row * 74 }]),
      ),
      routes: {},
    },
  };
}

describe('a painted frame', () => {
  /** Counts what is drawn: jsdom, which the page's tests run in, has no canvas. */
  function paint(k: number, x: number, y: number): Record<string, number> {
    const calls: Record<string, number> = {};
    const context = new Proxy({} as Record<string, unknown>, {
      get: (target, name) =>
        target[String(name)] ??
        ((...given: unknown[]) => {
          calls[String(name)] = (calls[String(name)] ?? 0) + 1;
          return name === 'measureText' ? { width: String(given[0]).length * 6 } : undefined;
        }),
    });
    HTMLCanvasElement.prototype.getContext = () => null;
    globalThis.Path2D ??= class {
      addPath(): void {}
    } as never;
    paintMap({
      context: context as unknown as CanvasRenderingContext2D,
      scene: buildScene({ ...grid(20, 20), colour: 'p95', path: null }),
      view: { k, x, y, width: 1000, height: 600, ratio: 2 },
      palette: {
        surface: '#fff',
        text: '#000',
        muted: '#666',
        line: '#ccc',
        control: '#888',
        accent: '#00f',
        timeout: '#f60',
        error: '#f00',
        ok: '#0a0',
        latency: ['#111', '#222', '#333', '#444', '#555'],
        font: 'sans-serif',
      },
      marks: { selected: null, focused: null, hovered: null, origin: null },
      seconds: 60,
    } satisfies Omit<Frame, 'visible'>);
    return calls;
  }

  it('has only what is in view', () => {
    const close = paint(1, 0, 0);
    // Four columns by nine rows, the ends of those beyond, and nothing of the other 360 nodes.
    expect(close['roundRect']).toBeLessThan(60);
    expect(close['bezierCurveTo']).toBeLessThan(60);
    expect(paint(1, 100_000, 100_000)['bezierCurveTo']).toBeUndefined();
  });

  it('strokes hundreds of edges of one look at once', () => {
    const whole = paint(0.1, 0, 0);
    expect(whole['bezierCurveTo']).toBe(19 * 20);
    expect(whole['stroke']).toBeLessThan(20);
  });

  it('has words where they can be read', () => {
    expect(paint(1, 0, 0)['fillText']).toBeGreaterThan(20);
    expect(paint(0.1, 0, 0)['fillText'] ?? 0).toBeLessThanOrEqual(8);
  });
});
