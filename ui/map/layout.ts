/**
 * The service map's layout: layers from left to right, callers before callees. Pure and deterministic.
 *
 *   break cycles -> layer by longest path -> order within layers (fewest crossings) -> (fold ->) place -> route
 *
 * An edge that spans several layers gets a waypoint in each, so that it runs between the nodes, not behind them.
 * With `kept`, nodes that stood before keep their place and only new ones are placed; in a folded map at its end.
 */
import { NODE_WIDTH, ROW_PITCH } from './draw.ts';
import { addToEnd, chooseShape, foldLayers, placeBands, type Bands } from './fold-layers.ts';
import { routeFolded } from './fold-routes.ts';
import { orderLayers, sum, type Links } from './order-layers.ts';
import { heightOf, placeRows } from './place-rows.ts';

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
}
export interface Graph {
  readonly nodes: readonly string[];
  readonly edges: readonly GraphEdge[];
}
export interface Point {
  readonly x: number;
  readonly y: number;
}
/** Positions are the nodes' centres; `routes` holds the waypoints between an edge's two nodes. */
export interface Layout {
  readonly nodes: Readonly<Record<string, Point>>;
  readonly routes: Readonly<Record<string, readonly Point[]>>;
  /** Of a map that is folded: what stands where, also what is not shown now. */
  readonly bands?: Bands;
}

export const COLUMN_PITCH = 310;
const COLUMN_PITCH_MAX = 3 * COLUMN_PITCH;
/** The shape of the place that maps are drawn in, about. */
const WIDTH_OF_HEIGHT = 2;
/** With more of them, the order of a map that is folded is found without its waypoints: it would take too long. */
const ORDERED_ITEMS_MAX = 600;

export const edgeKey = (edge: GraphEdge): string => `${edge.from}->${edge.to}`;

export function layoutMap(graph: Graph, kept: Layout | null = null): Layout {
  const names = [...new Set(graph.nodes)].toSorted();
  const known = new Set(names);
  const edges = graph.edges
    .filter((edge) => edge.from !== edge.to && known.has(edge.from) && known.has(edge.to))
    .toSorted((a, b) => (edgeKey(a) < edgeKey(b) ? -1 : 1));
  if (kept && names.some((name) => kept.nodes[name])) {
    return kept.bands ? addToFolded(names, edges, kept, kept.bands) : placeNew(names, edges, kept);
  }

  const forward = breakCycles(names, edges);
  const layerOf = assignLayers(names, forward);
  const { layers, chains } = insertWaypoints(names, forward, layerOf);
  const links = linksOf(chains);
  const shape = chooseShape(
    layers.map((layer) => layer.filter((item) => known.has(item)).length),
    {
      width: (layers.length - 1) * COLUMN_PITCH + NODE_WIDTH,
      height: Math.max(0, ...layers.map((layer) => heightOf(layer, known))),
    },
  );
  if (shape !== null) {
    const bands = foldLayers(orderNodes(layers, links, known), shape);
    const places = placeBands(bands);
    return { nodes: places.nodes, routes: routeFolded(edges, bands, places), bands };
  }
  orderLayers(layers, links);
  const y = placeRows(layers, links, known);

  const pitch = columnPitch([...y.values()], layers.length);
  const at = (item: string, layer: number): Point => ({ x: layer * pitch, y: y.get(item) ?? 0 });
  const nodes = Object.fromEntries(names.map((name) => [name, at(name, layerOf.get(name) ?? 0)]));
  const routes = Object.fromEntries(
    chains
      .filter((chain) => chain.items.length > 2)
      .map((chain) => {
        const first = layerOf.get(chain.items[0] ?? '') ?? 0;
        const inner = chain.items.slice(1, -1).map((item, index) => at(item, first + 1 + index));
        return [edgeKey(chain.edge), chain.reversed ? inner.toReversed() : inner];
      }),
  );
  return { nodes, routes };
}

/** The nodes of each layer in their order. */
function orderNodes(layers: string[][], links: Links, nodes: ReadonlySet<string>): string[][] {
  const bare = layers.map((layer) => layer.filter((item) => nodes.has(item)));
  if (layers.flat().length > ORDERED_ITEMS_MAX) {
    orderLayers(bare, links);
    return bare;
  }
  orderLayers(layers, links);
  return layers.map((layer) => layer.filter((item) => nodes.has(item)));
}

