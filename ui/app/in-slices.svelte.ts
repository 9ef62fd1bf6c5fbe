/** Shows a long list in slices: what is in view with the first painting, the rest a slice after each, so that no task takes long. */
import { afterPaint } from './after-paint.ts';

export interface Slices {
  /** How many of the list are shown. */
  readonly shown: number;
  /** All of them now: one is to be focused. */
  showAll(): void;
}

/** Of a component, while it is shown; `total` is reactive. */
export function inSlices(total: () => number, first: number, slice: number): Slices {
  let shown = $state(first);
  $effect(() => {
    if (shown < total()) return afterPaint(() => (shown += slice));
  });
  return {
    get shown() {
      return shown;
    },
    showAll() {
      shown = Infinity;
    },
  };
}
