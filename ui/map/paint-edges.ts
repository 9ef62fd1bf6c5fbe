/** Paints the edges of a large map: halos, then lines bucket by bucket, then arrow heads. */
import { FAILING_DASH, TIMEOUT_DASH } from './draw.ts';
import type { Curve } from './edge-curve.ts';
import { FADED_ALPHA, type Frame } from './painted-frame.ts';
import { overlaps, type Bucket, type EdgeShape } from './scene.ts';

/** Below this scale a head is smaller than a px. */
const ARROWS_FROM_SCALE = 0.2;
/** No line is thinner than this on the page, however far the map is zoomed out. */
const LINE_MIN_PX = 0.7;
const HALO_ALPHA = 0.3;

export function paintEdges(frame: Frame): void {
  const { context, scene, view } = frame;
  paintHalos(frame);
  for (const bucket of scene.buckets) {
    const shown = bucket.edges.filter((shape) => overlaps(shape.box, frame.visible));
    if (shown.length === 0) continue;
    context.globalAlpha = bucket.faded ? FADED_ALPHA : 1;
    context.strokeStyle = colourOf(bucket, frame);
    context.lineWidth = Math.max(
      bucket.width,
      (typeof bucket.step === 'number' ? LINE_MIN_PX : 1.5) / view.k,
    );
    // In px of the page: thousands of dashes too small to see take long to paint.
    const dash = Math.max(1, 1 / view.k);
    context.setLineDash(dashOf(bucket).map((px) => px * dash));
    context.beginPath();
    for (const shape of shown) trace(context, shape.curve);
    context.stroke();
    if (view.k < ARROWS_FROM_SCALE) continue;
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    for (const shape of shown) traceArrow(context, shape, bucket.width);
    context.fill();
  }
  context.globalAlpha = 1;
  paintCallsOf(frame);
  context.setLineDash([]);
}

/** Of the shown trace's edges, and of those that are chosen, focused or pointed at. */
function paintHalos({ context, scene, view, palette, marks, visible }: Frame): void {
  context.setLineDash([]);
  context.strokeStyle = palette.accent;
  context.globalAlpha = HALO_ALPHA;
  context.lineCap = 'round';
  const wide = 7 / Math.min(1, view.k);
  if (scene.hasPath) {
    context.lineWidth = 5 + wide;
    context.beginPath();
    for (const { faded, edges } of scene.buckets) {
      if (faded) continue;
      for (const shape of edges) if (overlaps(shape.box, visible)) trace(context, shape.curve);
    }
    context.stroke();
  }
  for (const mark of new Set([marks.hovered, marks.selected, marks.focused])) {
    const shape = mark === null ? undefined : scene.edgeOf.get(mark);
    if (shape === undefined) continue;
    context.globalAlpha = mark === marks.focused ? 2 * HALO_ALPHA : HALO_ALPHA;
    context.lineWidth = shape.width + wide;
    context.beginPath();
    trace(context, shape.curve);
    context.stroke();
  }
  context.lineCap = 'butt';
  context.globalAlpha = 1;
}

/** The calls of nodes that are chosen, focused or pointed at, over the many others. */
function paintCallsOf({ context, scene, view, palette, marks }: Frame): void {
  const names = [marks.hovered, marks.selected, marks.focused].map(
    (mark) => mark !== null && scene.nodeOf.get(mark)?.node.id,
  );
  const shapes = scene.edges.filter(({ edge }) => names.includes(edge.from) || names.includes(edge.to));
  if (shapes.length === 0) return;
  context.strokeStyle = palette.accent;
  context.lineWidth = Math.max(2.5, 1.5 / view.k);
  context.setLineDash([]);
  context.beginPath();
  for (const shape of shapes) trace(context, shape.curve);
  context.stroke();
}

function colourOf({ step }: Bucket, { palette }: Frame): string {
  if (step === null) return palette.timeout;
  return step === 'failing' ? palette.error : (palette.latency[step] ?? palette.muted);
}

function dashOf({ step }: Bucket): number[] {
  return step === null ? TIMEOUT_DASH : step === 'failing' ? FAILING_DASH : [];
}

function trace(context: CanvasRenderingContext2D, curve: Curve): void {
  context.moveTo(curve[0]!, curve[1]!);
  for (let at = 2; at < curve.length; at += 6) {
    context.bezierCurveTo(
      curve[at]!,
      curve[at + 1]!,
      curve[at + 2]!,
      curve[at + 3]!,
      curve[at + 4]!,
      curve[at + 5]!,
    );
  }
}

function traceArrow(
  context: CanvasRenderingContext2D,
  { curve, isBackward }: EdgeShape,
  width: number,
): void {
  const [x, y] = [curve.at(-2)!, curve.at(-1)!];
  const half = arrowHalf(width);
  context.moveTo(x, y);
  if (isBackward) {
    context.moveTo(x, y - 8);
    context.lineTo(x - half, y + 1);
    context.lineTo(x + half, y + 1);
  } else {
    context.moveTo(x + 7, y);
    context.lineTo(x - 2, y - half);
    context.lineTo(x - 2, y + half);
  }
  context.closePath();
}

/** Half the breadth of the head of a line of this width. */
export function arrowHalf(width: number): number {
  return Math.max(4.5, width * 0.9 + 2);
}
