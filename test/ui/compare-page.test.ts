/** Two traces beside each other, on the page: found by a key, kept in the URL, chosen from the list. */
import { afterEach, describe, expect, it } from 'vitest';
import type { TraceSummary } from '../../collector/serve/wire.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import trace from './fixtures/trace-connect-timeout.json';
import traces from './fixtures/traces-shop.json';
import { openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
const soon = { timeout: 5000 };
afterEach(() => page.close());

const normalId = 'b'.repeat(32);
/** The same request, in which payments answered after 4 ms. */
const normal = {
  ...trace,
  traceId: normalId,
  spans: trace.spans.map((span) => ({
    ...span,
    durationMs: span.durationMs > 1000 ? 60 : Math.min(span.durationMs, 40),
    status: { code: 'unset', message: '' },
    phases: span.phases.map((phase) => ({
      ...phase,
      durationMs: Math.min(phase.phase === 'connect' ? 4 : 40, phase.durationMs),
      open: false,
    })),
    attributes: Object.fromEntries(
      Object.entries(span.attributes).filter(([key]) => !/^(?:sockeye\.|error\.type)/.test(key)),
    ),
  })),
};
const summary: TraceSummary = {
  ...(traces.traces[0] as TraceSummary),
  traceId: normalId,
  root: { service: 'gateway', operation: 'POST /buy' },
  durationMs: 60,
  errors: 0,
  timeouts: 0,
};
const answers = (found: TraceSummary[] = [summary]): Answers => ({
  [`/api/traces/${normalId}`]: normal,
  '/api/traces': { traces: found, total: found.length, truncated: false, cursor: null },
});
const open = async (path: string, changes: Answers = answers()) => (page = await openPage(path, changes));
const rows = () =>
  page.all('.compare-grid [role=row][aria-level]').map((row) => row.getAttribute('aria-label') ?? '');

describe('a trace beside the normal one of its operation', () => {
  it('is found by a key, and the URL says which it is', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    await page.press('b');
    await expect.poll(page.url, soon).toContain(`with=${normalId}`);
    await expect
      .poll(page.text, soon)
      .toContain('Of 1 successful trace of gateway POST /buy, half took 60 ms or less');
    await page.press('b');
    await expect.poll(page.url, soon).not.toContain('with=');
  });

  it('begins with what took longer, phase by phase', async () => {
    await open(`/trace/${TRACE_ID}?with=${normalId}`);
    await expect.poll(page.text, soon).toContain('Where the time went');
    const [first] = page
      .all('.compare tbody tr')
      .map((line) => line.textContent?.replace(/\s+/g, ' ').trim());
    expect(first).toMatch(/^connect checkout POST payments ?3\.00 s, unfinished ?4 ms ?\+2\.99 s$/);
  });

  it('has both on the same rows, and the keys walk them', async () => {
    await open(`/trace/${TRACE_ID}?with=${normalId}`);
    await expect.poll(() => rows().length, soon).toBeGreaterThan(10);
    expect(rows()[0]).toBe('gateway POST /buy, 3.26 s here, 60 ms in the other');
    const selected = () => page.find('.compare-grid [aria-selected=true]').getAttribute('aria-rowindex');
    const before = Number(selected());
    await page.press('j');
    expect(Number(selected())).toBe(before + 1);
    expect(page.find('.compare-grid').getAttribute('aria-activedescendant')).toMatch(/^compare-row-\d+$/);
  });

  it('says so when none went well', async () => {
    await open(`/trace/${TRACE_ID}`, answers([{ ...summary, errors: 1 }]));
    await expect.poll(page.text, soon).toContain('origin');
    await page.press('b');
    await expect
      .poll(page.text, soon)
      .toContain('No successful trace of gateway POST /buy in the 7 days before');
    expect(page.url()).not.toContain('with=');
  });

  it('that is not stored any more says so, and can be let go', async () => {
    await open(`/trace/${TRACE_ID}?with=dead`);
    await expect.poll(page.text, soon).toContain('no /api/traces/dead');
    await page.click(page.find('.stop button'));
    await expect.poll(page.text, soon).toContain('Service · operation');
    expect(page.url()).not.toContain('with=');
  });
});

describe('in the list of traces', () => {
  it('x marks one, and x on another compares the two', async () => {
    await open('/search', { [`/api/traces/${TRACE_ID}/diagnosis`]: diagnosis });
    await expect.poll(() => page.all('a.trace').length, soon).toBe(5);
    const [first, second] = page.all('li[data-trace]').map((row) => row.dataset['trace']);
    await page.press('j');
    await page.press('x');
    await expect.poll(page.url, soon).toBe(`/search?mark=${first}`);
    expect(page.find('li.marked').dataset['trace']).toBe(first);
    await page.press('x');
    expect(page.url()).toBe('/search');
    await page.press('x');
    await page.press('j');
    await page.press('x');
    expect(page.url()).toBe(`/trace/${first}?with=${second}`);
  });

  it('a button of each row does the same', async () => {
    await open('/search', { [`/api/traces/${TRACE_ID}/diagnosis`]: diagnosis });
    await expect.poll(() => page.all('a.trace').length, soon).toBe(5);
    const [first, second] = page.all('li[data-trace]').map((row) => row.dataset['trace']);
    await page.click(page.all('.mark')[1]!);
    await expect.poll(page.text, soon).toContain('is marked; x on another compares the two');
    await page.click(page.all('.mark')[0]!);
    expect(page.url()).toBe(`/trace/${second}?with=${first}`);
  });
});
