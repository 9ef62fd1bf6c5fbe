/** Maps too deep or too wide to be read as a whole: folded to the shape of their place, their lines beside the nodes. */
import { describe, expect, it } from 'vitest';
import { createArrangement } from '../../ui/map/arrange.svelte.ts';
import type { MapPart } from '../../ui/map/choose.ts';
import { NODE_HEIGHT, NODE_WIDTH, ROW_PITCH } from '../../ui/map/draw.ts';
import { edgeCurve, isBackward, sampleCurve } from '../../ui/map/edge-curve.ts';
import { chooseShape, foldLayers } from '../../ui/map/fold-layers.ts';
import {
  boundsOf,
  COLUMN_PITCH,
  edgeKey,
  layoutMap,
  type Graph,
  type Layout,
  type Point,
} from '../../ui/map/layout.ts';

const name = (index: number) => `s${String(index).padStart(2, '0')}`;
const names = (count: number) => Array.from({ length: count }, (_, index) => name(index));
const pairs = (count: number, calls: (from: number, to: number) => boolean) =>
  names(count).flatMap((from, i) => names(count).flatMap((to, j) => (calls(i, j) ? [{ from, to }] : [])));

const chain = (count: number): Graph => ({
  nodes: names(count),
  edges: pairs(count, (from, to) => to === from + 1),
});
const fan = (count: number): Graph => ({ nodes: names(count), edges: pairs(count, (from) => from === 0) });
const graphs: Record<string, Graph> = {
  'a chain': chain(40),
  'a chain with short cuts and a way back': {
    nodes: names(40),
    edges: [
      ...chain(40).edges,
      { from: name(3), to: name(6) },
      { from: name(5), to: name(30) },
      { from: name(20), to: name(10) },
    ],
  },
  'one caller of all': fan(58),
  'three layers': {
    nodes: names(57),
    edges: pairs(57, (from, to) => Math.floor(to / 19) === Math.floor(from / 19) + 1 && (from * to) % 9 < 2),
  },
  'services that all call each other': { nodes: names(20), edges: pairs(20, (from, to) => from !== to) },
};
const all = Object.entries(graphs);

/** How large it is drawn where there are 1200 × 480 px. */
function scaleOf(layout: Layout): number {
  const { left, right, top, bottom } = boundsOf(layout);
  return Math.min(1200 / (right - left + NODE_WIDTH), 480 / (bottom - top + NODE_HEIGHT));
}

/** Nodes that stand on another. */
function nodesOver(layout: Layout): Point[] {
  const points = Object.values(layout.nodes);
  const isOver = (a: Point, b: Point) =>
    Math.abs(a.x - b.x) < NODE_WIDTH && Math.abs(a.y - b.y) < ROW_PITCH - 1e-6;
  return points.flatMap((a, index) => points.slice(index + 1).filter((b) => isOver(a, b)));
}

/** Lines that run behind a node, their own two apart from where they begin and end. */
function linesBehind(graph: Graph, layout: Layout): string[] {
  return graph.edges.flatMap((edge) => {
    const [from, to] = [layout.nodes[edge.from]!, layout.nodes[edge.to]!];
    const line = sampleCurve(edgeCurve(from, to, layout.routes[edgeKey(edge)] ?? []), 4);
    const covered = graph.nodes.filter((node) => {
      const { x, y } = layout.nodes[node]!;
      const isIn = (point: { x: number; y: number }) =>
        Math.abs(point.x - x) < NODE_WIDTH / 2 - 1 && Math.abs(point.y - y) < NODE_HEIGHT / 2 - 1;
      return line.some(isIn);
    });
    return covered.map((node) => `${edgeKey(edge)} behind ${node}`);
  });
}

/** Calls and services that come one after the other: short cuts, a way back, a chain of new ones, one that calls in. */
function grow({ nodes, edges }: Graph): Graph[] {
  const calls = ['s05>s08', 's02>s17', 's18>s04', 's03>new0', 'new0>new1', 'new1>s01', 'in>s06', 's01>new0'];
  return calls.map((_, index) => {
    const come = calls.slice(0, index + 1).map((call) => call.split('>') as [string, string]);
    const known = new Set(edges.map(edgeKey));
    const added = come.map(([from, to]) => ({ from, to })).filter((edge) => !known.has(edgeKey(edge)));
    return { nodes: [...new Set([...nodes, ...come.flat()])], edges: [...edges, ...added] };
  });
}

/** The places of one map as the page keeps them. */
function arrangements() {
  const arrangement = createArrangement();
  const arrange = ({ nodes, edges }: Graph) =>
    arrangement.arrange({ nodes: nodes.map((id) => ({ id })), edges } as unknown as MapPart, false, 'a map');
  return { arrange, layoutNow: () => arrangement.layout! };
}

