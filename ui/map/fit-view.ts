/** Which part of the map is in view before anybody moves it, and how large. Pure. */
import type { Rect } from './badges.ts';

/** `x` and `y`: where the map's origin is in the view, in px; `k`: px of the view for one of the map. */
export interface View {
  readonly x: number;
  readonly y: number;
  readonly k: number;
}
export interface Place {
  readonly width: number;
  readonly height: number;
  /** Height of what stands over its top. */
  readonly top: number;
}

const SCALE_MAX = 1.2;
/** A phone shows what matters most at a size that can be read; the rest is a drag away. */
const NARROW_PX = 560;
const NARROW_SCALE_MIN = 0.6;
/** Below what covers all of a place there is still this much. */
const ROOM_MIN_PX = 80;

/**
 * All of the map, or, where that could not be read, as much as there is room for around `focus`, of which
 * nothing is cut, or around the map's middle.
 */
export function fitView(map: Rect, focus: Rect | null, { width, height, top }: Place): View {
  const room = Math.max(ROOM_MIN_PX, height - top);
  const scaleOf = (box: Rect) =>
    Math.min(SCALE_MAX, width / (box.right - box.left), room / (box.bottom - box.top));
  const whole = scaleOf(map);
  const isLegible = width >= NARROW_PX || whole >= NARROW_SCALE_MIN;
  const k = isLegible
    ? whole
    : Math.max(whole, Math.min(NARROW_SCALE_MIN, focus === null ? Infinity : scaleOf(focus)));
  const around = focus ?? map;
  const x = within((around.left + around.right) / 2, map.left, map.right, width / k);
  const y = within((around.top + around.bottom) / 2, map.top, map.bottom, room / k);
  return { x: width / 2 - x * k, y: top + room / 2 - y * k, k };
}

/** The middle of a view of this length that shows nothing beyond the ends as long as there is more between them. */
function within(middle: number, low: number, high: number, length: number): number {
  if (high - low <= length) return (low + high) / 2;
  return Math.min(high - length / 2, Math.max(low + length / 2, middle));
}
