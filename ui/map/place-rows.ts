/** How high the items of the map's layers stand: near to what they are joined to, in their order, none on another. Pure. */
import { ROW_PITCH } from './draw.ts';
import { sum, type Links } from './order-layers.ts';

/** Waypoints need less room than nodes. */
const WAYPOINT_PITCH = 30;
const PLACE_SWEEPS = 12;

function gapOf(a: string, b: string, nodes: ReadonlySet<string>): number {
  return nodes.has(a) || nodes.has(b) ? ROW_PITCH : WAYPOINT_PITCH;
}

/** The least that a layer takes. */
export function heightOf(layer: readonly string[], nodes: ReadonlySet<string>): number {
  return ROW_PITCH + sum(layer.slice(1).map((item, index) => gapOf(layer[index] ?? item, item, nodes)));
}

/** Pulls every item towards the mean of its neighbours, keeping order and distance within its layer. */
export function placeRows(
  layers: readonly string[][],
  links: Links,
  nodes: ReadonlySet<string>,
): Map<string, number> {
  const y = new Map<string, number>();
  const gap = (a: string, b: string) => gapOf(a, b, nodes);
  for (const layer of layers) {
    let next = 0;
    layer.forEach((item, index) => {
      next += index === 0 ? 0 : gap(layer[index - 1] ?? item, item);
      y.set(item, next);
    });
    layer.forEach((item) => y.set(item, (y.get(item) ?? 0) - next / 2));
  }
  for (let sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    for (const layer of sweep % 2 === 0 ? layers : layers.toReversed()) {
      const wanted = layer.map((item) => {
        const around = [...(links.left.get(item) ?? []), ...(links.right.get(item) ?? [])];
        const ys = around.flatMap((other) => y.get(other) ?? []);
        return ys.length === 0 ? (y.get(item) ?? 0) : sum(ys) / ys.length;
      });
      spread(layer, wanted, gap).forEach((value, index) => y.set(layer[index] ?? '', value));
    }
  }
  return y;
}

/**
 * The positions nearest to `wanted` (least squares) that keep order and gaps: items that would overlap are merged
 * into a block that sits at the mean of what its members want.
 */
function spread(
  layer: readonly string[],
  wanted: readonly number[],
  gap: (a: string, b: string) => number,
): number[] {
  const offsets = [0];
  for (let i = 1; i < layer.length; i++) {
    offsets.push((offsets[i - 1] ?? 0) + gap(layer[i - 1] ?? '', layer[i] ?? ''));
  }
  const blocks: { mean: number; size: number }[] = [];
  wanted.forEach((value, index) => {
    let block = { mean: value - (offsets[index] ?? 0), size: 1 };
    for (let last = blocks.at(-1); last && last.mean > block.mean; last = blocks.at(-1)) {
      const size = last.size + block.size;
      block = { mean: (last.mean * last.size + block.mean * block.size) / size, size };
      blocks.pop();
    }
    blocks.push(block);
  });
  return blocks
    .flatMap((block) => Array.from({ length: block.size }, () => block.mean))
    .map((mean, index) => mean + (offsets[index] ?? 0));
}