describe('a map that cannot be read as a whole', () => {
  it.each(all)('is folded until it can: %s', (_, graph) => {
    expect(scaleOf(layoutMap(graph))).toBeGreaterThan(0.6);
  });

  it.each(all)('has no node on another: %s', (_, graph) => {
    const layout = layoutMap(graph);
    expect(nodesOver(layout)).toEqual([]);
    expect(Object.keys(layout.nodes)).toHaveLength(graph.nodes.length);
  });

  it.each(all)('has no line behind a node: %s', (_, graph) => {
    expect(linesBehind(graph, layoutMap(graph))).toEqual([]);
  });

  it('is read like text: to the right, and on in the next line', () => {
    const { nodes } = layoutMap(chain(40));
    for (const { from, to } of chain(40).edges) {
      const [a, b] = [nodes[from]!, nodes[to]!];
      expect(b.x > a.x ? b.y === a.y : b.y > a.y && b.x === 0, `${from}->${to}`).toBe(true);
    }
  });

  it('has its calls enter their callees from the left, also those that lead back', () => {
    const { nodes, routes } = layoutMap(chain(40));
    const wrapped = chain(40).edges.filter(({ from, to }) => nodes[to]!.x < nodes[from]!.x);
    expect(wrapped.length).toBeGreaterThan(2);
    for (const edge of wrapped) {
      const [from, to, route] = [nodes[edge.from]!, nodes[edge.to]!, routes[edgeKey(edge)]!];
      expect(isBackward(from, to, route)).toBe(false);
      const [beforeX = 0, beforeY, endX = 0, endY] = edgeCurve(from, to, route).slice(-4);
      expect([beforeX < endX, beforeY, endY]).toEqual([true, to.y, to.y]);
    }
  });

  it.each(all)(
    'keeps its places and lines while calls and services come, none behind another: %s',
    (_, graph) => {
      let layout = layoutMap(graph);
      for (const grown of grow(graph)) {
        const before = layout;
        layout = layoutMap(grown, before);
        expect(layout.nodes).toMatchObject(before.nodes);
        expect(layout.routes).toMatchObject(before.routes);
        expect(linesBehind(grown, layout)).toEqual([]);
        expect(nodesOver(layout)).toEqual([]);
        const drawnBackward = grown.edges.filter(
          (edge) =>
            edge.from !== edge.to &&
            isBackward(layout.nodes[edge.from]!, layout.nodes[edge.to]!, layout.routes[edgeKey(edge)] ?? []),
        );
        expect(drawnBackward).toEqual([]);
      }
      expect(Object.keys(layout.nodes)).toHaveLength(graph.nodes.length + 3);
    },
  );

  it('has new calls routed wherever it is arranged again, also after fewer were shown', async () => {
    const { arrange, layoutNow } = arrangements();
    await arrange(chain(40));
    await arrange(chain(30));
    const call = { from: 's05', to: 's08' };
    await arrange({ ...chain(40), edges: [...chain(40).edges, call] });
    expect(layoutNow().nodes).toEqual(layoutMap(chain(40)).nodes);
    expect(layoutNow().routes[edgeKey(call)]).not.toBeUndefined();
  });

  it('has a new call in a lane of its own', () => {
    const [from, a, b, to] = ['s02', 's03', 's04', 's06'] as const;
    const before = layoutMap({ ...chain(40), edges: [...chain(40).edges, { from: a, to }] });
    const edges = [...chain(40).edges, { from: a, to }, { from, to: b }, { from, to }];
    const { routes } = layoutMap({ ...chain(40), edges }, before);
    const lanes = [`${a}->${to}`, `${from}->${b}`, `${from}->${to}`].flatMap((key) => routes[key]!);
    expect(new Set(lanes.map(({ x, y }) => `${x} ${y}`)).size).toBe(lanes.length);
  });

  it('keeps the place of a node that is not shown now', () => {
    const before = layoutMap(chain(40));
    const without = layoutMap({ nodes: names(39), edges: chain(39).edges }, before);
    expect(without.nodes[name(39)]).toBeUndefined();
    expect(layoutMap(chain(40), without).nodes).toEqual(before.nodes);
  });
});

describe('a map that can be read', () => {
  it('is left as it is', () => {
    const { nodes } = layoutMap(chain(7));
    expect(names(7).map((node) => nodes[node])).toEqual(
      names(7).map((_, index) => ({ x: index * COLUMN_PITCH, y: 0 })),
    );
  });

  it('is one that fits at half its size', () => {
    const sizes = [10, 10, 10];
    expect(chooseShape(sizes, { width: 2400, height: 960 })).toBeNull();
    expect(chooseShape(sizes, { width: 2401, height: 960 })).not.toBeNull();
    expect(chooseShape(sizes, { width: 2400, height: 961 })).not.toBeNull();
  });

  it('is none of hundreds of nodes, folded or not', () => {
    expect(chooseShape([50, 50], { width: 500, height: 5000 })).not.toBeNull();
    expect(chooseShape([50, 51], { width: 500, height: 5000 })).toBeNull();
  });

  it('of nothing is nothing', () => {
    expect(chooseShape([], { width: 0, height: 0 })).toBeNull();
    expect(chooseShape([0], { width: 0, height: 0 })).toBeNull();
  });
});

it('a tall layer is dealt to its columns in turn, and columns wrap into bands', () => {
  const layers = [['a'], ['b', 'c', 'd', 'e', 'f'], ['g']];
  expect(foldLayers(layers, { rowsMax: 3, columnsMax: 3 })).toEqual([
    [['a'], ['b', 'd', 'f'], ['c', 'e']],
    [['g']],
  ]);
});
