/**
 * The page in a real Chromium, over traces of a real chain: from the landing page to the verdict by two clicks and by
 * keyboard alone, and nothing that axe calls serious or critical, in both themes, on every view and empty state.
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Incidents, Status, TracePage } from '../../collector/serve/wire.ts';
import {
  findAccessibilityFaults,
  findFaultsOfBothThemes,
  readSentence,
  startBrowser,
  type Browser,
} from './browser.ts';
import { startChain, type Chain } from './chain.ts';
import { startWorld, type World } from './collector.ts';

const hookFile = fileURLToPath(new URL('../../instrumentation/register.cjs', import.meta.url));
const tabsMax = 60;
const longAgo = 'from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z';

let world: World;
let emptyWorld: World;
let chain: Chain;
let browser: Browser;
let traceId: string;
let otherTraceId: string;
let fingerprint: string;

beforeAll(async () => {
  [world, emptyWorld, browser] = await Promise.all([startWorld(), startWorld(), startBrowser()]);
  chain = await startChain(world, hookFile);
  for (const path of [
    '/well',
    '/well',
    '/refused',
    '/syn-unanswered',
    '/never-answered',
    '/never-answered',
  ]) {
    await chain.call(path);
  }
  [traceId, otherTraceId, fingerprint] = await Promise.all([
    world.getWhen('/api/traces?q=phase:connect+timeout:true', ({ traces }: TracePage) =>
      traces[0]?.verdict ? traces[0].traceId : undefined,
    ),
    world.getWhen(
      '/api/traces?q=trace.service:gateway+-timeout:true+-status:error',
      ({ traces }: TracePage) => traces.find(({ errors, timeouts }) => errors + timeouts === 0)?.traceId,
    ),
    world.getWhen('/api/timeouts', ({ incidents }: Incidents) =>
      incidents.length >= 3 ? incidents[0]?.fingerprint : undefined,
    ),
  ]);
});

afterAll(async () => {
  chain?.end();
  await browser?.end();
  await Promise.all([world?.end(), emptyWorld?.end()]);
});

async function open(url: string, theme: 'light' | 'dark' = 'light') {
  const opened = await browser.open(url, theme);
  onTestFinished(() => opened.page.context().close());
  return opened;
}

/** Presses Tab until the focus is on an element whose text begins so; fails when it never gets there. */
async function tabTo(page: Page, text: string): Promise<void> {
  const passed: string[] = [];
  for (let tabs = 0; tabs < tabsMax; tabs++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate('document.activeElement?.textContent?.trim() ?? ""');
    if (String(focused).startsWith(text)) return;
    passed.push(String(focused).slice(0, 30));
  }
  throw new Error(`Tab never came to “${text}”; it passed ${passed.join(' | ')}`);
}

describe('from the landing page to the verdict', () => {
  it('takes two clicks', async () => {
    const { page, faults } = await open(world.page);
    await page.getByRole('link', { name: 'Open incident' }).click();
    await page.getByRole('link', { name: 'Open the latest trace' }).click();
    expect(await readSentence(page)).toMatch(/^checkout gave up|^checkout .*refused/);
    expect(faults).toEqual([]);
  });

  it('works by keyboard alone, on to the evidence behind it', async () => {
    const { page, faults } = await open(world.page);
    await page.getByRole('link', { name: 'Open incident' }).waitFor();
    await tabTo(page, 'Open incident');
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Open the latest trace' }).waitFor();
    await tabTo(page, 'Open the latest trace');
    await page.keyboard.press('Enter');
    expect(await readSentence(page)).not.toBe('');

    const evidence = page.getByRole('list', { name: 'Evidence' }).getByRole('button').first();
    await tabTo(page, (await evidence.evaluate((button) => button.textContent)).trim());
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Span' }).waitFor();
    expect(new URL(page.url()).searchParams.get('span')).toMatch(/^[0-9a-f]{16}$/);
    expect(faults).toEqual([]);
  });

  it('works by the page’s own keys', async () => {
    const { page } = await open(world.page);
    await page.getByRole('link', { name: 'Open incident' }).waitFor();
    await page.keyboard.press('i');
    await page.getByRole('link', { name: 'Open the latest trace' }).waitFor();
    await page.keyboard.press('o');
    expect(await readSentence(page)).not.toBe('');
  });
});

