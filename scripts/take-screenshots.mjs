/**
 * Takes the README's pictures from a collector that runs: `npm run screenshots -- http://127.0.0.1:4319`.
 *
 * Meant for a demo that has played all of its faults once, some four minutes after its start; the one of latency, which has
 * a column a minute, shows more after twenty.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from './find-chromium.mjs';

const images = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'images');
const SIZE = { width: 1280, height: 800 };
const AROUND_MS = 60_000;
/** Until the map has been laid out and its badges have found their places. */
const SETTLE_MS = 1000;

const [base] = process.argv.slice(2);
if (!URL.canParse(base ?? '')) {
  console.error(`take-screenshots: got "${base ?? ''}", expected the address of a collector's page`);
  process.exit(2);
}
const { incidents } = await (await fetch(new URL('/api/timeouts?from=now-1d&limit=1000', base))).json();
// A connect that is never answered shows most of what the page does: evidence, candidates, a call that never arrived.
const shown = incidents.find(({ kind, phase }) => kind === 'timeout' && phase === 'connect') ?? incidents[0];
if (shown === undefined) {
  console.error('take-screenshots: got no incident of the last day, expected one; let the demo run first');
  process.exit(1);
}
const seen = incidents.flatMap(({ firstSeen, lastSeen }) => [Date.parse(firstSeen), Date.parse(lastSeen)]);
const range = new URLSearchParams({
  from: new Date(Math.min(...seen) - AROUND_MS).toISOString(),
  to: new Date(Math.max(...seen) + AROUND_MS).toISOString(),
});

const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
async function take(name, path, theme) {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: theme });
  await page.goto(new URL(path, base).href);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(images, `${name}-${theme}.png`) });
  await page.close();
}
await take('trace', `/trace/${shown.traces[0]}`, 'light');
await take('map', `/map?${range}&sel=${encodeURIComponent(`edge:${shown.edge}`)}`, 'dark');
// What times out most often shows budgets, phases and how they change.
const [most] = incidents
  .filter(({ kind, edge }) => kind === 'timeout' && edge.includes('->'))
  .toSorted((a, b) => b.count - a.count);
if (most) {
  const [service, peer] = most.edge.split('->');
  await take('latency', `/latency?${range}&${new URLSearchParams({ service, peer })}`, 'light');
}
await browser.close();
