/** Pages that are open while spans arrive, and pages that have nothing to show. */
import { afterEach, describe, expect, it } from 'vitest';
import map from './fixtures/map-shop.json';
import traces from './fixtures/traces-shop.json';
import { noData, openPage, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

describe('live data', () => {
  const newcomer = { ...map.nodes[1]!, id: 'newcomer' };
  const call = { ...map.edges[0]!, to: 'newcomer' };
  const places = () =>
    Object.fromEntries(
      page.all('g.node').map((node) => [node.dataset['mark'], node.getAttribute('transform')]),
    );

  it('of a map that grew is offered, and moves no node when it is accepted', async () => {
    let grown = false;
    await open('/', {
      '/api/map': () =>
        grown ? { ...map, nodes: [...map.nodes, newcomer], edges: [...map.edges, call] } : map,
    });
    await expect.poll(page.text, soon).toContain('12 nodes · 13 edges');
    await expect.poll(() => page.all('g.node').length, soon).toBe(12);
    const before = places();
    grown = true;
    page.live('map');
    await expect.poll(page.text, soon).toContain('1 new node and 1 new edge: show');
    expect(places()).toEqual(before);
    await page.click(page.find('.tools .button.on'));
    await expect.poll(() => page.all('g.node').length, soon).toBe(13);
    expect(places()).toMatchObject(before);
  });

  it('of the same map changes its numbers in place', async () => {
    let errors = 0;
    await open('/', {
      '/api/map': () => ({
        ...map,
        nodes: map.nodes.map((node) => (node.id === 'catalog' ? { ...node, errors } : node)),
      }),
    });
    await expect.poll(() => page.all('g.node').length, soon).toBe(12);
    const before = places();
    errors = 77;
    page.live('map');
    await expect
      .poll(() => page.find('[data-mark="node:catalog"]').getAttribute('aria-label'), soon)
      .toContain('77 errors');
    expect(places()).toEqual(before);
  });

  it('of new traces is counted, and the list stays', async () => {
    let fresh = false;
    const trace = { ...traces.traces[0]!, traceId: 'ffff' };
    await open('/search', {
      '/api/traces': () => (fresh ? { ...traces, traces: [trace, ...traces.traces] } : traces),
    });
    await expect.poll(() => page.all('a.trace').length, soon).toBe(5);
    fresh = true;
    page.live('trace');
    await expect.poll(page.text, soon).toContain('1 new: show');
    expect(page.all('a.trace')).toHaveLength(5);
    await page.click(page.find('.count button'));
    await expect.poll(() => page.all('a.trace').length, soon).toBe(6);
  });
});

describe('an empty view', () => {
  it('without any data says how to send the first span, and counts', async () => {
    await open('/', noData);
    await expect.poll(page.text, soon).toContain('Send the first span');
    await expect
      .poll(page.text, soon)
      .toContain('node --require /opt/sockeye/instrumentation/register.cjs app.js');
    await expect.poll(page.text, soon).toContain('npm pack -w instrumentation');
    await expect.poll(page.text, soon).toContain('node --require @sockeye/instrumentation/register app.js');
    await expect.poll(page.text, soon).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318');
    await expect.poll(page.text, soon).toContain('Waiting for the first span: 0 received');
  });

  it('in this range jumps to the latest', async () => {
    const { '/api/traces': none } = noData;
    await open('/search', {
      '/api/traces': (query: URLSearchParams) =>
        query.get('from') === '0' ? { traces: [{ startedAt: '2026-11-01T10:00:00Z' }], total: 1 } : none,
    });
    await expect.poll(page.text, soon).toContain('No traces in this time range');
    await page.click(page.find('.empty button'));
    expect(page.url()).toBe('/search?from=2026-11-01T09:45:00.000Z&to=2026-11-01T10:15:00.000Z');
  });

  it('because of a filter clears the filter', async () => {
    await open('/search?q=service:gone', { '/api/traces': noData['/api/traces'] });
    await expect.poll(page.text, soon).toContain('No traces match');
    await page.click(page.find('.empty button'));
    expect(page.url()).toBe('/search');
  });

  it('because of a filter and of the range offers to clear the one and to leave the other', async () => {
    const { '/api/traces': none } = noData;
    const range = 'from=2026-11-20T00:00:00Z&to=2026-11-20T01:00:00Z';
    await open(`/search?q=service:gone&${range}`, {
      '/api/traces': (query: URLSearchParams) =>
        query.get('from') === '0' ? { traces: [{ startedAt: '2026-11-01T10:00:00Z' }], total: 1 } : none,
    });
    const buttons = () => page.all('.empty button').map((button) => button.textContent?.trim());
    await expect.poll(buttons, soon).toEqual(['Jump to the latest', 'Clear the filter']);
    await page.click(page.find('.empty button'));
    const asked = new URLSearchParams(page.url().split('?')[1]);
    expect(Object.fromEntries(asked)).toEqual({
      q: 'service:gone',
      from: '2026-11-01T09:45:00.000Z',
      to: '2026-11-01T10:15:00.000Z',
    });
  });

  it('because of a filter alone says in which range, and offers a wider one', async () => {
    await open('/search?q=service:gone', {
      '/api/traces': (query: URLSearchParams) => (query.has('q') ? noData['/api/traces'] : traces),
    });
    await expect.poll(page.text, soon).toContain('No traces match');
    expect(page.text()).toContain('Time range: last 1 hour.');
    const buttons = () => page.all('.empty button').map((button) => button.textContent?.trim());
    await expect.poll(buttons, soon).toEqual(['Look at the last 6 hours', 'Clear the filter']);
    await page.click(page.find('.empty button'));
    expect(page.url()).toBe('/search?q=service:gone&from=now-6h');
  });

  it('of incidents proves that it looked', async () => {
    await open('/timeouts', { '/api/timeouts': { incidents: [], checkedCalls: 18_204 } });
    await expect.poll(page.text, soon).toContain('18,204 calls checked');
  });
});
