/** A collector that has as many live streams as it takes: a page says so, and is live by itself when there is room. */
import { get, type ClientRequest } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBrowser, type Browser } from './browser.ts';
import { startWorld, type World } from './collector.ts';

const LISTENERS_MAX = 64;

let world: World;
let browser: Browser;
const streams: ClientRequest[] = [];

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
});

afterAll(async () => {
  for (const stream of streams) stream.destroy();
  await browser?.end();
  await world?.end();
});

it('is not said to be away, and the page is live when others have left', async () => {
  for (let opened = 0; opened < LISTENERS_MAX; opened++) streams.push(get(`${world.page}/api/live`));
  await Promise.all(streams.map((stream) => once(stream, 'response')));

  const { page } = await browser.open(`${world.page}/map`);
  await page.getByText('the collector answers, but sends no events').waitFor();
  await page.getByText('No updates', { exact: true }).waitFor();

  for (const stream of streams) stream.destroy();
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await page.getByText('the collector answers, but sends no events').count()).toBe(0);
});
