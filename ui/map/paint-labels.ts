/** Paints what is read at any scale, in px of the page: the worst timeouts and failures, the origin, and what is looked at. */
import { rectAround, type Rect } from './badges.ts';
import { nodeNumbers } from './describe.ts';
import { ERROR_SIGN, failureBadges, timeoutBadges, TIMEOUT_SIGN } from './draw.ts';
import { pointOn } from './edge-curve.ts';
import { formatDuration } from '../format.ts';
import type { Point } from './layout.ts';
import { WORDS_FROM_SCALE, type Frame } from './painted-frame.ts';
import { overlaps } from './scene.ts';

/** More badges than this hide the map; the worst in view have theirs, all have their dashes. */
const BADGES_MAX = 40;
const HEIGHT = 22;
/** What stands beside the text: a sign and the ends. */
const EXTRA_PX = { timeout: 30, error: 30, origin: 18, plain: 18 };

interface Label {
  /** In full, then shorter, for where there is no room. */
  readonly texts: readonly string[];
  readonly at: Point;
  readonly look: 'timeout' | 'error' | 'origin' | 'plain';
}

/** How many edges in view time out or fail, and how many of them have a badge. */
export interface BadgeCount {
  readonly shown: number;
  readonly all: number;
}

/** Those that matter most take their place first; a later one that would cover it is shorter, or left out. */
export function paintLabels(frame: Frame): BadgeCount {
  const { context, view, palette } = frame;
  const page: Rect = { left: 0, right: view.width, top: 0, bottom: view.height };
  const taken: Rect[] = [];
  let [shown, all] = [0, 0];
  context.font = `600 11px ${palette.font}`;
  for (const { texts, at, look } of labelsOf(frame)) {
    const place = { x: view.x + at.x * view.k, y: view.y + at.y * view.k };
    if (!overlaps(rectAround(place, HEIGHT, HEIGHT), page)) continue;
    const isCounted = look === 'timeout' || look === 'error';
    if (isCounted) all++;
    if (shown === BADGES_MAX) continue;
    const free = (width: number) => {
      const rect = rectAround(place, width, HEIGHT);
      return taken.some((other) => overlaps(rect, other)) ? null : rect;
    };
    // Most that have no room have none for a sign: nothing is measured for them.
    if (free(HEIGHT) === null) continue;
    for (const text of texts) {
      const rect = free(text === '' ? HEIGHT : context.measureText(text).width + EXTRA_PX[look]);
      if (rect === null) continue;
      taken.push(rect);
      paintLabel(frame, rect, text, look);
      if (isCounted) shown++;
      break;
    }
  }
  return { shown, all };
}

function paintLabel({ context, palette }: Frame, rect: Rect, text: string, look: Label['look']): void {
  const middle = (rect.top + rect.bottom) / 2;
  const sign = look === 'timeout' ? TIMEOUT_SIGN : look === 'error' ? ERROR_SIGN : null;
  const colour = look === 'timeout' || look === 'error' ? palette[look] : palette.accent;
  context.fillStyle = look === 'origin' ? palette.accent : palette.surface;
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(rect.left, rect.top, rect.right - rect.left, HEIGHT, HEIGHT / 2);
  context.fill();
  context.stroke();
  context.fillStyle = sign !== null ? colour : look === 'origin' ? palette.surface : palette.text;
  context.fillText(text, rect.left + (sign === null ? 9 : 21), middle + 4);
  if (sign === null) return;
  context.save();
  context.translate(rect.left + (text === '' ? HEIGHT / 2 : 12), middle);
  context.stroke(new Path2D(sign));
  context.restore();
}

function labelsOf({ scene, view, marks, seconds }: Frame): Label[] {
  const labels: Label[] = [];
  const origin = marks.origin === null ? null : placeOf(marks.origin);
  if (origin !== null) labels.push({ texts: ['origin'], at: origin, look: 'origin' });
  // Where words cannot be read, what is looked at says what it is.
  if (view.k < WORDS_FROM_SCALE) {
    for (const mark of new Set([marks.focused, marks.hovered, marks.selected])) {
      const text = mark === null ? null : sayMark(mark);
      const at = mark === null ? null : placeOf(mark);
      if (text !== null && at !== null)
        labels.push({ texts: [text], at: { x: at.x, y: at.y - 20 / view.k }, look: 'plain' });
    }
  }
  for (const { edge, curve, badgeShare } of scene.worst) {
    const at = pointOn(curve, badgeShare);
    if (edge.timeouts > 0) labels.push({ texts: timeoutBadges(edge), at, look: 'timeout' });
    else labels.push({ texts: failureBadges(edge), at, look: 'error' });
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
