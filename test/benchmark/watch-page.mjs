/**
 * Runs in a page before its own scripts, for benchmarks: `seen` knows when the map was first painted, how often, when
 * frames began, and the longest task until the first painting. In milliseconds since the navigation.
 */
const seen = (globalThis.seen = { paintedMs: 0, longestTaskMs: 0, paintings: 0, frames: [] });
seen.painted = new Promise((resolve) => {
  seen.paint = () => {
    seen.paintings++;
    if (seen.paintings > 1) return;
    // The next frame begins when this one is on the screen.
    requestAnimationFrame((now) => resolve((seen.paintedMs = now)));
  };
});
seen.read = () => ({ ...seen, frames: [...seen.frames], painted: null });
seen.answeredMs = (path) =>
  performance.getEntriesByType('resource').find(({ name }) => new URL(name).pathname === path)?.responseEnd ??
  0;

// On a canvas every painting begins by clearing it.
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function clearAndCount(...rect) {
  seen.paint();
  clear.apply(this, rect);
};
// In SVG the marks appear, and then move together.
new MutationObserver(() => {
  if (document.querySelector('svg [data-mark^="node:"]')) seen.paint();
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['transform'] });

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    if (seen.paintedMs === 0) seen.longestTaskMs = Math.max(seen.longestTaskMs, duration);
  }
}).observe({ type: 'longtask', buffered: true });

const count = (now) => {
  seen.frames.push(now);
  requestAnimationFrame(count);
};
requestAnimationFrame(count);
