/** What one frame of a large map is painted from, and how its detail depends on the scale. */
import type { Rect } from './badges.ts';
import type { Palette } from './palette.ts';
import type { Scene } from './scene.ts';

/** How the map is looked at: its scale and place in px of the page, and what a px of the page is on the screen. */
export interface View {
  readonly k: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly ratio: number;
}
/** What stands out, as `node:…` or `edge:…`. */
export interface Marks {
  readonly selected: string | null;
  readonly focused: string | null;
  readonly hovered: string | null;
  /** Where the shown trace's timeout started. */
  readonly origin: string | null;
}
export interface Frame {
  readonly context: CanvasRenderingContext2D;
  readonly scene: Scene;
  readonly view: View;
  readonly palette: Palette;
  readonly marks: Marks;
  /** Of the range, which rates are divided by. */
  readonly seconds: number;
  /** The part of the map in view, in px of the map. */
  readonly visible: Rect;
}

/** From this scale on a node's words can be read. */
export const WORDS_FROM_SCALE = 0.5;
/** Beside a shown trace, everything else. */
export const FADED_ALPHA = 0.25;
