/**
 * A map too deep or too tall to be read as a whole is folded to the shape of its place. Pure and deterministic.
 *
 *   a tall layer becomes columns side by side      columns that are too many wrap into bands, like text
 *
 *   a ─┬─ 1        a ─┬─ 1 ── 3                    a ── b ── c ╮
 *      ├─ 2   ->      └─ 2 ── 4                    ╭───────────╯
 *      ├─ 3                                        ╰ d ── e
 *      └─ 4
 */
import { NODE_WIDTH, ROW_PITCH } from './draw.ts';
import type { Point } from './layout.ts';

/** Columns of a folded map stand nearer to each other than others do; lines run between them. */
export const FOLDED_PITCH = NODE_WIDTH + 60;
/** Between bands: room for the lines that lead from one to another. */
export const BAND_GAP = 44;
/** What the frame of 1280 × 800 px leaves of itself to the drawing, about. */
const PLACE = { width: 1200, height: 480 };
/** A map that fits at this scale can be read, and is left as it is. */
const READABLE_SCALE = 0.5;
/** More nodes than these cannot be read at once, however they stand. */
const FOLDED_NODES_MAX = 100;
/** Each band more has to make the map larger by as much to be worth that its calls break there. */
const BAND_WORTH = 1.09;

/** Where the nodes stand: bands from top to bottom, in each columns from left to right, in each nodes from the top. */
export type Bands = readonly (readonly (readonly string[])[])[];

export interface Shape {
  /** A layer of more nodes becomes several columns. */
  readonly rowsMax: number;
  /** Of a band. */
  readonly columnsMax: number;
}

/** The scale at which a drawing of this size fits into its place. */
function scaleOf(width: number, height: number): number {
  return Math.min(1, PLACE.width / width, PLACE.height / height);
}

/** `sizes`: nodes of each layer; `plain`: the map's size unfolded. Null when it is to be left so. */
export function chooseShape(
  sizes: readonly number[],
  plain: { readonly width: number; readonly height: number },
): Shape | null {
  const plainScale = scaleOf(plain.width, plain.height);
  const nodes = sizes.reduce((total, size) => total + size, 0);
  if (plainScale >= READABLE_SCALE || nodes > FOLDED_NODES_MAX) return null;
  let best: Shape | null = null;
  let most = plainScale;
  for (let rowsMax = Math.max(...sizes); rowsMax > 0; rowsMax--) {
    const columns = sizes.reduce((total, size) => total + Math.ceil(size / rowsMax), 0);
    for (let bands = 1; bands <= columns; bands++) {
      const shape = { rowsMax, columnsMax: Math.ceil(columns / bands) };
      const worth = worthOf(sizes, shape);
      if (worth > most + 1e-9) [best, most] = [shape, worth];
    }
  }
  return best;
}

function worthOf(sizes: readonly number[], { rowsMax, columnsMax }: Shape): number {
  const heights = sizes.flatMap((size) => {
    const count = Math.ceil(size / rowsMax);
    return Array.from({ length: count }, (_, column) => Math.ceil((size - column) / count));
  });
  const bands = chunksOf(heights, columnsMax);
  const height = bands.reduce((total, band) => total + Math.max(...band) * ROW_PITCH + BAND_GAP, 0);
  const width = Math.max(...bands.map((band) => band.length)) * FOLDED_PITCH;
  return scaleOf(width, height) / BAND_WORTH ** (bands.length - 1);
}

export function foldLayers(layers: readonly (readonly string[])[], { rowsMax, columnsMax }: Shape): Bands {
  const columns = layers.flatMap((layer) => {
    // Dealt in turn, so that neighbours in the layer's order stay neighbours.
    const count = Math.ceil(layer.length / rowsMax);
    return Array.from({ length: count }, (_, column) => layer.filter((_, index) => index % count === column));
  });
  return chunksOf(columns, columnsMax);
}

/** New nodes come at the end, each in a column of its own, so that no other has to move. */
export function addToEnd(bands: Bands, names: readonly string[]): Bands {
  const columnsMax = Math.max(...bands.map((band) => band.length));
  const grown = bands.map((band) => [...band]);
  for (const name of names) {
    const last = grown.at(-1);
    if (last && last.length < columnsMax) last.push([name]);
    else grown.push([[name]]);
  }
  return grown;
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, chunk) =>
    items.slice(chunk * size, (chunk + 1) * size),
  );
}

export interface Places {
  readonly nodes: Record<string, Point>;
  /** Of every band, its upper and lower end. */
  readonly ends: readonly { readonly top: number; readonly bottom: number }[];
}

/** Every column in the middle of its band. */
export function placeBands(bands: Bands): Places {
  const nodes: Record<string, Point> = {};
  const ends: { top: number; bottom: number }[] = [];
  let top = 0;
  for (const band of bands) {
    const bottom = top + Math.max(...band.map((column) => column.length)) * ROW_PITCH;
    const middle = (top + bottom) / 2;
    for (const [column, names] of band.entries()) {
      for (const [row, name] of names.entries()) {
        nodes[name] = { x: column * FOLDED_PITCH, y: middle + (row - (names.length - 1) / 2) * ROW_PITCH };
      }
    }
    ends.push({ top, bottom });
    top = bottom + BAND_GAP;
  }
  return { nodes, ends };
}
