/**
 * Latency over time in a real Chromium, over forty minutes of calls with a story: the answer in words, a part chosen by
 * mouse and by keys alone, the same after a reload, its calls found by a search; axe finds nothing serious, nothing moves.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Incidents, Latency, Status } from '../../collector/serve/wire.ts';
import { findAccessibilityFaults, findFaultsOfBothThemes, startBrowser, type Browser } from './browser.ts';
import { startWorld, type World } from './collector.ts';
import {
  BUDGET_MS,
  CALLS_A_MINUTE,
  latencyRequests,
  MINUTES,
  TIMEOUTS,
  WALL_CALLS,
} from './latency-calls.ts';

const minuteMs = 60_000;
const endMs = Math.floor(Date.now() / minuteMs) * minuteMs;
const calls = MINUTES * CALLS_A_MINUTE;
/** Absolute, so that nothing depends on how long the tests take. */
const range = `from=${endMs - (MINUTES + 5) * minuteMs}&to=${endMs}`;
const edge = `/latency?service=checkout&peer=payments&${range}`;
/** Of the last ten minutes, what gave up. */
const brushed = `&sel=${endMs - 10 * minuteMs}-${endMs},2500-4000`;

let world: World;
let browser: Browser;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
  const { addresses } = await world.get<Status>('/api/status');
  for (const body of latencyRequests(endMs)) {
    const answer = await fetch(`http://${addresses.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!answer.ok) throw new Error(`the collector answered ${answer.status}: ${await answer.text()}`);
  }
  await world.getWhen(`/api${edge}`, (latency: Latency) =>
    latency.calls === calls && latency.timeouts === TIMEOUTS ? latency : undefined,
  );
  // Diagnosed a little later; the page asks once, for a range that is over.
  await world.getWhen(`/api/timeouts?${range}`, ({ incidents }: Incidents) =>
    incidents.find(({ edge, count }) => edge === 'checkout->payments' && count === TIMEOUTS),
  );
});

afterAll(async () => {
  await browser?.end();
  await world?.end();
});

async function open(path: string, theme: 'light' | 'dark' = 'light') {
  const opened = await browser.open(world.page + path, theme);
  onTestFinished(() => opened.page.context().close());
  return opened;
}

const answer = (page: Page) => page.getByRole('region', { name: 'Latency in words' }).getByRole('heading');
const plot = (page: Page) => page.getByRole('application', { name: /^Calls over time and duration/ });
const differs = (page: Page) => page.getByRole('complementary', { name: 'What differs here' });
const selOf = (page: Page) => new URL(page.url()).searchParams.get('sel');

describe('the answer', () => {
  it('says what changed and when, who gave up, and in which phase', async () => {
    const { page, faults } = await open(edge);
    await expect
      .poll(() => answer(page).innerText())
      .toMatch(
        new RegExp(
          String.raw`^p95 of checkout → payments rose from \d+(?:\.\d)? ms to 3(?:\.\d)? s at .*\d\d:\d\d; ${TIMEOUTS} calls gave up, in connect\.$`,
        ),
      );
    const side = page.getByRole('complementary', { name: 'In this range' });
    await side.getByText(`${TIMEOUTS} calls gave up by it`).waitFor();
    await side.getByRole('link', { name: `${TIMEOUTS} timeouts in connect` }).waitFor();
    expect(faults).toEqual([]);
  });

  it('tells of a wall, and leads to its calls', async () => {
    const { page } = await open(`/latency?service=checkout&peer=ledger&${range}`);
    await expect
      .poll(() => answer(page).innerText())
      .toContain(`${WALL_CALLS} calls pile up at 5.00 s: an unknown timer.`);
    await page.getByRole('button', { name: `at 5.00 s · ${WALL_CALLS} calls` }).click();
    await differs(page).getByRole('link', { name: 'Search these calls' }).click();
    await page.getByText(`of ${WALL_CALLS} traces`).waitFor();
  });

  it('is led to by an edge of the map, a service and a span', async () => {
    const { page } = await open(`/map?sel=edge:checkout->payments&${range}`);
    await page.getByRole('link', { name: 'Latency over time' }).click();
    await expect.poll(() => answer(page).innerText()).toContain('checkout → payments');
    await page.getByRole('link', { name: 'On the map' }).click();
    await page.getByRole('complementary').getByRole('heading', { name: 'checkout → payments' }).waitFor();
    await page.goto(`${world.page}/map?sel=node:payments&${range}`);
    await page.getByRole('link', { name: 'Latency over time' }).click();
    await expect.poll(() => answer(page).innerText()).toContain('payments: half took up to');
    await page.goto(
      `${world.page}/trace/${'1'.padStart(32, '0')}?span=${(16 + 4).toString(16).padStart(16, '0')}`,
    );
    await page.getByRole('link', { name: 'Latency of this operation over time' }).click();
    await expect.poll(() => answer(page).innerText()).toContain('POST payments of checkout');
  });
});

describe('a part of the chart', () => {
  it('is dragged over, is the same after a reload, and its calls are found', async () => {
    const { page } = await open(edge);
    await plot(page).waitFor();
    const box = (await page.locator('canvas').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.85, box.y + 6);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    await differs(page).getByText('connect, unfinished').waitFor();
    const counted = await differs(page)
      .getByRole('row', { name: /^calls looked at/ })
      .innerText();
    const url = page.url();
    const part = selOf(page);
    await page.reload();
    await differs(page).getByText('connect, unfinished').waitFor();
    expect(page.url()).toBe(url);
    expect(
      await differs(page)
        .getByRole('row', { name: /^calls looked at/ })
        .innerText(),
    ).toBe(counted);
    const [, count = ''] = /(\d+)/.exec(counted) ?? [];
    await differs(page).getByRole('link', { name: 'Search these calls' }).click();
    await page.getByText(`of ${count} traces`).waitFor();
    await page.goBack();
    await differs(page).waitFor();
    expect(selOf(page)).toBe(part);
  });

  it('is chosen, looked into and left by keys alone', async () => {
    const { page, faults } = await open(edge);
    await plot(page).waitFor();
    await page.keyboard.press('n');
    await page
      .getByRole('status')
      .filter({ hasText: /\d timed out/ })
      .waitFor();
    for (let step = 0; step < 3; step++) await page.keyboard.press('Shift+ArrowRight');
    await page.keyboard.press('Enter');
    const side = differs(page);
    await side.getByText('network.peer.address').first().waitFor();
    const [, minMs = 0, maxMs = 0] = /,([\d.]+)-([\d.]+)$/.exec(selOf(page) ?? '')?.map(Number) ?? [];
    expect([minMs <= BUDGET_MS, maxMs > BUDGET_MS]).toEqual([true, true]);
    const example = side.getByRole('link', { name: /POST payments/ }).first();
    for (let tabs = 0; tabs < 40; tabs++) {
      await page.keyboard.press('Tab');
      if (await example.evaluate((link) => link === link.ownerDocument.activeElement)) break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Verdict' }).waitFor();
    await page.goBack();
    await side.waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary', { name: 'In this range' }).waitFor();
    expect(selOf(page)).toBeNull();
    expect(faults).toEqual([]);
  });
});

it('the table has the numbers of the chart', async () => {
  const { page } = await open(edge);
  await plot(page).waitFor();
  await page.keyboard.press('v');
  const table = page.getByRole('region', { name: 'Latency over time' }).getByRole('table');
  await table.waitFor();
  expect(await table.locator('tbody tr').count()).toBe(MINUTES);
  const last = table.locator('tbody tr').last();
  await last.getByRole('button').click();
  await expect.poll(() => selOf(page)).toContain(`${endMs - minuteMs}-${endMs},`);
  await differs(page).getByRole('heading', { name: 'Slowest' }).waitFor();
});

it('nothing moves while the view comes', async () => {
  const { page } = await open('/help/causes/C1');
  await page.addInitScript(`
    window.shift = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shift += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  `);
  for (const path of [edge, edge + brushed, `${edge}&v=table`]) {
    await page.goto(world.page + path);
    await page.getByRole('complementary').getByRole('heading', { level: 3 }).first().waitFor();
    await page.waitForLoadState('load');
    expect(await page.evaluate('window.shift')).toBe(0);
  }
});

const views: Record<string, { path: string; drawn: (page: Page) => Promise<unknown> }> = {
  'of everything': {
    path: `/latency?${range}`,
    drawn: (page) => page.getByRole('heading', { name: 'Services' }).waitFor(),
  },
  'of an edge': {
    path: edge,
    drawn: (page) => page.getByRole('heading', { name: 'Budgets seen' }).waitFor(),
  },
  'with a part chosen': {
    path: edge + brushed,
    drawn: (page) => differs(page).getByRole('heading', { name: 'Slowest' }).waitFor(),
  },
  'with a wall': {
    path: `/latency?service=checkout&peer=ledger&${range}`,
    drawn: (page) => page.getByRole('heading', { name: 'Calls pile up', exact: true }).waitFor(),
  },
  'as a table': {
    path: `${edge}&v=table`,
    drawn: (page) => page.getByRole('region', { name: 'Latency over time' }).getByRole('table').waitFor(),
  },
  'of one phase': {
    path: `${edge}&phase=connect`,
    drawn: (page) => answer(page).getByText('connect time of checkout').waitFor(),
  },
  'of nobody': {
    path: `/latency?service=nobody&${range}`,
    drawn: (page) => page.getByRole('button', { name: 'Clear the filter' }).waitFor(),
  },
  'of a range without calls': {
    path: '/latency?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z',
    drawn: (page) => page.getByRole('button', { name: 'Jump to the latest' }).waitFor(),
  },
};

describe.each(Object.entries(views))('latency %s', (_, { path, drawn }) => {
  it('has nothing serious for axe in either theme', async () => {
    const { page, faults } = await browser.visit(world.page + path);
    await drawn(page);
    expect(await findFaultsOfBothThemes(page)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it('is as wide as a phone', async () => {
    const narrow = { width: 390, height: 800 };
    const { page } = await browser.visit(world.page + path);
    await page.setViewportSize(narrow);
    await drawn(page);
    const widths = '[document.documentElement, document.querySelector("main")].map((e) => e.scrollWidth)';
    expect(await page.evaluate(widths)).toEqual([narrow.width, narrow.width]);
  });
});

it('without an answer, what there was stays and is called stale', async () => {
  const { page } = await open(edge);
  await plot(page).waitFor();
  await page.route('**/api/latency?*', (route) =>
    route.fulfill({ status: 503, json: { error: { code: 'unavailable', message: 'The store is busy.' } } }),
  );
  await page.keyboard.press('r');
  const alert = page.getByRole('alert');
  await alert.getByText('it is stale').waitFor();
  await plot(page).waitFor();
  expect(await findAccessibilityFaults(page)).toEqual([]);
  await page.unroute('**/api/latency?*');
  await alert.getByRole('button', { name: 'Try again' }).click();
  await alert.waitFor({ state: 'detached' });
});
