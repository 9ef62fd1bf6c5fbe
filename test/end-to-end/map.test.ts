/**
 * The map of a large system in a real Chromium: what is painted is what the pointer and the keyboard find, a part of
 * the range and a range of durations are chosen by dragging, and a trace stands out; axe finds nothing serious.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { EdgeCalls, Incidents, ServiceMap, Status } from '../../collector/serve/wire.ts';
import { largeMap } from '../benchmark/large-map.ts';
import { findFaultsOfBothThemes, startBrowser, type Browser } from './browser.ts';
import { startWorld, type World } from './collector.ts';

/** Just enough for a canvas: axe looks at every button. */
const size = { services: 210, edges: 230 };
const overMs = 30 * 60_000;
/** Calls that time out on the edge where most of them do. */
const mostTimeouts = 4;

let world: World;
let browser: Browser;
let map: ServiceMap;
let traceId: string;
/** An edge that times out, as `a->b`. */
let failing: string;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
  const { addresses } = await world.get<Status>('/api/status');
  for (const body of largeMap(size, Date.now() - 60_000, overMs)) {
    const answer = await fetch(`http://${addresses.otlpHttp}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (!answer.ok) throw new Error(`the collector answered ${answer.status}: ${await answer.text()}`);
  }
  [map, { traceId, edge: failing }] = await Promise.all([
    world.getWhen('/api/map', (answer: ServiceMap) =>
      answer.edges.length === size.edges ? answer : undefined,
    ),
    world.getWhen('/api/timeouts?kind=timeout', ({ incidents }: Incidents) => {
      // Incidents come one by one; the one of the most calls has several in a bar of its histogram.
      const most = incidents.find(({ count }) => count === mostTimeouts);
      return most?.traces[0] === undefined ? undefined : { traceId: most.traces[0], edge: most.edge };
    }),
  ]);
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

/** All buttons are there, and stand where the map is. */
async function whenDrawn(page: Page): Promise<void> {
  await page.locator('canvas').waitFor();
  await expect
    .poll(() => page.locator('[data-mark]').count(), { timeout: 20_000 })
    .toBe(map.nodes.length + map.edges.length);
}

describe('a map on a canvas', () => {
  it('selects what is clicked on, before and after it is moved', async () => {
    const { page, faults } = await open('/map?all=1');
    await whenDrawn(page);
    const name = failing.split('->')[0]!;
    const middleOf = async () => {
      const box = await page.locator(`[data-mark="node:${name}"]`).boundingBox();
      return [box!.x + box!.width / 2, box!.y + box!.height / 2] as const;
    };
    const before = await middleOf();
    await page.mouse.click(...before);
    await page.getByRole('complementary').getByRole('heading', { level: 1, name }).waitFor();
    expect(new URL(page.url()).searchParams.get('sel')).toBe(`node:${name}`);

    await page.mouse.move(600, 560);
    await page.mouse.down();
    await page.mouse.move(640, 500, { steps: 5 });
    await page.mouse.up();
    const after = await middleOf();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.mouse.click(...after);
    await page.getByRole('complementary').getByRole('heading', { level: 1, name }).waitFor();
    expect(after).not.toEqual(before);
    expect(faults).toEqual([]);
  });

  it('is walked by arrow keys and opened by Enter', async () => {
    const { page } = await open(`/map?all=1&sel=edge:${failing}`);
    await whenDrawn(page);
    const [caller, callee] = failing.split('->');
    await page.locator(`[data-mark="edge:${failing}"]`).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => focusedMark(page)).toBe(`node:${callee}`);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => focusedMark(page)).toMatch(/^edge:/);
    await page.locator(`[data-mark="node:${caller}"]`).focus();
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).searchParams.get('sel')).not.toBeNull();
  });

  const focusedMark = (page: Page) =>
    page.evaluate<string>(`document.activeElement?.getAttribute('data-mark') ?? ''`);
});

describe('what stands over the map, and grows after that is drawn, covers none of its nodes:', () => {
  /** A small low window, where what is asked at `late` is answered when the function that comes back is called. */
  async function openBefore(late: string, query: string, height = 440) {
    const { page } = await open('/help/causes/C1');
    await page.setViewportSize({ width: 900, height });
    const asked = Promise.withResolvers<void>();
    await page.route(late, async (route) => {
      await asked.promise;
      await route.continue();
    });
    await page.goto(`${world.page}/map?sel=edge:${failing}${query}`);
    await page.locator('[data-mark^="node:"]').first().waitFor();
    return { page, answer: asked.resolve };
  }

  async function expectBelow(page: Page, name: string): Promise<void> {
    const highest = async () => {
      const nodes = await page.locator('[data-mark^="node:"]').all();
      const boxes = await Promise.all(nodes.map((node) => node.boundingBox()));
      return Math.min(...boxes.map((box) => box!.y));
    };
    const { y, height } = (await page.getByRole('region', { name }).boundingBox())!;
    await expect.poll(highest).toBeGreaterThanOrEqual(y + height);
  }

  it('what is wrong', async () => {
    const { page, answer } = await openBefore('**/api/timeouts?*', `&focus=${failing.split('->')[0]}&hops=1`);
    answer();
    await page.getByRole('region', { name: 'What is wrong now' }).waitFor();
    await expectBelow(page, 'What is wrong now');
  });

  it('the verdict of a trace, after its edges', async () => {
    const { page, answer } = await openBefore('**/diagnosis', `&trace=${traceId}`, 700);
    const card = page.getByRole('region', { name: 'Trace on the map' });
    await card.getByText('Path of trace').waitFor();
    await expectBelow(page, 'Trace on the map');
    const { height } = (await card.boundingBox())!;
    answer();
    await expect.poll(async () => (await card.boundingBox())!.height).toBeGreaterThan(height);
    await expectBelow(page, 'Trace on the map');
  });
});

describe('a time that is dragged over', () => {
  it('is what the map shows, also when the page is loaded again; the rest comes back by one click', async () => {
    const { page } = await open('/map');
    const strip = page.getByRole('region', { name: 'Calls over time' });
    await strip.waitFor();
    await page.locator('[data-mark^="node:"]').first().waitFor();
    const box = (await strip.locator('.bars').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.6, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 25, { steps: 4 });
    await page.mouse.up();
    await strip.getByText('is what the map shows').waitFor();
    const url = page.url();
    const [from = 0, to = 0] = new URL(url).searchParams.get('window')!.split('-').map(Number);
    expect(to - from).toBeGreaterThanOrEqual(10 * 60_000);
    expect(to - from).toBeLessThanOrEqual(15 * 60_000);
    await page.reload();
    await strip.getByText('is what the map shows').waitFor();
    expect(page.url()).toBe(url);
    await strip.getByRole('button', { name: 'Whole range' }).click();
    await strip.getByText('Drag over a time').waitFor();
    expect(page.url()).not.toContain('window');
  });
});

describe('durations that are dragged over', () => {
  it('lead to the traces of these calls, as many as there are', async () => {
    const [caller, callee] = failing.split('->');
    const calls = await world.get<EdgeCalls>(`/api/calls?caller=${caller}&callee=${callee}`);
    const slowest = calls.durations.at(-1)!;
    const { page } = await open(`/map?sel=edge:${failing}`);
    const plot = page.getByRole('application', { name: /^Durations of/ });
    const bar = (await plot.locator('rect.calls').last().boundingBox())!;
    await page.mouse.move(bar.x + bar.width + 3, bar.y + bar.height / 2);
    await page.mouse.down();
    await page.mouse.move(bar.x + 1, bar.y + bar.height - 2, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('link', { name: `${slowest.calls} call` }).click();
    await page.getByText(`of ${slowest.calls} trace`).waitFor();
    const q = new URL(page.url()).searchParams.get('q');
    expect(q).toContain(`edge:${failing} duration>=`);
  });
});

const views: Record<string, { path: () => string; drawn: (page: Page) => Promise<unknown> }> = {
  'folded to what is worst': {
    path: () => '/map',
    drawn: (page) => page.getByRole('button', { name: /more nodes and .* folded away/ }).waitFor(),
  },
  'on a canvas': { path: () => '/map?all=1', drawn: whenDrawn },
  'with an edge chosen': {
    path: () => `/map?sel=edge:${failing}`,
    drawn: (page) => page.getByRole('application', { name: /^Durations of/ }).waitFor(),
  },
  'with a trace on it': {
    path: () => `/map?trace=${traceId}`,
    drawn: (page) => page.getByRole('link', { name: 'Back to the trace' }).waitFor(),
  },
  'of a part of the range': {
    path: () => `/map?window=${Date.now() - 20 * 60_000}-${Date.now() - 10 * 60_000}`,
    drawn: (page) => page.getByText('is what the map shows').waitFor(),
  },
};

describe.each(Object.entries(views))('the map %s', (_, { path, drawn }) => {
  it('has nothing serious for axe in either theme', async () => {
    const { page, faults } = await browser.visit(world.page + path());
    await drawn(page);
    expect(await findFaultsOfBothThemes(page)).toEqual([]);
    expect(faults).toEqual([]);
  });
});