/** Each view and state, with what is on it once it is drawn. */
const views: Record<string, { url: () => string; drawn: (page: Page) => Promise<unknown> }> = {
  map: {
    url: () => `${world.page}/`,
    drawn: (page) => page.getByRole('link', { name: 'Open incident' }).waitFor(),
  },
  'map as a table': {
    url: () => `${world.page}/map?v=table`,
    drawn: (page) => page.getByRole('region', { name: 'Calls between services' }).waitFor(),
  },
  'map with a service chosen': {
    url: () => `${world.page}/map?sel=node:checkout`,
    drawn: (page) => page.getByRole('complementary').first().waitFor(),
  },
  'map with a query': {
    url: () => `${world.page}/map?q=timeout:true`,
    drawn: (page) => page.getByText(/^The way of \d+ traces? that match/).waitFor(),
  },
  timeouts: {
    url: () => `${world.page}/timeouts`,
    drawn: (page) => page.getByText('calls checked').waitFor(),
  },
  'timeouts under headings': {
    url: () => `${world.page}/timeouts?group=phase`,
    drawn: (page) => page.getByRole('heading', { name: 'In connect' }).waitFor(),
  },
  incident: {
    url: () => `${world.page}/timeouts/${fingerprint}`,
    drawn: (page) => page.getByRole('link', { name: 'Open the latest trace' }).waitFor(),
  },
  traces: {
    url: () => `${world.page}/search`,
    drawn: (page) =>
      page
        .getByRole('img', { name: /^Where the time went/ })
        .first()
        .waitFor(),
  },
  'traces of a bad query': {
    url: () => `${world.page}/search?q=duration%3E%3E`,
    drawn: (page) => page.getByText('Correct the query above').waitFor(),
  },
  trace: {
    url: () => `${world.page}/trace/${traceId}`,
    drawn: (page) => page.getByRole('region', { name: 'Verdict' }).waitFor(),
  },
  'a trace as a flame': {
    url: () => `${world.page}/trace/${traceId}?view=flame`,
    drawn: (page) => page.getByRole('region', { name: 'Flame' }).waitFor(),
  },
  'a trace as a table': {
    url: () => `${world.page}/trace/${traceId}?view=table`,
    drawn: (page) => page.getByRole('region', { name: 'Spans' }).waitFor(),
  },
  'a trace beside another': {
    url: () => `${world.page}/trace/${traceId}?with=${otherTraceId}`,
    drawn: (page) => page.getByRole('treegrid', { name: 'Both traces, call by call' }).waitFor(),
  },
  'a file that is to be chosen': {
    url: () => `${world.page}/file`,
    drawn: (page) => page.getByRole('button', { name: 'Choose a file' }).waitFor(),
  },
  'a trace that is not stored': {
    url: () => `${world.page}/trace/${'0'.repeat(31)}1`,
    drawn: (page) => page.getByRole('heading', { name: /No trace/ }).waitFor(),
  },
  latency: {
    url: () => `${world.page}/latency`,
    drawn: (page) => page.getByRole('region', { name: 'Latency in words' }).waitFor(),
  },
  'no data ever': {
    url: () => `${emptyWorld.page}/`,
    drawn: (page) => page.getByRole('heading', { name: 'Send the first span' }).waitFor(),
  },
  'nothing in this range': {
    url: () => `${world.page}/map?${longAgo}`,
    drawn: (page) => page.getByRole('button', { name: 'Jump to the latest' }).waitFor(),
  },
  'everything filtered out': {
    url: () => `${world.page}/search?q=service:nobody`,
    drawn: (page) => page.getByRole('button', { name: 'Clear the filter' }).waitFor(),
  },
};

describe.each(Object.entries(views))('%s', (_, { url, drawn }) => {
  it('has nothing serious for axe in either theme, and no error in the console', async () => {
    const { page, faults } = await browser.visit(url());
    await drawn(page);
    expect(await findFaultsOfBothThemes(page)).toEqual([]);
    expect(faults.filter((fault) => !/status of 40[04]/.test(fault))).toEqual([]);
  });
});

it('a low window has the whole row of the origin in view', async () => {
  const low = { width: 1024, height: 700 };
  const { page } = await open(world.page);
  await page.setViewportSize(low);
  await page.goto(`${world.page}/trace/${traceId}`);
  const row = page.getByRole('row').filter({ has: page.getByText('origin', { exact: true }) });
  await expect
    .poll(async () => {
      const box = await row.boundingBox();
      return box !== null && box.y > 0 && box.y + box.height <= low.height;
    })
    .toBe(true);
});

it('the headline stands below the tools of the map, however many lines these take', async () => {
  const { page } = await open(`${world.page}/map?focus=checkout&sel=node:checkout`);
  const count = page.getByText(/\d nodes? ·/);
  const headline = page.getByRole('region', { name: 'What is wrong now' });
  await headline.waitFor();
  for (const width of [1440, 1024, 800]) {
    await page.setViewportSize({ width, height: 700 });
    await expect
      .poll(async () => {
        const [above, below] = [await count.boundingBox(), await headline.boundingBox()];
        return above !== null && below !== null && above.y + above.height <= below.y;
      })
      .toBe(true);
  }
});

