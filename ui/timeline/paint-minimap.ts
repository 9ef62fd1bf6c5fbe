/** Puts the mini-map's picture on a canvas: denser where more runs, in the colour of the worst that runs there. */
import type { MinimapPicture } from './minimap.ts';

/** As CSS colours. */
interface Colours {
  readonly span: string;
  readonly error: string;
  readonly timeout: string;
}
type Rgb = readonly [red: number, green: number, blue: number];

/** One span is seen; the most that run at once are solid. */
const ALPHA_MIN = 170;
const ALPHA_MAX = 255;

export function paintMinimap(
  context: CanvasRenderingContext2D,
  { width, height, spans, errors, timeouts }: MinimapPicture,
  top: number,
  colours: Colours,
): void {
  if (width === 0) return;
  const span = toRgb(context, colours.span);
  const error = toRgb(context, colours.error);
  const timeout = toRgb(context, colours.timeout);
  const image = context.createImageData(width, height);
  const most = spans.reduce((max, count) => Math.max(max, count), 1);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const count = spans[pixel] ?? 0;
    if (count === 0) continue;
    const rgb = (timeouts[pixel] ?? 0) > 0 ? timeout : (errors[pixel] ?? 0) > 0 ? error : span;
    const density = most === 1 ? 1 : Math.log(count) / Math.log(most);
    image.data.set(rgb, pixel * 4);
    image.data[pixel * 4 + 3] = ALPHA_MIN + density * (ALPHA_MAX - ALPHA_MIN);
  }
  context.putImageData(image, 0, top);
}

/** A canvas writes every opaque colour as `#rrggbb`. */
function toRgb(context: CanvasRenderingContext2D, css: string): Rgb {
  context.fillStyle = css;
  const hex = String(context.fillStyle);
  const part = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}
