/** Paints the nodes of a large map: with ring and words where these can be read, else as a sign of how they are. */
import { ERROR_SIGN, NODE_HEIGHT, NODE_WIDTH, ringParts, TIMEOUT_SIGN, USER_RADIUS } from './draw.ts';
import { nodeNumbers } from './describe.ts';
import { fitText, widthOf } from './fit-text.ts';
import { KIND_ICON } from './kind-names.ts';
import type { Point } from './layout.ts';
import { FADED_ALPHA, WORDS_FROM_SCALE, type Frame } from './painted-frame.ts';
import { overlaps, type NodeShape } from './scene.ts';

const NAME_WIDTH = NODE_WIDTH - 50;
/** Below this scale not even the beginning of a name fits into its node. */
const NAMES_FROM_SCALE = 0.28;
const SMALL_NAME_PX = 11;
/** A letter of a small name is about this broad: it is cut by count, because it is cut anew at every scale. */
const SMALL_LETTER_PX = 6.7;
const RING_RADIUS = 11.25;
const RING_WIDTH = 3.5;

export function paintNodes(frame: Frame): void {
  const shown = frame.scene.nodes.filter((shape) => overlaps(shape.box, frame.visible));
  const readable = frame.view.k >= WORDS_FROM_SCALE;
  for (const faded of [true, false]) {
    const nodes = shown.filter((shape) => shape.faded === faded);
    frame.context.globalAlpha = faded ? FADED_ALPHA : 1;
    paintBoxes(frame, nodes);
    if (readable) {
      paintRings(frame, nodes);
      paintWords(frame, nodes);
    } else paintStates(frame, nodes);
  }
  frame.context.globalAlpha = 1;
  paintMarked(frame);
}

/** All boxes of one look in one path. */
function paintBoxes({ context, palette, view }: Frame, nodes: readonly NodeShape[]): void {
  context.fillStyle = palette.surface;
  context.lineWidth = Math.max(1, 0.7 / view.k);
  for (const inferred of [false, true]) {
    context.strokeStyle = inferred ? palette.control : palette.line;
    context.setLineDash(inferred ? [4, 3] : []);
    context.beginPath();
    for (const shape of nodes) if (shape.node.inferred === inferred) traceBox(context, shape, 0);
    context.fill();
    context.stroke();
  }
  context.setLineDash([]);
}

function traceBox(context: CanvasRenderingContext2D, { node, at, box }: NodeShape, grown: number): void {
  if (node.kind === 'user') {
    const x = box.right - USER_RADIUS;
    context.moveTo(x + USER_RADIUS + grown, at.y);
    context.arc(x, at.y, USER_RADIUS + grown, 0, 2 * Math.PI);
  } else {
    const [left, top] = [box.left - grown, box.top - grown];
    context.roundRect(left, top, NODE_WIDTH + 2 * grown, NODE_HEIGHT + 2 * grown, 8 + grown);
  }
}

function paintRings(frame: Frame, nodes: readonly NodeShape[]): void {
  const { context, palette } = frame;
  const called = nodes.filter(({ node }) => node.calls > 0 && node.kind !== 'user');
  const parts = called.flatMap(({ node, at, box }) =>
    ringParts(node).map((part) => ({ ...part, x: box.left + 22, y: at.y })),
  );
  const alpha = context.globalAlpha;
  context.lineWidth = RING_WIDTH;
  for (const outcome of ['ok', 'error', 'timeout'] as const) {
    context.strokeStyle = palette[outcome];
    context.globalAlpha = (outcome === 'ok' ? 0.75 : 1) * alpha;
    context.beginPath();
    for (const { x, y, from, to } of parts.filter(
      (part) => part.outcome === outcome && part.to > part.from,
    )) {
      const turn = (share: number) => (share - 0.25) * 2 * Math.PI;
      context.moveTo(x + RING_RADIUS * Math.cos(turn(from)), y + RING_RADIUS * Math.sin(turn(from)));
      context.arc(x, y, RING_RADIUS, turn(from), turn(to));
    }
    context.stroke();
  }
  context.globalAlpha = alpha;
  paintSigns(frame, called, ({ box, at }) => ({ x: box.left + 22, y: at.y }), 1, palette);
  context.strokeStyle = palette.muted;
  context.lineWidth = 1.3;
  const icons = new Path2D();
  for (const { node, at, box } of nodes) {
    if (node.kind === 'user' || (node.calls > 0 && node.kind === 'service')) continue;
    const [x, y, scale] = node.calls > 0 ? [box.right - 18, at.y + 3, 0.75] : [box.left + 14, at.y - 8, 1];
    icons.addPath(new Path2D(KIND_ICON[node.kind]), { a: scale, d: scale, e: x, f: y });
  }
  context.stroke(icons);
}

