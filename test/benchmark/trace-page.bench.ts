/**
 * How fast a trace opens and moves on the page: `npm run bench:trace`, with `--json` for programs.
 *
 * A real collector on an empty folder, traces of each size imported into it, and a headless Chromium of 1280 × 800 that
 * clicks, scrolls, folds and finds. Printed are medians, and the 95th percentile of times between frames.
 */
import type { Page } from 'playwright-core';
import { startBrowser, type Browser } from '../end-to-end/browser.ts';
import { withCollector } from '../main/collector.ts';
import { json, number, numbers, readFlags } from './flags.ts';
import { largeTrace } from './large-trace.ts';
import { describeMachine, machineLine } from './machine.ts';
import { measureHeap } from './page-heap.ts';
import { alignTable, medians, megabytes, short } from './table.ts';

const PROBE = new URL('./page-probe.cjs', import.meta.url).pathname;
const SETTLE_MS = 1_500;
const SCROLL_FRAMES = 150;
const SCROLL_PX = 700;
const QUERIES = ['customer.id=c-7919', 'service-7 resource-5', 'ETIMEDOUT'];

const flags = readFlags('npm run bench:trace --', {
  sizes: numbers([1_000, 10_000, 50_000, 100_000], 'spans of the traces'),
  rounds: number(5, 'how often each trace is opened'),
  json,
});

interface Measures {
  /** From a click on the page until the origin is painted. */
  readonly clickMs: number;
  /** The same from the address bar, the page's script included. */
  readonly addressMs: number;
  /** 95th percentile of the time between two frames. */
  readonly frameMs: number;
  readonly collapseMs: number;
  readonly findMs: number;
  readonly rows: number;
  readonly heapBytes: number;
}

const idOf = (size: number): string => String(size).padStart(32, '0');

async function importTrace(web: string, size: number): Promise<void> {
  for (const body of largeTrace(idOf(size), size, Date.now() - 60_000)) {
    const response = await fetch(`${web}/api/import`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  }
}

async function measure(browser: Browser, web: string, size: number): Promise<Measures> {
  const { page } = await browser.open('about:blank');
  try {
    page.setDefaultTimeout(120_000);
    await page.addInitScript({ path: PROBE });
    await page.goto(`${web}/search?from=now-5m`);
    await page.locator('a.trace').first().waitFor();
    // Nobody clicks before the list is there, and what came with it.
    await page.waitForTimeout(SETTLE_MS);
    const clickMs = await ask<number>(page, `open('${idOf(size)}')`);
    const moved = await measureMoves(page);
    await page.goto(`${web}/trace/${idOf(size)}`);
    const addressMs = await ask<number>(page, 'opened()');
    return { clickMs, addressMs, ...moved };
  } finally {
    await page.context().close();
  }
}

async function measureMoves(page: Page): Promise<Omit<Measures, 'clickMs' | 'addressMs'>> {
  const { times, rows } = await ask<{ times: number[]; rows: number }>(
    page,
    `scroll(${SCROLL_FRAMES}, ${SCROLL_PX})`,
  );
  const collapseMs = await ask<number>(page, 'collapse()');
  // The first waits for the texts, which are loaded after the first paint.
  await ask(page, `find('${QUERIES[0]}')`);
  const found: number[] = [];
  for (const query of QUERIES) found.push((await ask<{ foundMs: number }>(page, `find('${query}')`)).foundMs);
  return {
    frameMs: times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? 0,
    collapseMs,
    findMs: Math.max(...found),
    rows,
    heapBytes: await measureHeap(page),
  };
}

function ask<T>(page: Page, call: string): Promise<T> {
  return page.evaluate(`probe.${call}`) as Promise<T>;
}

const machine = describeMachine();
const results: { spans: number; measures: Measures }[] = [];
const browser = await startBrowser();
try {
  await withCollector(['--keep', '90d'], async ({ web }) => {
    for (const size of flags.sizes) {
      await importTrace(web, size);
      const rounds: Measures[] = [];
      for (let round = 0; round < flags.rounds; round++) rounds.push(await measure(browser, web, size));
      results.push({ spans: size, measures: medians(rounds) });
    }
  });
} finally {
  await browser.end();
}

if (flags.json) console.log(JSON.stringify({ machine, rounds: flags.rounds, results }));
else {
  console.log(machineLine(machine));
  const head = ['spans', 'click', 'address', 'frame p95', 'collapse', 'find', 'rows', 'heap'];
  const lines = results.map(({ spans, measures: m }) => [
    spans.toLocaleString('en-US'),
    ...[m.clickMs, m.addressMs, m.frameMs, m.collapseMs, m.findMs].map((ms) => `${short(ms)} ms`),
    String(m.rows),
    megabytes(m.heapBytes),
  ]);
  console.log(alignTable([head, ...lines]));
}
