/** The strip of time under the map: what it says, and a part of the range that is chosen on it. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Deploy, MapTimeline, ServiceMap } from '../../collector/serve/wire.ts';
import fixture from './fixtures/map-shop.json';
import { openPage, type Answers, type OpenPage } from './open-page.ts';

const shop = fixture as ServiceMap;
let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

describe('the strip under the map', () => {
  const from = Date.parse(shop.from);
  const deploys: Deploy[] = [
    {
      service: 'payments',
      previous: '1.4.1',
      version: '1.4.2',
      back: false,
      at: new Date(from + 30 * 60_000).toISOString(),
    },
    {
      service: 'payments',
      previous: '1.4.2',
      version: '1.4.1',
      back: true,
      at: new Date(from + 50 * 60_000).toISOString(),
    },
  ];
  const timeline: MapTimeline = {
    from: shop.from,
    to: shop.to,
    steps: Array.from({ length: 60 }, (_, step) => ({
      calls: step,
      errors: 0,
      timeouts: step === 30 ? 7 : 0,
    })),
    deploys,
  };
  const range = `from=${shop.from}&to=${shop.to}`;
  const answers = (maps: string[] = []): Answers => ({
    '/api/map/timeline': timeline,
    '/api/map': (query: URLSearchParams) => {
      maps.push(query.toString());
      const isWindow = query.get('from') !== shop.from;
      return isWindow ? { ...shop, nodes: shop.nodes.slice(0, 6), edges: shop.edges.slice(0, 4) } : shop;
    },
  });

  it('says how many calls and timeouts there were, and where versions changed', async () => {
    await open(`/map?${range}`, answers());
    await expect.poll(page.text, soon).toContain('calls, at most 59 a minute');
    expect(page.text()).toContain('7 timeouts, below the line');
    const deploy = page.find('[aria-label^="payments 1.4.1 → 1.4.2, first span at"]');
    await page.click(deploy);
    await expect.poll(page.text, soon).toContain('Version changed 1.4.1 → 1.4.2');
    expect(page.text()).toContain('1.4.2 → 1.4.1 again last span of 1.4.2 at');
  });

  it('stays when it cannot be loaded again', async () => {
    const changing = { ...answers() };
    const refused = Response.json({ error: { message: 'away' } }, { status: 503 });
    let loads = 0;
    changing['/api/map/timeline'] = () => (++loads === 1 ? timeline : refused);
    await open(`/map?${range}`, changing);
    await expect.poll(page.text, soon).toContain('7 timeouts, below the line');
    page.live('map');
    await expect.poll(() => refused.bodyUsed, soon).toBe(true);
    // What was read is known to the page.
    await new Promise(setImmediate);
    expect(page.text()).toContain('7 timeouts, below the line');
  });

  it('lets “back” lead to the map without the part, however often that was moved', async () => {
    await open(`/map?${range}`, answers());
    await expect.poll(() => page.all('.strip input').length, soon).toBe(2);
    const start = page.find('[aria-label="Start of what the map shows"]') as HTMLInputElement;
    for (const minute of ['20', '30']) {
      start.value = minute;
      start.dispatchEvent(new Event('input', { bubbles: true }));
      await expect.poll(page.url, soon).toContain(`window=${from + Number(minute) * 60_000}-`);
    }
    window.history.back();
    await expect.poll(page.url, soon).toBe(`/map?${range}`);
    await expect.poll(page.text, soon).toContain('Drag over a time to see it alone');
  });

  it('without a part goes to the range before by [, back by ], and says when there is none later', async () => {
    await open(`/map?${range}`, answers());
    await expect.poll(page.text, soon).toContain('calls, at most 59 a minute');
    const asked = () => Object.fromEntries(new URLSearchParams(page.url().split('?')[1]));
    const lengthMs = Date.parse(shop.to) - from;
    await page.press('[');
    expect(asked()).toEqual({
      from: new Date(from - lengthMs).toISOString(),
      to: new Date(from).toISOString(),
    });
    await page.press(']');
    expect(asked()).toEqual({ from: new Date(from).toISOString(), to: new Date(shop.to).toISOString() });
    await page.close();
    await open('/map', answers());
    await expect.poll(page.text, soon).toContain('calls, at most 59 a minute');
    await page.press(']');
    await expect.poll(page.text, soon).toContain('This is the latest');
    expect(page.url()).toBe('/map');
  });

  it('steps on from the last hour and back to it, which is one step of the history', async () => {
    await open('/map', answers());
    await expect.poll(page.text, soon).toContain('calls, at most 59 a minute');
    const entries = window.history.length;
    await page.press('[');
    await page.press('[');
    await page.press(']');
    expect(page.url()).toContain('to=');
    await page.press(']');
    expect(page.url()).toBe('/map');
    expect(window.history.length).toBe(entries + 1);
  });

  it('takes a part of the range by keyboard, and the map shows it with its nodes in their places', async () => {
    const maps: string[] = [];
    await open(`/map?${range}`, answers(maps));
    await expect.poll(() => page.all('g.node').length, soon).toBe(12);
    const places = () =>
      new Map(page.all('g.node').map((node) => [node.dataset['mark'], node.getAttribute('transform')]));
    const before = places();
    const start = page.find('[aria-label="Start of what the map shows"]') as HTMLInputElement;
    start.value = '30';
    start.dispatchEvent(new Event('input', { bubbles: true }));
    expect(page.url()).toContain(`window=${from + 30 * 60_000}-${Date.parse(shop.to)}`);
    await expect.poll(() => page.all('g.node').length, soon).toBe(6);
    for (const [mark, place] of places()) expect(place).toBe(before.get(mark));
    expect(maps.at(-1)).toContain(`from=${encodeURIComponent(new Date(from + 30 * 60_000).toISOString())}`);

    const entries = window.history.length;
    await page.press('[');
    expect(page.url()).toContain(`window=${from}-${from + 30 * 60_000}`);
    expect(window.history.length).toBe(entries);
    await page.click(
      page.all('.strip button').find((button) => button.textContent?.includes('Whole range'))!,
    );
    expect(page.url()).not.toContain('window=');
    await expect.poll(() => page.all('g.node').length, soon).toBe(12);
    expect(places()).toEqual(before);
  });
});
