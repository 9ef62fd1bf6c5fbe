/**
 * How fast the page draws a map, in a real Chromium over a real collector:
 * `npm run bench:map`, with `--json` for programs.
 *
 * Painted: from the start of the navigation, and from the map's answer, to the frame after its first painting; the
 * middle of several loads, and the longest task of the page's thread until then. Pan and zoom: script and frames of
 * drags and wheel turns over the whole map.
 */
import { fileURLToPath } from 'node:url';
import type { CDPSession, Page } from 'playwright-core';
import type { ServiceMap, Status } from '../../collector/serve/wire.ts';
import { startBrowser, type Browser } from '../end-to-end/browser.ts';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { largeMap, type MapSize } from './large-map.ts';
import { json, number, readFlags } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';

const SIZES: MapSize[] = [
  { services: 100, edges: 250 },
  { services: 500, edges: 1_500 },
];
const flags = readFlags('npm run bench:map --', { rounds: number(5, 'how often each map is opened'), json });
const OVER_MS = 30 * 60_000;
const DRAG_MOVES = 60;
const WHEEL_TURNS = 40;
const SETTLE_MS = 500;

interface Painted {
  readonly fromNavigationMs: number;
  readonly fromAnswerMs: number;
  readonly longestTaskMs: number;
  /** CPU time of the page's thread until then. */
  readonly threadMs: number;
}
interface Gesture {
  readonly scriptMsPerFrame: number;
  readonly frameP95Ms: number;
}
interface Measured extends MapSize {
  readonly painted: Painted;
  /** Of the loads, the one that other programs disturbed least. */
  readonly best: Painted;
  readonly pan: Gesture;
  readonly zoom: Gesture;
  readonly buttons: number;
}

/** What watch-page.mjs saw. */
interface Seen {
  readonly paintedMs: number;
  readonly longestTaskMs: number;
  readonly paintings: number;
  readonly frames: readonly number[];
}
const watchFile = fileURLToPath(new URL('./watch-page.mjs', import.meta.url));
const readSeen = (page: Page): Promise<Seen> => page.evaluate('seen.read()');

async function readMetricMs(cdp: CDPSession, metric: string): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === metric)?.value ?? 0) * 1e3;
}

async function load(
  browser: Browser,
  url: string,
): Promise<{ page: Page; cdp: CDPSession; painted: Painted }> {
  const { page } = await browser.open('about:blank');
  const cdp = await page.context().newCDPSession(page);
  // Of the page's thread: what else runs on the machine is not counted.
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.addInitScript({ path: watchFile });
  await page.goto(url);
  await page.evaluate('seen.painted');
  const threadMs = await readMetricMs(cdp, 'TaskDuration');
  const { paintedMs, longestTaskMs } = await readSeen(page);
  const answeredMs: number = await page.evaluate(`seen.answeredMs('/api/map')`);
  return {
    page,
    cdp,
    painted: { fromNavigationMs: paintedMs, fromAnswerMs: paintedMs - answeredMs, longestTaskMs, threadMs },
  };
}

async function measureGesture(page: Page, cdp: CDPSession, run: () => Promise<void>): Promise<Gesture> {
  const scriptMs = () => readMetricMs(cdp, 'ScriptDuration');
  const [before, scriptBefore] = [await readSeen(page), await scriptMs()];
  await run();
  const [after, scriptAfter] = [await readSeen(page), await scriptMs()];
  const frames = after.frames.slice(before.frames.length);
  const lengths = frames.slice(1).map((at, index) => at - (frames[index] ?? at));
  return {
    scriptMsPerFrame: (scriptAfter - scriptBefore) / Math.max(1, after.paintings - before.paintings),
    frameP95Ms: lengths.toSorted((a, b) => a - b)[Math.floor(lengths.length * 0.95)] ?? 0,
  };
}

