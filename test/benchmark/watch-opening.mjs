/**
 * Runs in a page before its own scripts, for benchmarks: `opening.read(selector)` waits until the view shows what it is
 * for, and tells when it was first painted, when it could be used, and how far things moved. Times since the navigation.
 */
const SETTLED_MS = 1_500;

const opening = (globalThis.opening = { layoutShift: 0 });
new PerformanceObserver((list) => {
  for (const { value } of list.getEntries()) opening.layoutShift += value;
}).observe({ type: 'layout-shift', buffered: true });

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
/** The page's thread has nothing else to do. */
const turn = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', resolve);
    port1.start();
    port2.postMessage(null);
  });

opening.read = async (selector) => {
  while (document.querySelector(selector) === null) await frame();
  // The next frame begins when this one is on the screen.
  await frame();
  await turn();
  const interactiveMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const paints = performance.getEntriesByName('first-contentful-paint');
  return {
    firstPaintMs: paints[0]?.startTime ?? interactiveMs,
    interactiveMs,
    layoutShift: opening.layoutShift,
  };
};
