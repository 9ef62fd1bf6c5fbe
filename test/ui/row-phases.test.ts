/** The bar of phases in each row of the list of traces. */
import { afterEach, expect, it } from 'vitest';
import type { TracePhases, TraceSummary } from '../../collector/serve/wire.ts';
import traces from './fixtures/traces-shop.json';
import { openPage, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const [first] = traces.traces as [TraceSummary];
const stuck: TracePhases = {
  traceId: first.traceId,
  durationMs: 3004,
  parts: [
    { phase: 'none', durationMs: 4, open: false },
    { phase: 'connect', durationMs: 3000, open: true },
  ],
};
const barOf = (traceId: string) =>
  document.querySelector(`[data-trace="${traceId}"] [role="img"]`)?.getAttribute('aria-label') ?? null;

it('says where the time went, the longest first; a row of which that is not known has no bar', async () => {
  page = await openPage('/search', { '/api/phases': { traces: [stuck] } });
  await expect
    .poll(() => barOf(first.traceId), soon)
    .toBe('Where the time went: connect 3.00 s, unfinished · own work 4 ms');
  expect(page.all('[data-trace] [role="img"]')).toHaveLength(1);
  expect(page.all('[data-trace]').length).toBeGreaterThan(1);
  expect(page.find(`[data-trace="${first.traceId}"] .phase-connect`).className).toContain('hatched');
});

it('asks once for all rows, and again for a trace that has grown', async () => {
  const asked: string[] = [];
  const list = { ...traces };
  page = await openPage('/search', {
    '/api/traces': () => list,
    '/api/phases': (query: URLSearchParams) => {
      asked.push(query.get('traces') ?? '');
      return { traces: [stuck] };
    },
  });
  await expect.poll(() => asked, soon).toEqual([traces.traces.map(({ traceId }) => traceId).join()]);
  list.traces = list.traces.map((trace) =>
    trace.traceId === first.traceId ? { ...trace, spans: trace.spans + 1 } : trace,
  );
  await page.press('r');
  await expect.poll(() => asked.slice(1), soon).toEqual([first.traceId]);
});

it('shows the rows when the phases cannot be had', async () => {
  page = await openPage('/search', {
    '/api/phases': Response.json({ error: { code: 'busy', message: 'busy' } }, { status: 503 }),
  });
  await expect.poll(page.text, soon).toContain(first.root.operation);
  expect(page.all('[data-trace] [role="img"]')).toHaveLength(0);
});
