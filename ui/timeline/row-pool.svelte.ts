/**
 * A pool of DOM rows that is moved along as one scrolls, so that 100,000 rows cost as much as a screenful. The rows stand at
 * fixed heights; slot n of the pool shows row `first + n`.
 */

/** More rows than any screen shows; the limit on DOM rows. */
const POOL_MAX = 110;
const OVERSCAN = 6;

export interface RowPool {
  /** What each slot of the pool shows, first to last. */
  readonly slots: readonly number[];
  readonly first: number;
  /** Rows that fit on the screen. */
  readonly onScreen: number;
  /** For `bind:clientHeight`. */
  height: number;
  /** For `onscroll`. */
  scrolled(event: { readonly currentTarget: HTMLElement }): void;
  /** Brings a row into view when it is not. */
  reveal(scroller: HTMLElement, row: number): void;
}

export function createRowPool(count: () => number, rowPx: number): RowPool {
  let scrollTop = $state(0);
  let height = $state(600);
  const onScreen = $derived(Math.max(1, Math.floor(height / rowPx)));
  const first = $derived(Math.max(0, Math.min(count() - onScreen, Math.floor(scrollTop / rowPx)) - OVERSCAN));
  const size = $derived(
    Math.min(POOL_MAX, Math.ceil(height / rowPx) + 2 * OVERSCAN, Math.max(0, count() - first)),
  );
  const slots = $derived(Array.from({ length: size }, (_, slot) => first + slot));
  return {
    get slots() {
      return slots;
    },
    get first() {
      return first;
    },
    get onScreen() {
      return onScreen;
    },
    get height() {
      return height;
    },
    set height(px: number) {
      height = px;
    },
    scrolled({ currentTarget }) {
      scrollTop = currentTarget.scrollTop;
    },
    reveal(scroller, row) {
      if (row < 0) return;
      const top = row * rowPx;
      if (top < scroller.scrollTop) scroller.scrollTop = Math.max(0, top - 3 * rowPx);
      else if (top + rowPx > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = top - scroller.clientHeight + 4 * rowPx;
      }
    },
  };
}
