/**
 * How the views open, and what they hold after a while live: `npm run bench:page`, with `--json` for programs.
 *
 * A real collector with ten minutes of traces, and a headless Chromium of 1280 × 800. Each view is opened from the
 * address bar: first paint; interactive, when what it shows is painted and the page's thread is free; how far things
 * moved under the reader. Then one page of each view stays open for `--minutes` while 200 spans arrive a second: how
 * much their heaps grew, after a garbage collection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import type { TracePage } from '../../collector/serve/wire.ts';
import { startBrowser, type Browser } from '../end-to-end/browser.ts';
import { withCollector, type Collector } from '../main/collector.ts';
import { json, number, readFlags } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';
import { measureHeap } from './page-heap.ts';
import { alignTable, medians } from './table.ts';
import { makeRequests } from './workload/make-requests.ts';

const WATCH = new URL('./watch-opening.mjs', import.meta.url).pathname;
const SPANS_PER_SECOND = 200;
const SPANS_PER_REQUEST = 20;
const IN_FLIGHT_MAX = 16;
/** Of all calls. */
const FAILED_SHARE = 0.005;
const BEFORE_MINUTES = 10;
/** What a page does once, after it is opened, is done. */
const SETTLE_MS = 20_000;

const { rounds, minutes, ...flags } = readFlags('npm run bench:page --', {
  rounds: number(5, 'how often each view is opened'),
  minutes: number(5, 'how long they stay open while spans come', 0),
  json,
});

interface Opening {
  readonly firstPaintMs: number;
  readonly interactiveMs: number;
  /** As Chromium counts it: 0 when nothing moved. */
  readonly layoutShift: number;
}
interface View {
  readonly name: string;
  readonly path: string;
  /** There when the view shows what it is for. */
  readonly shows: string;
}

async function listViews(web: string): Promise<View[]> {
  const query = new URLSearchParams({ q: 'timeout:true', limit: '1' });
  const answer = (await (await fetch(`${web}/api/traces?${query}`)).json()) as TracePage;
  const [trace] = answer.traces;
  if (trace === undefined) throw new Error('got no trace that timed out, expected some in ten minutes');
  return [
    { name: 'map', path: '/map', shows: '[data-mark^="node:"]' },
    { name: 'timeouts', path: '/timeouts', shows: 'a.incident' },
    { name: 'traces', path: '/search', shows: 'a.trace' },
    { name: 'latency', path: '/latency', shows: '.plot' },
    { name: 'trace', path: `/trace/${trace.traceId}`, shows: '.row.selected' },
  ];
}

/** Sends so many minutes of the workload that begin at `startUnixMs`; `inTime`: each span when it happens. */
async function sendSpans(
  collector: Collector,
  startUnixMs: number,
  forMinutes: number,
  inTime: boolean,
): Promise<void> {
  const spreadMs = forMinutes * 60_000;
  const spans = (spreadMs / 1_000) * SPANS_PER_SECOND;
  const workload = { seed: startUnixMs, spans, failedShare: FAILED_SHARE, startUnixMs, spreadMs };
  const inFlight = new Set<Promise<void>>();
  let sent = 0;
  for (const request of makeRequests(workload, { spansPerRequest: SPANS_PER_REQUEST })) {
    sent += request.spans;
    if (inTime) await sleep(Math.max(0, startUnixMs + (sent / SPANS_PER_SECOND) * 1_000 - Date.now()));
    while (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
    const answered = sendRequest(collector, Uint8Array.from(request.bytes)).finally(() =>
      inFlight.delete(answered),
    );
    inFlight.add(answered);
  }
  await Promise.all(inFlight);
}

async function sendRequest({ otlpHttp }: Collector, body: Uint8Array<ArrayBuffer>): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf' };
  const answer = await fetch(`${otlpHttp}/v1/traces`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`the collector answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

async function openView(browser: Browser, web: string, { path, shows }: View): Promise<Opening> {
  const { page } = await browser.open('about:blank');
  try {
    await page.addInitScript({ path: WATCH });
    await page.goto(web + path);
    return await page.evaluate(`opening.read(${JSON.stringify(shows)})`);
  } finally {
    await page.context().close();
  }
}

interface Growth {
  readonly beforeBytes: number;
  readonly afterBytes: number;
}

async function stayLive(browser: Browser, collector: Collector, views: readonly View[]): Promise<Growth[]> {
  const pages: Page[] = [];
  try {
    for (const { path, shows } of views) {
      const { page } = await browser.open(collector.web + path);
      await page.locator(shows).first().waitFor();
      pages.push(page);
    }
    const sending = sendSpans(collector, Date.now(), minutes + SETTLE_MS / 60_000, true);
    await Promise.race([sleep(SETTLE_MS), sending]);
    const heaps = (): Promise<number[]> => Promise.all(pages.map((page) => measureHeap(page)));
    const before = await heaps();
    await sending;
    const after = await heaps();
    return before.map((beforeBytes, index) => ({ beforeBytes, afterBytes: after[index]! }));
  } finally {
    for (const page of pages) await page.context().close();
  }
}

const machine = describeMachine();
const browser = await startBrowser();
try {
  await withCollector([], async (collector) => {
    await sendSpans(collector, Date.now() - BEFORE_MINUTES * 60_000, BEFORE_MINUTES, false);
    // Until the traces that failed have their diagnosis.
    await sleep(SETTLE_MS);
    const views = await listViews(collector.web);
    const openings: Opening[] = [];
    for (const view of views) {
      const each: Opening[] = [];
      for (let round = 0; round < rounds; round++) each.push(await openView(browser, collector.web, view));
      openings.push(medians(each));
    }
    const growths = minutes > 0 ? await stayLive(browser, collector, views) : [];
    const results = views.map(({ name }, at) => ({ view: name, ...openings[at]!, ...growths[at] }));
    if (flags.json) return console.log(JSON.stringify({ machine, rounds, minutes, results }));
    console.log(machineLine(machine));
    const mb = (bytes: number | undefined) => (bytes === undefined ? '–' : `${(bytes / 1e6).toFixed(1)} MB`);
    console.log(
      alignTable([
        ['view', 'first paint', 'interactive', 'shift', 'heap', `after ${minutes} min live`],
        ...results.map((result) => [
          result.view,
          `${result.firstPaintMs.toFixed(0)} ms`,
          `${result.interactiveMs.toFixed(0)} ms`,
          result.layoutShift.toFixed(4),
          mb(result.beforeBytes),
          mb(result.afterBytes),
        ]),
      ]),
    );
  });
} finally {
  await browser.end();
}
