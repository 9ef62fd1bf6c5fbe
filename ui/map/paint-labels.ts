/** Paints what is read at any scale, in px of the page: the worst timeouts, the origin, and what is looked at. */
import { rectAround, type Rect } from './badges.ts';
import { nodeNumbers } from './describe.ts';
import { timeoutBadge, TIMEOUT_SIGN } from './draw.ts';
import { pointOn } from './edge-curve.ts';
import { formatDuration } from '../format.ts';
import type { Point } from './layout.ts';
import { WORDS_FROM_SCALE, type Frame } from './painted-frame.ts';
import { overlaps } from './scene.ts';

/** More badges than this hide the map; the worst have theirs, all have their dashes. */
const BADGES_MAX = 8;
const HEIGHT = 22;
/** A caller waited, so its badge stands nearer to it. */
const BADGE_SHARE = 0.35;

interface Label {
  readonly text: string;
  readonly at: Point;
  readonly look: 'timeout' | 'origin' | 'plain';
}

/** Those that matter most take their place first; a later one that would cover it is left out. */
export function paintLabels(frame: Frame): void {
  const { context, view, palette } = frame;
  const page: Rect = { left: 0, right: view.width, top: 0, bottom: view.height };
  const taken: Rect[] = [];
  context.font = `600 11px ${palette.font}`;
  for (const { text, at, look } of labelsOf(frame)) {
    const width = context.measureText(text).width + (look === 'timeout' ? 30 : 18);
    const place = { x: view.x + at.x * view.k, y: view.y + at.y * view.k };
    const rect = rectAround(place, width, HEIGHT);
    if (!overlaps(rect, page) || taken.some((other) => overlaps(rect, other))) continue;
    taken.push(rect);
    context.fillStyle = look === 'origin' ? palette.accent : palette.surface;
    context.strokeStyle = look === 'timeout' ? palette.timeout : palette.accent;
    context.lineWidth = 1;
    context.beginPath();
    context.roundRect(rect.left, rect.top, width, HEIGHT, HEIGHT / 2);
    context.fill();
    context.stroke();
    context.fillStyle =
      look === 'timeout' ? palette.timeout : look === 'origin' ? palette.surface : palette.text;
    context.fillText(text, rect.left + (look === 'timeout' ? 21 : 9), place.y + 4);
    if (look !== 'timeout') continue;
    context.save();
    context.translate(rect.left + 12, place.y);
    context.stroke(new Path2D(TIMEOUT_SIGN));
    context.restore();
  }
}

function labelsOf({ scene, view, marks, seconds }: Frame): Label[] {
  const labels: Label[] = [];
  const origin = marks.origin === null ? null : placeOf(marks.origin);
  if (origin !== null) labels.push({ text: 'origin', at: origin, look: 'origin' });
  // Where words cannot be read, what is looked at says what it is.
  if (view.k < WORDS_FROM_SCALE) {
    for (const mark of new Set([marks.focused, marks.hovered, marks.selected])) {
      const text = mark === null ? null : sayMark(mark);
      const at = mark === null ? null : placeOf(mark);
      if (text !== null && at !== null)
        labels.push({ text, at: { x: at.x, y: at.y - 20 / view.k }, look: 'plain' });
    }
  }
  for (const shape of scene.worst.slice(0, BADGES_MAX)) {
    const text = timeoutBadge(shape.edge);
    if (text !== null) labels.push({ text, at: pointOn(shape.curve, BADGE_SHARE), look: 'timeout' });
  }
  return labels;

  function placeOf(mark: string): Point | null {
    const edge = scene.edgeOf.get(mark);
    return scene.nodeOf.get(mark)?.at ?? (edge ? pointOn(edge.curve, 0.5) : null);
  }
  function sayMark(mark: string): string | null {
    const node = scene.nodeOf.get(mark)?.node;
    if (node) return `${node.id} · ${nodeNumbers(node, seconds)}`;
    const edge = scene.edgeOf.get(mark)?.edge;
    return edge ? `${edge.from} → ${edge.to} · p95 ${formatDuration(edge.p95Ms)}` : null;
  }
}
