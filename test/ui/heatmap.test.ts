import { afterEach, describe, expect, it } from 'vitest';
import type { TraceSummary } from '../../collector/serve/wire.ts';
import {
  areaExtent,
  areaOf,
  COLUMNS,
  countArea,
  durationShare,
  durationTicks,
  extentOf,
  heatmapCells,
  ROWS,
  withDurations,
} from '../../ui/search/heatmap.ts';
import { sampleTraces } from '../../ui/search/sample-traces.ts';
import traces from './fixtures/traces-shop.json';
import { go } from '../../ui/app/location.svelte.ts';
import { openPage, type OpenPage } from './open-page.ts';

const trace = (atMs: number, durationMs: number, more: Partial<TraceSummary> = {}): TraceSummary => ({
  ...(traces.traces[0] as TraceSummary),
  startedAt: new Date(atMs).toISOString(),
  durationMs,
  errors: 0,
  timeouts: 0,
  ...more,
});

describe('the heatmap', () => {
  const extent = { fromMs: 0, toMs: COLUMNS * 1000, minMs: 1, maxMs: 10 ** (ROWS / 4) };

  it('has a cell for each time and duration that a trace has, and counts what went wrong', () => {
    const cells = heatmapCells(
      [
        trace(0, 1),
        trace(500, 1.1),
        trace(59_999, 999, { timeouts: 1, errors: 2 }),
        trace(59_000, 990, { errors: 1 }),
      ],
      extent,
    );
    expect(cells).toEqual([
      { column: 0, row: 0, count: 2, errors: 0, timeouts: 0 },
      { column: COLUMNS - 1, row: ROWS - 1, count: 2, errors: 1, timeouts: 1 },
    ]);
  });

  it('leaves out what began before the range, and keeps what is at its edge', () => {
    expect(heatmapCells([trace(-1, 5), trace(60_000, 5)], extent)).toEqual([]);
    expect(heatmapCells([trace(0, 0), trace(0, 1e9)], extent).map(({ row }) => row)).toEqual([0, ROWS - 1]);
  });

  it('covers every duration, and has a height when all are the same', () => {
    const found = [trace(0, 2), trace(0, 5000)];
    const { minMs, maxMs } = extentOf(found, 0, 1);
    expect([minMs < 2, maxMs > 5000]).toEqual([true, true]);
    const same = extentOf([trace(0, 40)], 0, 1);
    expect(durationShare(40, same)).toBeCloseTo(0.5);
    expect(extentOf([], 0, 0).maxMs).toBeGreaterThan(0);
    expect(durationTicks(same).length).toBeGreaterThanOrEqual(2);
    expect(durationTicks({ ...same, minMs: 1.5, maxMs: 4000 })).toEqual([10, 100, 1000]);
  });

  it('gives the time and durations of a part, and back the same cells', () => {
    const area = areaOf([3, 5], [1, 2]);
    expect(area).toEqual({ columns: [1, 3], rows: [2, 5] });
    const part = areaExtent(area, extent);
    expect([part.fromMs, part.toMs]).toEqual([1000, 4000]);
    expect([durationShare(part.minMs, extent) * ROWS, durationShare(part.maxMs, extent) * ROWS]).toEqual([
      expect.closeTo(2),
      expect.closeTo(6),
    ]);
    const cells = [
      { column: 1, row: 2, count: 4, errors: 1, timeouts: 1 },
      { column: 4, row: 2, count: 9, errors: 0, timeouts: 0 },
    ];
    expect(countArea(cells, area)).toEqual({ count: 4, errors: 1, timeouts: 1 });
  });

  it('asks for the durations of whole traces, whatever the query', () => {
    expect(withDurations('a:b OR c:d', 10, 20.5)).toBe(
      '(a:b OR c:d) trace.duration>=10ms trace.duration<=20.5ms',
    );
    expect(withDurations('', null, 1e-7)).toBe('trace.duration<=0ms');
    expect(withDurations('a:b', null, null)).toBe('a:b');
  });
});

