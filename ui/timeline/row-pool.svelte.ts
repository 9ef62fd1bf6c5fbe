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
  /** For `bind:clientHeight`; nothing is shown until it is known. */
  height: number | undefined;
  /** For `onscroll`. */
  scrolled(event: { readonly currentTarget: HTMLElement }): void;
  /** Brings a row into view when it is not. */
  reveal(scroller: HTMLElement, row: number): void;
}

/** `opensOn` is the row that is in view from the first moment on; -1 for none. */
export function createRowPool(count: () => number, rowPx: number, opensOn: () => number = () => -1): RowPool {
  let scrollTop = $state(0);
  let height = $state<number>();
  const onScreen = $derived(Math.max(1, Math.floor((height ?? 0) / rowPx)));
  const first = $derived(Math.max(0, Math.min(count() - onScreen, Math.floor(scrollTop / rowPx)) - OVERSCAN));
  const size = $derived(
    height === undefined
      ? 0
      : Math.min(POOL_MAX, Math.ceil(height / rowPx) + 2 * OVERSCAN, Math.max(0, count() - first)),
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
    set height(px: number | undefined) {
      if (height === undefined && px !== undefined) scrollTop = placeInView(opensOn(), 0, px);
      height = px;
    },
    scrolled({ currentTarget }) {
      scrollTop = currentTarget.scrollTop;
    },
    reveal(scroller, row) {
      const from = scroller.scrollTop;
      const to = placeInView(row, from, scroller.clientHeight);
      if (to !== from) scroller.scrollTop = to;
    },
  };

  /** Where the scroller is to stand for a row to be in view; where it stands, when it is. */
  function placeInView(row: number, from: number, heightPx: number): number {
    const top = row * rowPx;
    if (row < 0 || (top >= from && top + rowPx <= from + heightPx)) return from;
    return top < from ? Math.max(0, top - 3 * rowPx) : top - heightPx + 4 * rowPx;
  }
}