/** Columns of a tall map stand farther apart: there is room for it, and between them run hundreds of lines. */
function columnPitch(ys: readonly number[], columns: number): number {
  const height =
    ys.reduce((most, y) => Math.max(most, y), 0) - ys.reduce((least, y) => Math.min(least, y), 0);
  const wide = (WIDTH_OF_HEIGHT * height) / Math.max(1, columns - 1);
  return Math.min(COLUMN_PITCH_MAX, Math.max(COLUMN_PITCH, Math.round(wide)));
}

interface DirectedEdge {
  readonly edge: GraphEdge;
  readonly from: string;
  readonly to: string;
  /** Drawn against the flow: the call closes a cycle. */
  readonly reversed: boolean;
}

/** Turns around every edge that leads back to a node still being visited, beginning at entry points. */
function breakCycles(names: readonly string[], edges: readonly GraphEdge[]): DirectedEdge[] {
  const outgoing = Map.groupBy(edges, (edge) => edge.from);
  const called = new Set(edges.map((edge) => edge.to));
  const starts = [...names.filter((name) => !called.has(name)), ...names];
  const state = new Map<string, 'open' | 'done'>();
  const back = new Set<string>();
  for (const start of starts) {
    if (state.has(start)) continue;
    // An explicit stack: a chain of thousands of services must not overflow the call stack.
    const stack = [{ name: start, next: 0 }];
    state.set(start, 'open');
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const edge = outgoing.get(top.name)?.[top.next++];
      if (!edge) {
        state.set(top.name, 'done');
        stack.pop();
      } else if (state.get(edge.to) === 'open') back.add(edgeKey(edge));
      else if (!state.has(edge.to)) {
        state.set(edge.to, 'open');
        stack.push({ name: edge.to, next: 0 });
      }
    }
  }
  return edges.map((edge) =>
    back.has(edgeKey(edge))
      ? { edge, from: edge.to, to: edge.from, reversed: true }
      : { edge, from: edge.from, to: edge.to, reversed: false },
  );
}

/** A node's layer is the longest chain of callers before it; `forward` has no cycle. */
function assignLayers(names: readonly string[], forward: readonly DirectedEdge[]): Map<string, number> {
  const outgoing = Map.groupBy(forward, (edge) => edge.from);
  const waiting = new Map(names.map((name) => [name, 0]));
  for (const edge of forward) waiting.set(edge.to, (waiting.get(edge.to) ?? 0) + 1);
  const layerOf = new Map(names.map((name) => [name, 0]));
  const ready = names.filter((name) => waiting.get(name) === 0);
  for (let name = ready.shift(); name !== undefined; name = ready.shift()) {
    for (const edge of outgoing.get(name) ?? []) {
      layerOf.set(edge.to, Math.max(layerOf.get(edge.to) ?? 0, (layerOf.get(name) ?? 0) + 1));
      const left = (waiting.get(edge.to) ?? 1) - 1;
      waiting.set(edge.to, left);
      if (left === 0) ready.push(edge.to);
    }
  }
  return layerOf;
}

interface Chain extends DirectedEdge {
  /** The edge's two nodes with the waypoints between them, in layer order. */
  readonly items: readonly string[];
}

function insertWaypoints(
  names: readonly string[],
  forward: readonly DirectedEdge[],
  layerOf: ReadonlyMap<string, number>,
): { layers: string[][]; chains: Chain[] } {
  const depth = Math.max(0, ...layerOf.values());
  const layers: string[][] = Array.from({ length: depth + 1 }, () => []);
  for (const name of names) layers[layerOf.get(name) ?? 0]?.push(name);
  const chains = forward.map((edge) => {
    const first = layerOf.get(edge.from) ?? 0;
    const last = layerOf.get(edge.to) ?? 0;
    const items = [edge.from];
    for (let layer = first + 1; layer < last; layer++) {
      // NUL cannot stand in a service name that came as JSON text from the map.
      const waypoint = `\u0000${layer}\u0000${edgeKey(edge.edge)}`;
      layers[layer]?.push(waypoint);
      items.push(waypoint);
    }
    items.push(edge.to);
    return { ...edge, items };
  });
  return { layers, chains };
}

function linksOf(chains: readonly Chain[]): Links {
  const pairs = chains.flatMap((chain) =>
    chain.items.slice(1).map((item, index) => ({ from: chain.items[index] ?? item, to: item })),
  );
  const names = (groups: Map<string, { from: string; to: string }[]>, end: 'from' | 'to') =>
    new Map([...groups].map(([name, group]) => [name, group.map((pair) => pair[end])]));
  return {
    left: names(
      Map.groupBy(pairs, (pair) => pair.to),
      'from',
    ),
    right: names(
      Map.groupBy(pairs, (pair) => pair.from),
      'to',
    ),
  };
}