describe('on the page', () => {
  let page: OpenPage;
  const soon = { timeout: 5000 };
  afterEach(() => page.close());
  const now = Date.now();
  const many = Array.from({ length: 30 }, (_, index) =>
    trace(now - 60_000 * (index + 1), 10 + index * 20, {
      traceId: String(index),
      timeouts: index === 29 ? 1 : 0,
    }),
  );
  const asked: string[] = [];
  const open = async (path: string, found = many) => {
    asked.length = 0;
    page = await openPage(path, {
      '/api/traces': (query: URLSearchParams) => {
        asked.push(query.get('q') ?? '');
        return { traces: found, total: found.length, truncated: false, cursor: null };
      },
    });
  };

  it('the heatmap stands above the list, and is brushed by keyboard', async () => {
    await open('/search');
    await expect.poll(() => page.all('.heatmap rect[class]').length, soon).toBeGreaterThan(10);
    expect(page.all('.heatmap rect.timeout')).toHaveLength(1);
    const map = page.find('.heatmap');
    await page.press('ArrowLeft', map);
    expect(page.find('.said').textContent).toMatch(/\d\d:\d\d:\d\d.*: \d+ traces?/);
    map.dispatchEvent(
      new KeyboardEvent('keydown', { key: 'ArrowUp', shiftKey: true, bubbles: true, cancelable: true }),
    );
    await page.press('Enter', map);
    const url = new URL(page.url(), 'http://page');
    expect([...url.searchParams.keys()]).toEqual(['from', 'to', 'minDurationMs', 'maxDurationMs']);
    await expect
      .poll(() => asked.at(-1), soon)
      .toMatch(/^trace\.duration>=[\d.]+ms trace\.duration<=[\d.]+ms$/);
  });

  it('durations of the URL can be let go', async () => {
    await open('/search?q=service:a&minDurationMs=10&maxDurationMs=2000');
    await expect.poll(page.text, soon).toContain('10 ms – 2.00 s');
    expect(asked).toContain('(service:a) trace.duration>=10ms trace.duration<=2000ms');
    await page.click(page.find('.count .button.on'));
    expect(page.url()).toBe('/search?q=service:a');
  });

  it('the heatmap of one query does not stay over the failure of another', async () => {
    page = await openPage('/search?q=a', {
      '/api/traces': (query: URLSearchParams) =>
        query.get('q') === 'a'
          ? { traces: many, total: many.length, truncated: false, cursor: null }
          : Response.json({ error: { code: 'unavailable', message: 'no answer' } }, { status: 503 }),
    });
    await expect.poll(() => page.all('.heatmap rect[class]').length, soon).toBeGreaterThan(10);
    go('/search', { q: 'b' });
    await expect.poll(page.text, soon).toContain('no answer');
    expect(page.all('.heatmap')).toHaveLength(0);
  });

  it('few traces need no map', async () => {
    await open('/search', many.slice(0, 3));
    await expect.poll(() => page.all('a.trace').length, soon).toBe(3);
    expect(page.all('.heatmap')).toHaveLength(0);
  });

  it('of more traces than one answer holds, some of every part of the range are drawn', async () => {
    const ranges: string[] = [];
    page = await openPage('/map', {
      '/api/traces': (query: URLSearchParams) => {
        ranges.push(`${query.get('from')}-${query.get('to')} ${query.get('limit')}`);
        return { traces: many.slice(0, 2), total: 1000, truncated: true, cursor: 'x' };
      },
    });
    const sample = await sampleTraces('', 0, 1000, new AbortController().signal);
    expect(sample).toMatchObject({ isPartial: true });
    expect(sample.traces).toHaveLength(20);
    expect(ranges.filter((range) => range.endsWith(' 100'))).toEqual(
      Array.from({ length: 10 }, (_, slice) => `${slice * 100}-${slice * 100 + 100} 100`),
    );
  });
});
