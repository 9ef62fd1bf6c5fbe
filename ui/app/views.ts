/** The code of each view: fetched when the view is opened, or before, when there is nothing else to do. */

export const views = {
  map: () => import('../pages/MapPage.svelte'),
  trace: () => import('../pages/TracePage.svelte'),
  search: () => import('../pages/SearchPage.svelte'),
  timeouts: () => import('../pages/TimeoutsPage.svelte'),
  incident: () => import('../pages/IncidentPage.svelte'),
  latency: () => import('../pages/LatencyPage.svelte'),
  file: () => import('../pages/FilePage.svelte'),
  fileTrace: () => import('../pages/FileTracePage.svelte'),
};

/** Those that the others lead to; the one that most waits belong to first. */
const AHEAD = [views.trace, views.search, views.incident, views.timeouts, views.map, views.latency];

/** While the first view waits for its answer, its thread is idle, and yet all that counts. */
const AHEAD_AFTER_MS = 500;

/** One after another, in idle moments; returns how to stop. What fails now is fetched, or said, when it is opened. */
export function loadViewsAhead(): () => void {
  if (typeof requestIdleCallback === 'undefined') return () => {};
  let left = [...AHEAD];
  const next = (): void => {
    const [load, ...others] = left;
    left = others;
    if (load) void load().then(loadWhenIdle, () => {});
  };
  const loadWhenIdle = (): void => void (left.length > 0 && requestIdleCallback(next));
  const timer = setTimeout(loadWhenIdle, AHEAD_AFTER_MS);
  return () => {
    clearTimeout(timer);
    left = [];
  };
}
