/** A file that is looked at, on the page: chosen or dropped, listed, opened, refused; and gone with the page. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { LookedAt, Trace, TraceSummary, Verdict } from '../../collector/serve/wire.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import trace from './fixtures/trace-connect-timeout.json';
import traces from './fixtures/traces-shop.json';
import { lookedFileOf } from './columns-of.ts';
import { openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
const soon = { timeout: 5000 };
vi.setConfig({ testTimeout: 20_000 });
afterEach(() => page.close());

const found = traces.traces as TraceSummary[];
const looked = (list: TraceSummary[], more: Partial<LookedAt> = {}): LookedAt => ({
  traces: list,
  total: list.length,
  refused: 0,
  message: '',
  ...more,
});
const one = { ...found[0]!, traceId: TRACE_ID };

/** `/api/look` lists, and opens with `trace`. */
const answering = (list: LookedAt): Answers => ({
  '/api/look': (query: URLSearchParams) =>
    query.has('trace')
      ? new Response(lookedFileOf(trace as unknown as Trace, diagnosis.verdicts as Verdict[]))
      : Response.json(list),
});
const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

function drop(name: string): void {
  const event = Object.assign(new Event('drop', { bubbles: true, cancelable: true }), {
    dataTransfer: { types: ['Files'], files: [new File(['{}'], name)] },
  });
  document.body.dispatchEvent(event);
  expect(event.defaultPrevented).toBe(true);
}

describe('without a file', () => {
  it('a link to one of its traces says where it went, and how to open it again', async () => {
    await open(`/file/${TRACE_ID}`);
    await expect
      .poll(page.text, soon)
      .toContain('A file that was open before is gone when the page is loaded again.');
    expect(page.find('.empty button').textContent).toBe('Choose a file');
  });
});

describe('a file that is dropped on the page', () => {
  it('with one trace opens it, with its verdict, details and find, and says that it is not stored', async () => {
    await open('/map', answering(looked([one])));
    drop('ticket-17.json');
    await expect.poll(page.url, soon).toContain(`/file/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('checkout gave up on payments:8443 after 3.000 s');
    expect(page.text()).toContain('ticket-17.json');
    expect(page.text()).toContain('looked at, not stored');
    await expect.poll(page.text, soon).toContain('sockeye.tcp.total_retransmits');
    const box = page.find('.find input') as HTMLInputElement;
    box.value = 'SYN_SENT';
    box.dispatchEvent(new Event('input', { bubbles: true }));
    await expect.poll(page.text, soon).toContain('1 of 12');
  });

  it('with several lists them, newest first, and says of how many', async () => {
    await open(
      '/search',
      answering(looked(found, { total: 2000, refused: 3, message: '3 of 9 spans refused' })),
    );
    drop('many.json');
    await expect.poll(page.text, soon).toContain('The newest 5 of 2,000 traces · 3 spans left out');
    expect(page.url()).toBe('/file');
    expect(page.all('a.trace').map((link) => link.getAttribute('href'))[1]).toBe(
      `/file/${found[1]!.traceId}`,
    );
    await page.click(page.all('a.trace')[0]!);
    await expect.poll(page.text, soon).toContain('checkout gave up on payments:8443');
    await page.press('j');
    await expect.poll(page.url, soon).toContain('span=');
    await page.press('Escape');
    await page.press('Escape');
    await expect.poll(page.url, soon).toBe('/file');
    await expect.poll(() => page.all('a.trace').length, soon).toBe(5);
  });

  it('that is none of traces is refused with what was got and expected', async () => {
    const error = {
      code: 'undecodable',
      message: 'import: got an object with hello, expected OTLP JSON, Jaeger JSON, or Zipkin JSON',
      expected: 'OTLP JSON, Jaeger JSON, or Zipkin JSON',
    };
    await open('/map', { '/api/look': () => Response.json({ error }, { status: 400 }) });
    drop('hello.json');
    await expect.poll(page.text, soon).toContain('This file could not be read.');
    expect(page.text()).toContain('got an object with hello');
    expect(page.find('[role=alert]').textContent).toContain('What can be read: OTLP as JSON or protobuf');
  });

  it('is stored when that is asked for, and only then', async () => {
    let imported = 0;
    await open('/map', {
      ...answering(looked(found)),
      '/api/import': () => {
        imported++;
        return { stored: 40, duplicate: 2, refused: 0, message: '' };
      },
    });
    drop('many.json');
    await expect.poll(() => page.all('a.trace').length, soon).toBe(5);
    expect(imported).toBe(0);
    await page.click(page.all('.actions button')[0]!);
    await expect.poll(page.text, soon).toContain('40 spans stored, 2 were there already.');
    expect([imported, page.url().split('?')[0]]).toEqual([1, `/trace/${found[0]!.traceId}`]);
  });
});

describe('the keys', () => {
  it('g f leads to where one is chosen', async () => {
    await open('/search');
    await page.press('g');
    await page.press('f');
    await expect.poll(() => page.all('input[type=file]').length, soon).toBe(1);
    expect(page.url()).toBe('/file');
    expect(page.find('input[type=file]').getAttribute('aria-label')).toBe('File of traces');
  });
});