describe('on a phone', () => {
  const narrow = { width: 390, height: 800 };

  it.each(Object.keys(views))('%s is as wide as the screen', async (name) => {
    const { url, drawn } = views[name]!;
    const { page } = await browser.visit(url());
    await page.setViewportSize(narrow);
    await drawn(page);
    const widths = '[document.documentElement, document.querySelector("main")].map((e) => e.scrollWidth)';
    expect(await page.evaluate(widths)).toEqual([narrow.width, narrow.width]);
  });

  it('the words of a trace in the list have the whole width', async () => {
    const { page } = await open(`${world.page}/search?q=timeout:true`);
    await page.setViewportSize(narrow);
    const sentence = page.locator('[data-trace] .what').first();
    await expect.poll(async () => (await sentence.boundingBox())?.width).toBeGreaterThan(300);
  });

  it('the map keeps a size that can be read', async () => {
    const { page } = await open(`${world.page}/`);
    await page.setViewportSize(narrow);
    const nodeWidth = async () => (await page.locator('g.node rect').first().boundingBox())?.width;
    await expect.poll(nodeWidth).toBeGreaterThan(100);
  });

  it('what is chosen on the map comes into sight', async () => {
    const { page } = await open(`${world.page}/map`);
    await page.setViewportSize(narrow);
    await page.locator('g.node').first().press('Enter');
    const heading = page.getByRole('complementary').getByRole('heading', { level: 1 });
    await expect.poll(async () => (await heading.boundingBox())?.y).toBeLessThan(narrow.height - 100);
  });
});

describe('a file of traces', () => {
  const download = async (format: string) =>
    Buffer.from(await (await fetch(`${world.page}/api/traces/${traceId}?format=${format}`)).arrayBuffer());

  it.each(['otlp', 'jaeger', 'zipkin'])(
    'of %s is looked at with its verdict and attributes, and not stored',
    async (format) => {
      const { page, faults } = await open(`${emptyWorld.page}/file`);
      const name = `ticket.${format}.json`;
      await page
        .getByLabel('File of traces')
        .setInputFiles({ name, mimeType: 'application/json', buffer: await download(format) });
      expect(await readSentence(page)).toMatch(/^checkout gave up/);
      await page.getByText('looked at, not stored').waitFor();
      await page.getByRole('complementary', { name: 'Span' }).getByText('network.peer.address').waitFor();
      expect(await findAccessibilityFaults(page)).toEqual([]);
      expect((await emptyWorld.get<Status>('/api/status')).store.spans).toBe(0);
      expect(faults).toEqual([]);
    },
  );

  it('that is none is refused with what can be read', async () => {
    const { page } = await open(`${world.page}/file`);
    const file = { name: 'photo.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a', 'hex') };
    await page.getByLabel('File of traces').setInputFiles(file);
    await page.getByRole('alert').getByText('What can be read').waitFor();
    expect(await findAccessibilityFaults(page)).toEqual([]);
  });
});

describe('a trace by keyboard', () => {
  it('is put beside the normal one of its operation, and taken away again', async () => {
    const { page, faults } = await open(`${world.page}/trace/${traceId}`);
    await page.getByRole('region', { name: 'Verdict' }).waitFor();
    await page.keyboard.press('b');
    const both = page.getByRole('treegrid', { name: 'Both traces, call by call' });
    await both.or(page.getByText(/^No successful trace of/)).waitFor();
    expect(faults).toEqual([]);
  });

  it('is found in, filtered and folded', async () => {
    const { page, faults } = await open(`${world.page}/trace/${traceId}`);
    await page.getByRole('region', { name: 'Verdict' }).waitFor();
    await page.keyboard.press('f');
    await page.keyboard.type('SYN_SENT');
    await page.getByText(/^\d+ of \d+$/).waitFor();
    await page.keyboard.press('Enter');
    expect(new URL(page.url()).searchParams.get('span')).toMatch(/^[0-9a-f]{16}$/);
    const grid = page.getByRole('treegrid', { name: 'Spans of the trace' });
    await grid.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => grid.getAttribute('aria-rowcount')).toBe('2');
    expect(faults).toEqual([]);
  });
});

it('leads from a range without data to the latest trace', async () => {
  const { page } = await open(`${world.page}/search?${longAgo}`);
  await page.getByRole('button', { name: 'Jump to the latest' }).click();
  await page.getByText(/of \d+ traces/).waitFor();
  expect(new URL(page.url()).searchParams.get('from')).not.toContain('2020');
});

it('turns from “send the first span” to the map by itself when spans arrive', async () => {
  const { page } = await open(emptyWorld.page);
  await page.getByRole('heading', { name: 'Send the first span' }).waitFor();
  const { addresses } = await emptyWorld.get<Status>('/api/status');
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'GET /',
    kind: 2,
    startTimeUnixNano: String(startUnixNano),
    endTimeUnixNano: String(startUnixNano + 5_000_000n),
  };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'first-service' } }] };
  const answer = await fetch(`http://${addresses.otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] }),
  });
  expect(answer.status).toBe(200);
  await page.getByText('first-service', { exact: true }).waitFor();
});
