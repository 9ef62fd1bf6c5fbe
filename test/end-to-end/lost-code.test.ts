/** A view whose code does not come while the collector is away, in a real Chromium: it opens, with its style, when it is back. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { startBrowser, type Browser } from './browser.ts';
import { startWorld, type World } from './collector.ts';

let world: World;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
});
afterAll(async () => {
  await browser?.end();
  await world?.end();
});

it('says so, and opens by trying again', async () => {
  const { page } = await browser.open('about:blank');
  onTestFinished(() => page.context().close());
  // Nothing is fetched before it is needed.
  await page.addInitScript('delete globalThis.requestIdleCallback');
  await page.goto(`${world.page}/latency`);
  await page.locator('main h1').first().waitFor({ state: 'attached' });

  await page.context().route('**/*', (route) => route.abort('connectionrefused'));
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  const alert = page.getByRole('alert');
  await alert.getByText('The collector does not answer').waitFor();

  await page.context().unroute('**/*');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('group', { name: 'State' }).waitFor();
  const display = await page.evaluate(
    `getComputedStyle(document.querySelector('[aria-label=State]')).display`,
  );
  expect(display).toBe('flex');
  expect(await alert.count()).toBe(0);
});
