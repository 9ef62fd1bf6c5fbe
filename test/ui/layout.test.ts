import { describe, expect, it } from 'vitest';
import { ROW_PITCH } from '../../ui/map/draw.ts';
import { boundsOf, COLUMN_PITCH, layoutMap, type Graph, type Layout } from '../../ui/map/layout.ts';

/** `a>b b>c`: a graph in a line. */
function graph(text: string): Graph {
  const edges = text.split(' ').map((pair) => {
    const [from = '', to = ''] = pair.split('>');
    return { from, to };
  });
  return { nodes: [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))], edges };
}

const columns = (layout: Layout) =>
  Object.fromEntries(Object.entries(layout.nodes).map(([name, point]) => [name, point.x / COLUMN_PITCH]));

function overlaps(layout: Layout): string[] {
  const nodes = Object.entries(layout.nodes);
  return nodes.flatMap(([name, a], index) =>
    nodes
      .slice(index + 1)
      .filter(([, b]) => Math.abs(a.x - b.x) < COLUMN_PITCH / 2 && Math.abs(a.y - b.y) < ROW_PITCH - 1e-6)
      .map(([other]) => `${name} over ${other}`),
  );
}

/** Layers of services that call a few of the next: seeded, so that a failure can be seen again. */
function randomGraph(nodes: number, edges: number, seed: number): Graph {
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const names = Array.from({ length: nodes }, (_, index) => `s${index}`);
  const pairs = Array.from({ length: edges }, () => ({
    from: names[random(nodes)]!,
    to: names[random(nodes)]!,
  }));
  return { nodes: names, edges: pairs };
}

describe('the layout of the map', () => {
  it('of nothing is nothing', () => {
    expect(layoutMap({ nodes: [], edges: [] })).toEqual({ nodes: {}, routes: {} });
    expect(boundsOf(layoutMap({ nodes: [], edges: [] }))).toEqual({ left: 0, right: 0, top: 0, bottom: 0 });
  });

  it('puts callers left of callees, by the longest chain', () => {
    expect(columns(layoutMap(graph('gateway>checkout checkout>payments gateway>payments')))).toEqual({
      gateway: 0,
      checkout: 1,
      payments: 2,
    });
  });

  it('leads an edge over several columns between the nodes', () => {
    const layout = layoutMap(graph('a>b b>c a>c'));
    expect(layout.routes['a->c']).toHaveLength(1);
    expect(layout.routes['a->c']?.[0]?.x).toBe(COLUMN_PITCH);
    expect(layout.routes['a->c']?.[0]?.y).not.toBe(layout.nodes['b']?.y);
    expect(layout.routes['a->b']).toBeUndefined();
  });

  it('cuts a cycle where it comes back to its entry point', () => {
    expect(columns(layoutMap(graph('gateway>a a>b b>a')))).toEqual({ gateway: 0, a: 1, b: 2 });
  });

  it('bears a cycle without an entry, and a service that calls itself', () => {
    expect(Object.keys(layoutMap(graph('a>b b>c c>a a>a')).nodes)).toEqual(['a', 'b', 'c']);
  });

  it('leaves out edges to nodes that are not there', () => {
    const layout = layoutMap({ nodes: ['a'], edges: [{ from: 'a', to: 'gone' }] });
    expect(Object.keys(layout.nodes)).toEqual(['a']);
  });

  it('is the same whatever the order of nodes and edges', () => {
    const one = randomGraph(40, 80, 7);
    const other = { nodes: one.nodes.toReversed(), edges: one.edges.toReversed() };
    expect(layoutMap(other)).toEqual(layoutMap(one));
  });

  it('puts no node on another', () => {
    for (const seed of [1, 2, 3]) expect(overlaps(layoutMap(randomGraph(60, 120, seed)))).toEqual([]);
  });

  it('untangles two crossing calls', () => {
    const { nodes } = layoutMap(graph('a>y b>x r>a r>b'));
    expect((nodes['a']!.y - nodes['b']!.y) * (nodes['y']!.y - nodes['x']!.y)).toBeGreaterThan(0);
  });

  it('survives a chain of 5,000 services', () => {
    const names = Array.from({ length: 5000 }, (_, index) => String(index).padStart(4, '0'));
    const edges = names.slice(1).map((to, index) => ({ from: names[index]!, to }));
    expect(layoutMap({ nodes: names, edges }).nodes['4999']?.x).toBe(4999 * COLUMN_PITCH);
  });
});

describe('a tall map', () => {
  const fan = Array.from({ length: 120 }, (_, index) => `hub>leaf${index}`).join(' ');
  const pitchOf = (layout: Layout) => layout.nodes['leaf0']!.x - layout.nodes['hub']!.x;

  it('has its columns farther apart, for the lines between them', () => {
    expect(pitchOf(layoutMap(graph(fan)))).toBeGreaterThan(2 * COLUMN_PITCH);
  });

  it('has a new node as far from its caller as the others are', () => {
    const before = layoutMap(graph(fan));
    const after = layoutMap(graph(`${fan} leaf0>new`), before);
    expect(after.nodes['new']!.x - after.nodes['leaf0']!.x).toBe(pitchOf(before));
  });
});

describe('a map that is drawn already', () => {
  const before = layoutMap(graph('gateway>checkout checkout>payments gateway>search'));

  it('keeps the place of every node that was there', () => {
    const after = layoutMap(
      graph('gateway>checkout checkout>payments gateway>search checkout>bank gateway>cache'),
      before,
    );
    expect(after.nodes).toMatchObject(before.nodes);
  });

  it('puts a new callee right of its caller, on no other node', () => {
    const after = layoutMap(
      graph('gateway>checkout checkout>payments gateway>search checkout>bank checkout>mail'),
      before,
    );
    expect(after.nodes['bank']?.x).toBe((before.nodes['checkout']?.x ?? 0) + COLUMN_PITCH);
    expect(overlaps(after)).toEqual([]);
  });

  it('puts a new caller left of its callee', () => {
    const after = layoutMap(graph('gateway>checkout checkout>payments gateway>search edge>gateway'), before);
    expect(after.nodes['edge']?.x).toBe(-COLUMN_PITCH);
  });

  it('finds room for a node without neighbours', () => {
    const after = layoutMap({ nodes: [...Object.keys(before.nodes), 'alone'], edges: [] }, before);
    expect(overlaps(after)).toEqual([]);
  });

  it('keeps the place of a node that is not shown now for when it comes back', () => {
    const without = layoutMap(graph('gateway>checkout gateway>search checkout>bank'), before);
    expect(without.nodes['bank']).not.toEqual(before.nodes['payments']);
  });

  it('forgets nodes that are gone', () => {
    expect(Object.keys(layoutMap(graph('gateway>checkout'), before).nodes)).toEqual(['checkout', 'gateway']);
  });
});