/** What a folded map has already stays, lines too; new nodes come at its end, and new calls run beside all others. */
function addToFolded(
  names: readonly string[],
  edges: readonly GraphEdge[],
  kept: Layout,
  keptBands: Bands,
): Layout {
  const standing = new Set(keptBands.flat(2));
  const bands = addToEnd(
    keptBands,
    names.filter((name) => !standing.has(name)),
  );
  const places = placeBands(bands);
  const isKnown = (edge: GraphEdge) => kept.routes[edgeKey(edge)] !== undefined;
  // Those that have their lanes come first: the others then find the next ones.
  const known = edges.filter(isKnown);
  const all = [...known, ...edges.filter((edge) => !isKnown(edge))];
  const routes: Record<string, readonly Point[]> = routeFolded(all, bands, places);
  for (const key of known.map(edgeKey)) routes[key] = kept.routes[key] ?? [];
  const nodes = Object.fromEntries(
    names.flatMap((name) => (places.nodes[name] ? [[name, places.nodes[name]]] : [])),
  );
  return { nodes, routes, bands };
}

/** Between the columns of a layout. */
function pitchOf({ nodes }: Layout): number {
  const columns = [...new Set(Object.values(nodes).map((point) => point.x))].toSorted((a, b) => a - b);
  const gaps = columns.slice(1).map((x, index) => x - (columns[index] ?? x));
  return gaps.length === 0 ? COLUMN_PITCH : Math.min(...gaps);
}

/** New nodes go one column right of their caller (or left of their callee), to the nearest free row. */
function placeNew(names: readonly string[], edges: readonly GraphEdge[], kept: Layout): Layout {
  const placed = new Map<string, Point>();
  for (const name of names) {
    const point = kept.nodes[name];
    if (point) placed.set(name, point);
  }
  const pitch = pitchOf(kept);
  const waiting = names.filter((name) => !placed.has(name));
  while (waiting.length > 0) {
    const beside = (name: string) =>
      edges.some(
        (edge) => (edge.from === name && placed.has(edge.to)) || (edge.to === name && placed.has(edge.from)),
      );
    const index = Math.max(0, waiting.findIndex(beside));
    const [name] = waiting.splice(index, 1);
    if (name === undefined) break;
    const callers = edges.filter((edge) => edge.to === name).flatMap((edge) => placed.get(edge.from) ?? []);
    const callees = edges.filter((edge) => edge.from === name).flatMap((edge) => placed.get(edge.to) ?? []);
    const near = callers.length > 0 ? callers : callees;
    const step = callers.length > 0 ? pitch : callees.length > 0 ? -pitch : 0;
    const x = near.length === 0 ? 0 : Math.max(...near.map((point) => point.x)) + step;
    const y = near.length === 0 ? 0 : sum(near.map((point) => point.y)) / near.length;
    // A place whose node is not shown now is waited for.
    const taken = [...Object.values(kept.nodes), ...placed.values()];
    placed.set(name, { x, y: freeRow(x, y, taken) });
  }
  const current = new Set(edges.map(edgeKey));
  const routes = Object.entries(kept.routes).filter(([key]) => current.has(key));
  return { nodes: Object.fromEntries(placed), routes: Object.fromEntries(routes) };
}

function freeRow(x: number, y: number, taken: readonly Point[]): number {
  const free = (row: number) =>
    taken.every(
      (point) => Math.abs(point.x - x) >= COLUMN_PITCH * 0.8 || Math.abs(point.y - row) >= ROW_PITCH,
    );
  for (let step = 0; step <= taken.length; step++) {
    if (free(y + step * ROW_PITCH)) return y + step * ROW_PITCH;
    if (free(y - step * ROW_PITCH)) return y - step * ROW_PITCH;
  }
  return y + (taken.length + 1) * ROW_PITCH;
}

/** The rectangle around all nodes and waypoints' centres; a map without nodes is a point. */
export function boundsOf(layout: Layout): { left: number; right: number; top: number; bottom: number } {
  const points = [...Object.values(layout.nodes), ...Object.values(layout.routes).flat()];
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const point of points) {
    left = Math.min(left, point.x);
    right = Math.max(right, point.x);
    top = Math.min(top, point.y);
    bottom = Math.max(bottom, point.y);
  }
  return points.length === 0 ? { left: 0, right: 0, top: 0, bottom: 0 } : { left, right, top, bottom };
}
