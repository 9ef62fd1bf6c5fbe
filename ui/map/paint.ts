/**
 * Paints a large map onto a canvas, a frame at a time: only what is in view, edges of one look in one stroke, and less
 * detail the smaller everything is.
 */
import type { Frame } from './painted-frame.ts';
import { paintEdges } from './paint-edges.ts';
import { paintLabels, type BadgeCount } from './paint-labels.ts';
import { paintNodes } from './paint-nodes.ts';

/** How far a head, a halo or a thick line reaches beyond its shape. */
const MARGIN_PX = 12;

export function paintMap(given: Omit<Frame, 'visible'>): BadgeCount {
  const { context, view } = given;
  const { k, x, y, width, height, ratio } = view;
  const frame: Frame = {
    ...given,
    visible: {
      left: -x / k - MARGIN_PX,
      right: (width - x) / k + MARGIN_PX,
      top: -y / k - MARGIN_PX,
      bottom: (height - y) / k + MARGIN_PX,
    },
  };
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(ratio * k, 0, 0, ratio * k, ratio * x, ratio * y);
  paintEdges(frame);
  paintNodes(frame);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return paintLabels(frame);
}
