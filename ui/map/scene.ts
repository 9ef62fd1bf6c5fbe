/**
 * What a large map is painted from: every node and edge as a shape with its bounds, and the edges put together by how
 * they look, so that a frame strokes a few long paths instead of thousands of short ones. Pure.
 */
import type { MapEdge, MapNode } from '../../collector/serve/wire.ts';
import { badgeShares } from './badge-texts.ts';
import { rectAround, type Rect } from './badges.ts';
import { edgeWidth, failureStep, isFailing, latencyStep, NODE_HEIGHT, NODE_WIDTH } from './draw.ts';
import { edgeCurve, isBackward, type Curve } from './edge-curve.ts';
import { edgeKey, type Layout, type Point } from './layout.ts';
import { formatSelection } from './walk.ts';

export interface NodeShape {
  readonly node: MapNode;
  readonly at: Point;
  readonly box: Rect;
  readonly faded: boolean;
}
export interface EdgeShape {
  readonly edge: MapEdge;
  readonly key: string;
  readonly curve: Curve;
  readonly box: Rect;
  readonly width: number;
  /** Points up into its callee, instead of right. */
  readonly isBackward: boolean;
}
/** An edge with a badge, at this share of its curve. */
export interface BadgeShape extends EdgeShape {
  readonly badgeShare: number;
}
/** Edges that are stroked together. */
export interface Bucket {
  /** Of the latency ramp; null times out. */
  readonly step: number | 'failing' | null;
  readonly width: number;
  readonly faded: boolean;
  readonly edges: EdgeShape[];
}
export interface Scene {
  readonly nodes: readonly NodeShape[];
  readonly edges: readonly EdgeShape[];
  /** In painting order: what times out is over what works, what is faded below everything. */
  readonly buckets: readonly Bucket[];
  /** Edges that time out, most timeouts first, then those that fail; of the shown trace's if there is one. */
  readonly worst: readonly BadgeShape[];
  readonly hasPath: boolean;
  /** By mark: `node:checkout`, `edge:checkout->payments`. */
  readonly nodeOf: ReadonlyMap<string, NodeShape>;
  readonly edgeOf: ReadonlyMap<string, EdgeShape>;
}
export interface MapParts {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly MapEdge[];
  readonly layout: Layout;
  readonly colour: 'p95' | 'failures';
  /** The edges of a trace that stand out from the rest; null when no trace is shown. */
  readonly path: ReadonlySet<string> | null;
}

/** Widths differ by this much at least: nobody sees less, and there are fewer paths. */
const WIDTH_STEP = 0.5;

export function buildScene({ nodes, edges, layout, colour, path }: MapParts): Scene {
  const busiest = edges.reduce((most, edge) => Math.max(most, edge.calls), 1);
  const shapes = edges.flatMap((edge) =>
    edgeShape(edge, layout, edgeWidth(edge.calls, busiest, edges.length)),
  );
  const shares = badgeShares(edges);
  const onPath = path === null ? null : pathNodes(edges, path);
  const places = nodes.flatMap((node): NodeShape[] => {
    const at = layout.nodes[node.id];
    if (!at) return [];
    const faded = onPath !== null && !onPath.has(node.id);
    return [{ node, at, box: rectAround(at, NODE_WIDTH, NODE_HEIGHT), faded }];
  });
  return {
    nodes: places,
    edges: shapes,
    buckets: bucketsOf(shapes, colour, path),
    worst: shapes
      .filter(({ edge, key }) => (edge.timeouts > 0 || isFailing(edge)) && (path === null || path.has(key)))
      .toSorted((a, b) => b.edge.timeouts - a.edge.timeouts || b.edge.errors - a.edge.errors)
      .map((shape) => ({ ...shape, badgeShare: shares.get(shape.key) ?? 0.5 })),
    hasPath: path !== null,
    nodeOf: new Map(places.map((shape) => [formatSelection({ node: shape.node.id }), shape])),
    edgeOf: new Map(shapes.map((shape) => [formatSelection({ edge: shape.edge }), shape])),
  };
}

/** The nodes that a trace's edges join. */
export function pathNodes(edges: readonly MapEdge[], path: ReadonlySet<string>): Set<string> {
  return new Set(edges.flatMap((edge) => (path.has(edgeKey(edge)) ? [edge.from, edge.to] : [])));
}

function edgeShape(edge: MapEdge, layout: Layout, exactWidth: number): EdgeShape[] {
  const from = layout.nodes[edge.from];
  const to = layout.nodes[edge.to];
  if (!from || !to) return [];
  const key = edgeKey(edge);
  const route = layout.routes[key] ?? [];
  const curve = edgeCurve(from, to, route);
  const width = Math.max(1, Math.round(exactWidth / WIDTH_STEP) * WIDTH_STEP);
  return [{ edge, key, curve, box: boundsOfCurve(curve), width, isBackward: isBackward(from, to, route) }];
}

/** A Bézier curve stays within the hull of its points. */
function boundsOfCurve(curve: Curve): Rect {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let at = 0; at < curve.length; at += 2) {
    const [x = 0, y = 0] = [curve[at], curve[at + 1]];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  return { left, right, top, bottom };
}

function bucketsOf(
  shapes: readonly EdgeShape[],
  colour: MapParts['colour'],
  path: ReadonlySet<string> | null,
): Bucket[] {
  const buckets = new Map<string, Bucket>();
  for (const shape of shapes) {
    const { edge, key } = shape;
    const step = stepOf(edge, colour);
    const width = typeof step === 'number' ? shape.width : Math.max(2, shape.width);
    const faded = path !== null && !path.has(key);
    const look = `${step} ${width} ${faded}`;
    const bucket = buckets.get(look) ?? { step, width, faded, edges: [] };
    bucket.edges.push(shape);
    buckets.set(look, bucket);
  }
  const rank = ({ step }: Bucket) => (step === null ? 6 : step === 'failing' ? 5 : step);
  const order = (bucket: Bucket) => (bucket.faded ? 0 : 10) + rank(bucket);
  return [...buckets.values()].toSorted((a, b) => order(a) - order(b) || a.width - b.width);
}

function stepOf(edge: MapEdge, colour: MapParts['colour']): Bucket['step'] {
  if (edge.timeouts > 0) return null;
  if (isFailing(edge)) return 'failing';
  return colour === 'p95' ? latencyStep(edge.p95Ms) : failureStep(edge);
}

/** Whether any of two rectangles' area is shared. */
export function overlaps(a: Rect, b: Rect): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
