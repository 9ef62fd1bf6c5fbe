/** Measures texts and cuts them to a width, because SVG text does neither. */

let context: CanvasRenderingContext2D | null | undefined;

/** The page's font at a size and weight, as a canvas takes it. */
export function pageFont(sizeAndWeight: string): string {
  return `${sizeAndWeight} ${getComputedStyle(document.body).fontFamily}`;
}

export function widthOf(text: string, font: string): number {
  context ??= document.createElement('canvas').getContext('2d');
  if (!context) return text.length * 8;
  context.font = font;
  return context.measureText(text).width;
}

/** The text, or as much of its beginning as fits with an ellipsis. */
export function fitText(text: string, widthPx: number, font: string): string {
  if (widthOf(text, font) <= widthPx) return text;
  let length = text.length - 1;
  while (length > 1 && widthOf(`${text.slice(0, length)}…`, font) > widthPx) length--;
  return `${text.slice(0, length)}…`;
}