/** What failed is filled, with its sign: colour alone says nothing to some. */
function paintStates(frame: Frame, nodes: readonly NodeShape[]): void {
  const { context, palette, view } = frame;
  for (const state of ['error', 'timeout'] as const) {
    context.fillStyle = palette[state];
    context.beginPath();
    for (const shape of nodes) if (stateOf(shape.node) === state) traceBox(context, shape, 0);
    context.fill();
  }
  const isBare = view.k < NAMES_FROM_SCALE;
  const placeOf = ({ at, box }: NodeShape) => ({ x: isBare ? at.x : box.left + 7 / view.k, y: at.y });
  const onState = { timeout: palette.surface, error: palette.surface };
  paintSigns(frame, nodes, placeOf, Math.min(0.9 / view.k, 3.6), onState);
  if (isBare) return;
  context.font = `600 ${SMALL_NAME_PX / view.k}px ${palette.font}`;
  for (const { node, at, box } of nodes) {
    if (node.kind === 'user') continue;
    const isWell = stateOf(node) === 'ok';
    // Beside the sign, or where it would be.
    const leftPx = isWell ? 6 : 14;
    const letters = Math.floor((NODE_WIDTH * view.k - leftPx - 4) / SMALL_LETTER_PX);
    const name = node.id.length > letters ? `${node.id.slice(0, letters - 1)}…` : node.id;
    context.fillStyle = isWell ? palette.text : palette.surface;
    context.fillText(name, box.left + leftPx / view.k, at.y + (0.35 * SMALL_NAME_PX) / view.k);
  }
}

function stateOf(node: NodeShape['node']): 'timeout' | 'error' | 'ok' {
  return node.timeouts > 0 ? 'timeout' : node.errors > 0 ? 'error' : 'ok';
}

/** The signs of what failed around their places, all of one kind in one stroke. */
function paintSigns(
  { context }: Frame,
  nodes: readonly NodeShape[],
  placeOf: (shape: NodeShape) => Point,
  scale: number,
  colours: { readonly timeout: string; readonly error: string },
): void {
  for (const state of ['error', 'timeout'] as const) {
    const sign = new Path2D(state === 'timeout' ? TIMEOUT_SIGN : ERROR_SIGN);
    const signs = new Path2D();
    for (const shape of nodes) {
      if (stateOf(shape.node) !== state) continue;
      const { x, y } = placeOf(shape);
      signs.addPath(sign, { a: scale, d: scale, e: x, f: y });
    }
    context.lineWidth = (state === 'timeout' ? 1.3 : 1.8) * scale;
    context.strokeStyle = colours[state];
    context.stroke(signs);
  }
}

/** Measured once per shape: a map is painted many times before its numbers change. */
const words = new WeakMap<NodeShape, { name: string; namePx: number; numbers: string }>();

function wordsOf(shape: NodeShape, seconds: number, font: string) {
  let known = words.get(shape);
  if (known === undefined) {
    const { node } = shape;
    const namePx = widthOf(node.id, `600 13px ${font}`) <= NAME_WIDTH ? 13 : 12;
    const name = fitText(node.id, NAME_WIDTH, `600 ${namePx}px ${font}`);
    words.set(shape, (known = { name, namePx, numbers: nodeNumbers(node, seconds) }));
  }
  return known;
}

function paintWords({ context, palette, seconds }: Frame, nodes: readonly NodeShape[]): void {
  for (const namePx of [13, 12]) {
    context.font = `600 ${namePx}px ${palette.font}`;
    context.fillStyle = palette.text;
    for (const shape of nodes) {
      const { name, namePx: ownPx } = wordsOf(shape, seconds, palette.font);
      if (ownPx === namePx && shape.node.kind !== 'user')
        context.fillText(name, shape.box.left + 42, shape.at.y - 3);
    }
  }
  context.font = `11px ${palette.font}`;
  context.fillStyle = palette.muted;
  for (const shape of nodes) {
    const { numbers } = wordsOf(shape, seconds, palette.font);
    if (shape.node.kind !== 'user') context.fillText(numbers, shape.box.left + 42, shape.at.y + 13);
    else {
      context.textAlign = 'center';
      context.fillText(shape.node.id, shape.box.right - USER_RADIUS, shape.at.y + 4);
      context.textAlign = 'start';
    }
  }
}

/** The rings around what is chosen, focused or pointed at. */
function paintMarked({ context, scene, palette, view, marks }: Frame): void {
  const px = 1 / Math.min(1, view.k);
  for (const [mark, colour, grown] of [
    [marks.hovered, palette.muted, 0],
    [marks.selected, palette.accent, 0],
    [marks.focused, palette.accent, 4],
  ] as const) {
    const shape = mark === null ? undefined : scene.nodeOf.get(mark);
    if (shape === undefined) continue;
    context.strokeStyle = colour;
    context.lineWidth = 2 * px;
    context.beginPath();
    traceBox(context, shape, grown * px);
    context.stroke();
  }
}
