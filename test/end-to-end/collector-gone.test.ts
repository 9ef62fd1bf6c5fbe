/**
 * A collector that is killed under open pages: every view keeps what it shows and says that it is stale, also when it
 * is asked to load it again.
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Incidents } from '../../collector/serve/wire.ts';
import { startBrowser, type Browser } from './browser.ts';
import { startChain, type Chain } from './chain.ts';
import { startWorld, type World } from './collector.ts';

const hookFile = fileURLToPath(new URL('../../instrumentation/register.cjs', import.meta.url));

let world: World;
let chain: Chain;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
  chain = await startChain(world, hookFile);
  await chain.call('/refused');
});

afterAll(async () => {
  chain?.end();
  await browser?.end();
  await world?.end();
});

it('leaves in every view the last answer, marked stale', async () => {
  const { fingerprint, traceId } = await world.getWhen('/api/timeouts', ({ incidents }: Incidents) => {
    const [first] = incidents;
    return first && { fingerprint: first.fingerprint, traceId: first.traces[0] };
  });
  const shown: Record<string, (page: Page) => Promise<unknown>> = {
    '/map': (page) => page.locator('[data-mark="node:checkout"]').waitFor(),
    '/map?v=table': (page) => page.getByRole('table').waitFor(),
    '/timeouts': (page) => page.locator('a.incident').first().waitFor(),
    [`/timeouts/${fingerprint}`]: (page) =>
      page.getByRole('link', { name: 'Open the latest trace' }).waitFor(),
    '/latency': (page) => page.getByRole('region', { name: 'Latency in words' }).waitFor(),
    '/search': (page) => page.locator('a.trace').first().waitFor(),
    [`/trace/${traceId}`]: (page) => page.getByRole('treegrid').waitFor(),
  };
  const pages = new Map<string, Page>();
  for (const [path, isShown] of Object.entries(shown)) {
    const { page } = await browser.open(world.page + path);
    pages.set(path, page);
    await isShown(page);
    // Who was never connected is not cut off.
    await page.getByText('Live', { exact: true }).waitFor();
  }

  await world.end();
  for (const [path, page] of pages) {
    await page.getByText('The collector does not answer since').waitFor();
    await page.getByText('What is shown is from before, and stale.').waitFor();
    await shown[path]?.(page);
  }

  const search = pages.get('/search')!;
  await search.keyboard.press('r');
  await search.getByRole('alert').getByText('What is shown is the last answer; it is stale.').waitFor();
  expect(await search.locator('a.trace').count()).toBeGreaterThan(0);

  // What it has of another service it cannot say; it says so, and leaves the choice.
  const latency = pages.get('/latency')!;
  const service = latency.getByLabel('Service');
  await service.selectOption('checkout');
  await latency.getByRole('alert').getByText('The collector does not answer.').waitFor();
  expect(await service.inputValue()).toBe('checkout');
});