async function measureGestures(
  page: Page,
  cdp: CDPSession,
): Promise<{ pan: Gesture; zoom: Gesture; buttons: number }> {
  const buttons = page.locator('[data-mark]');
  // The buttons come in idle moments; gestures are measured when all are there.
  for (let before = -1; before !== (before = await buttons.count());) await page.waitForTimeout(SETTLE_MS);
  const box = await page.locator('.drawing').boundingBox();
  if (!box) throw new Error('the map is not drawn');
  const [x, y] = [box.x + box.width / 2, box.y + box.height * 0.6];
  const pan = await measureGesture(page, cdp, async () => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let move = 1; move <= DRAG_MOVES; move++) {
      await page.mouse.move(x + 3 * move, y + 60 * Math.sin(move / 6));
    }
    await page.mouse.up();
  });
  const zoom = await measureGesture(page, cdp, async () => {
    for (let turn = 0; turn < WHEEL_TURNS; turn++)
      await page.mouse.wheel(0, turn < WHEEL_TURNS / 2 ? -60 : 60);
  });
  return { pan, zoom, buttons: await buttons.count() };
}

async function fill(world: World, size: MapSize): Promise<void> {
  const { addresses } = await world.get<Status>('/api/status');
  for (const body of largeMap(size, Date.now() - 1_000, OVER_MS)) {
    const answer = await fetch(`http://${addresses.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!answer.ok) throw new Error(`the collector answered ${answer.status}: ${await answer.text()}`);
  }
  await world.getWhen('/api/map', (map: ServiceMap) => (map.edges.length >= size.edges ? map : undefined));
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const all = (runs: readonly Painted[], reduce: (values: readonly number[]) => number): Painted => ({
  fromNavigationMs: reduce(runs.map((run) => run.fromNavigationMs)),
  fromAnswerMs: reduce(runs.map((run) => run.fromAnswerMs)),
  longestTaskMs: reduce(runs.map((run) => run.longestTaskMs)),
  threadMs: reduce(runs.map((run) => run.threadMs)),
});

async function measure(browser: Browser, size: MapSize): Promise<Measured> {
  const world = await startWorld();
  try {
    await fill(world, size);
    const runs: Painted[] = [];
    let gestures: Awaited<ReturnType<typeof measureGestures>> | null = null;
    for (let run = 0; run < flags.rounds; run++) {
      const { page, cdp, painted } = await load(browser, `${world.page}/map?all=1`);
      runs.push(painted);
      if (run === flags.rounds - 1) gestures = await measureGestures(page, cdp);
      await page.context().close();
    }
    if (gestures === null) throw new Error('nothing was measured');
    return {
      ...size,
      painted: all(runs, median),
      best: all(runs, (values) => Math.min(...values)),
      ...gestures,
    };
  } finally {
    await world.end();
  }
}

function say({ services, edges, painted, best, pan, zoom, buttons }: Measured): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const both = (name: keyof Painted) => `${ms(painted[name])} (best ${ms(best[name])})`;
  return [
    `${services} nodes, ${edges} edges, ${buttons} buttons`,
    `  painted        ${both('fromNavigationMs')} after the navigation, ${both('fromAnswerMs')} after the answer`,
    `  longest task   ${both('longestTaskMs')}; CPU time of the page's thread ${both('threadMs')}`,
    `  panning        ${ms(pan.scriptMsPerFrame)} of script a frame; frames p95 ${ms(pan.frameP95Ms)} apart`,
    `  zooming        ${ms(zoom.scriptMsPerFrame)} of script a frame; frames p95 ${ms(zoom.frameP95Ms)} apart`,
  ].join('\n');
}

const machine = describeMachine();
if (!flags.json) console.log(machineLine(machine));
const browser = await startBrowser();
try {
  for (const size of SIZES) {
    const measured = await measure(browser, size);
    console.log(flags.json ? JSON.stringify({ machine, ...measured }) : say(measured));
  }
} finally {
  await browser.end();
}
