/** Runs inside the page: does what a person does, and measures until it is painted. Loaded before the page's own script. */

/* global document, requestAnimationFrame, MessageChannel */
globalThis.probe = (() => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  /** Resolves once the frame after the one in which `isThere` holds is under way: what was there is painted. */
  async function untilPainted(isThere) {
    while (!isThere()) await frame();
    await frame();
    await new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener('message', resolve);
      port1.start();
      port2.postMessage(null);
    });
    return performance.now();
  }

  const origin = () => document.querySelector('.row.origin .label');
  const grid = () => document.querySelector('[role=treegrid]');
  const rows = () => document.querySelectorAll('.row').length;

  /** A click on a link of the page, until the origin is painted. */
  async function open(traceId) {
    const link = document.createElement('a');
    link.href = `/trace/${traceId}`;
    document.body.append(link);
    const startMs = performance.now();
    link.click();
    link.remove();
    return (await untilPainted(origin)) - startMs;
  }

  /** From the page's own first moment. */
  const opened = () => untilPainted(origin);

  /** Scrolls a fixed way in every frame; the times between frames, and the most rows there were. */
  async function scroll(frames, px) {
    const scroller = grid();
    scroller.scrollTop = 0;
    await frame();
    const times = [];
    let rowsMost = 0;
    let last = await frame();
    for (let count = 0; count < frames; count++) {
      scroller.scrollTop += px;
      const now = await frame();
      times.push(now - last);
      last = now;
      rowsMost = Math.max(rowsMost, rows());
    }
    return { times, rows: rowsMost };
  }

  /** The root's row is folded by keyboard, until the rest of it is gone. */
  async function collapse() {
    const scroller = grid();
    const press = (key) =>
      scroller.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    press('Home');
    await untilPainted(() => document.querySelector('.row[aria-level="1"][aria-selected=true]'));
    const startMs = performance.now();
    press('ArrowLeft');
    const collapsedMs = (await untilPainted(() => rows() < 5)) - startMs;
    press('ArrowRight');
    await untilPainted(() => rows() > 5);
    return collapsedMs;
  }

  /** Types into find, until the count is there. */
  async function find(text) {
    const box = document.querySelector('.find input');
    const type = (value) => {
      box.value = value;
      box.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const count = () => document.querySelector('.find [role=status]')?.textContent.trim() ?? '';
    type('');
    await untilPainted(() => count() === '');
    const startMs = performance.now();
    type(text);
    const foundMs = (await untilPainted(() => /of/.test(count()))) - startMs;
    return { foundMs, count: count() };
  }

  return { open, opened, scroll, collapse, find };
})();
