/** The map page: large maps, a trace on it, and an edge's calls beside it. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { EdgeCalls, MatchingEdges, ServiceMap, TraceEdges } from '../../collector/serve/wire.ts';
import incidents from './fixtures/incidents-shop.json';
import fixture from './fixtures/map-shop.json';
import { openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

const shop = fixture as ServiceMap;
/** On a busy machine an answer takes its time, and so do hundreds of marks. */
const soon = { timeout: 5000 };
vi.setConfig({ testTimeout: 20_000 });
let page: OpenPage;
afterEach(() => page.close());
const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

/** The shop, and beside it a chain of so many services that work. */
function largeMap(services: number): ServiceMap {
  const [node] = shop.nodes;
  const [edge] = shop.edges;
  const names = Array.from({ length: services }, (_, index) => `chain-${String(index).padStart(3, '0')}`);
  return {
    ...shop,
    nodes: [...shop.nodes, ...names.map((id) => ({ ...node!, id, errors: 0, timeouts: 0, calls: 5 }))],
    edges: [
      ...shop.edges,
      ...names.slice(1).map((to, index) => {
        return { ...edge!, from: names[index]!, to, calls: 5, errors: 0, timeouts: 0, timeoutPhases: {} };
      }),
    ],
  };
}

describe('a map of more than 60 nodes', () => {
  it('shows the neighbourhood of the worst origins, and the rest as one node that opens', async () => {
    await open('/map', { '/api/map': largeMap(91) });
    await expect.poll(page.text, soon).toContain('60 of 103 nodes');
    const marks = () => page.all('[data-mark^="node:"]').map((mark) => mark.dataset['mark']);
    await expect.poll(() => marks().length, soon).toBe(61);
    for (const node of shop.nodes) expect(marks()).toContain(`node:${node.id}`);
    const fold = page.find('[aria-label^="43 more nodes and"]');
    expect(fold.nextElementSibling?.textContent).toContain('+43');
    await page.click(fold);
    expect(page.url()).toBe('/map?all=1');
    await expect.poll(page.text, soon).toContain('103 nodes · 103 edges');
  });

  it('says of how many of the edges that time out have a badge', async () => {
    const map = largeMap(130);
    const edges = map.edges.map((edge) => ({ ...edge, timeouts: 1, timeoutPhases: { wait: 1 } }));
    await open('/map?all=1', { '/api/map': { ...map, edges } });
    await expect.poll(page.text, soon).toMatch(/Badges on 100 of 1\d\d edges that time out/);
  });

  it('opens what is folded by keyboard: arrow keys lead down its column', async () => {
    await open('/map', { '/api/map': largeMap(91) });
    await expect.poll(() => page.all('[aria-label^="43 more nodes"]').length, soon).toBe(1);
    const fold = page.find('[aria-label^="43 more nodes"]');
    const placeOf = (mark: Element) =>
      Number(/translate\(([-\d.]+)/.exec(mark.getAttribute('transform') ?? '')?.[1]);
    const above = page.all('g.node').find((node) => Math.abs(placeOf(node) - placeOf(fold)) < 100);
    await page.click(above!);
    let at: Element = above!;
    for (let steps = 0; steps < 80 && at !== fold; steps++) {
      await page.press('ArrowDown', at);
      const before = at;
      await expect.poll(() => document.activeElement !== before, soon).toBe(true);
      at = document.activeElement ?? fold;
    }
    expect(at.getAttribute('data-mark')).toBe(fold.dataset['mark']);
    await page.press('Enter', fold);
    expect(page.url()).toContain('all=1');
  });

  it('of more than 200 is a canvas with a button for every node and edge, and the same walk', async () => {
    await open('/map?all=1&sel=node:payments', { '/api/map': largeMap(240) });
    await expect.poll(() => page.all('canvas').length, soon).toBe(1);
    const map = largeMap(240);
    await expect
      .poll(() => page.all('button[data-mark]').length, soon)
      .toBe(map.nodes.length + map.edges.length);
    expect(page.all('button[data-mark][tabindex="0"]')).toHaveLength(1);
    expect(page.find('[data-mark="edge:checkout->payments"]').getAttribute('aria-label')).toContain(
      '12 % of calls time out, most in connect',
    );
    await page.press('ArrowRight', page.find('[data-mark="node:payments"]'));
    const focused = () => document.activeElement?.getAttribute('data-mark');
    await expect.poll(focused, soon).toMatch(/^edge:payments->/);
    const callee = focused()?.slice('edge:payments->'.length);
    await page.press('ArrowRight', document.activeElement ?? document.body);
    await expect.poll(focused, soon).toBe(`node:${callee}`);
    await page.press('Enter', document.activeElement ?? document.body);
    expect(page.url()).toContain(`sel=node:${callee}`);
    expect(page.find(`[data-mark="node:${callee}"]`).getAttribute('aria-pressed')).toBe('true');
  });
});

it('says over a range in the past what was wrong in it, also when that is over', async () => {
  const over = { ...incidents, incidents: incidents.incidents.map((one) => ({ ...one, state: 'resolved' })) };
  await open('/map?from=2020-01-01T00:00:00Z&to=2020-01-01T01:00:00Z', { '/api/timeouts': over });
  await expect.poll(page.text, soon).toContain('checkout cannot connect to payments');
  await page.press('i');
  expect(page.url()).toContain('/timeouts/');
});

describe('a query on the map', () => {
  const matching: MatchingEdges = {
    from: shop.from,
    to: shop.to,
    traces: 100,
    total: 1000,
    truncated: true,
    edges: [
      { from: 'gateway', to: 'checkout', calls: 90, errors: 1, timeouts: 0 },
      { from: 'checkout', to: 'payments', calls: 90, errors: 0, timeouts: 1 },
      { from: 'checkout', to: 'gone', calls: 1, errors: 0, timeouts: 0 },
    ],
  };
  const link = (text: string) => page.all('a').find((other) => other.textContent?.trim() === text);

  it('makes the way of the traces that match stand out, says of how many, and leads to them', async () => {
    const asked: string[] = [];
    await open('/map', {
      '/api/map/edges': (query: URLSearchParams) => {
        asked.push(query.get('q') ?? '');
        return matching;
      },
    });
    await expect.poll(() => page.all('g.node').length, soon).toBe(12);
    await page.press('q');
    const input = document.activeElement as HTMLInputElement;
    expect(input.getAttribute('aria-label')).toBe('Traces to stand out');
    input.value = 'duration>2s';
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.form?.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));
    await expect.poll(() => page.all('.edge.on-path').length, soon).toBe(2);
    expect(asked).toEqual(['duration>2s']);
    expect(page.url()).toBe('/map?q=duration>2s');
    expect(page.text()).toContain(
      'The way of 100 of more than 1,000 traces, the newest, that match duration>2s',
    );
    expect(page.text()).toContain('2 of 3 edges are on this map');
    expect(new URL(link('Show the traces')!.getAttribute('href')!, 'http://x').searchParams.get('q')).toBe(
      'duration>2s',
    );
    await page.click(page.find('[aria-label="Show the map without the query"]'));
    expect(page.url()).toBe('/map');
    expect(page.all('.edge.on-path')).toHaveLength(0);
  });

  it('says so when nothing matches, and leaves the map as it is', async () => {
    const none = { ...matching, traces: 0, total: 0, truncated: false, edges: [] };
    await open('/map?q=service:nobody', { '/api/map/edges': none });
    await expect.poll(page.text, soon).toContain('No trace in this range matches service:nobody');
    expect(page.all('.edge.on-path, .edge.off-path')).toHaveLength(0);
  });

  it('says where a bad query stops making sense', async () => {
    const message = 'query: at character 9: got the end of the query, expected a value';
    await open('/map?q=service:', {
      '/api/map/edges': Response.json(
        { error: { code: 'bad_query', message, position: 8 } },
        { status: 400 },
      ),
    });
    await expect.poll(page.text, soon).toContain(message);
  });

  it('is led to from the list of traces', async () => {
    await open('/search?q=timeout:true');
    await expect.poll(() => link('On the map')?.getAttribute('href'), soon).toBe('/map?q=timeout%3Atrue');
  });
});

describe('a trace on the map', () => {
  const edges: TraceEdges = {
    traceId: TRACE_ID,
    startedAt: shop.from,
    durationMs: 3010,
    edges: [
      { from: null, to: 'gateway', calls: 1, errors: 1, timeouts: 0 },
      { from: 'gateway', to: 'checkout', calls: 1, errors: 1, timeouts: 0 },
      { from: 'checkout', to: 'payments', calls: 1, errors: 0, timeouts: 1 },
    ],
  };
  const [node] = shop.nodes;
  const [edge] = shop.edges;
  const trace = (more: Partial<TraceEdges> = {}): Answers => ({
    '/api/map': {
      ...shop,
      nodes: [...shop.nodes, { ...node, id: 'user', kind: 'user' }],
      edges: [...shop.edges, { ...edge, from: 'user', to: 'gateway' }],
    },
    [`/api/traces/${TRACE_ID}/edges`]: { ...edges, ...more },
  });

  it('stands out with its origin, its verdict and the way back', async () => {
    await open(`/map?trace=${TRACE_ID}`, trace());
    await expect.poll(() => page.all('.edge.on-path').length, soon).toBe(3);
    expect(
      page
        .all('.node.on-path')
        .map((node) => node.dataset['mark'])
        .toSorted(),
    ).toEqual(['node:checkout', 'node:gateway', 'node:payments', 'node:user']);
    await expect.poll(page.text, soon).toContain('connect never completed');
    await expect.poll(() => page.all('svg text').map((text) => text.textContent), soon).toContain('origin');
    expect(page.find('a.strong').getAttribute('href')).toBe(`/trace/${TRACE_ID}`);
    await page.click(page.find('[aria-label="Show the map without the trace"]'));
    expect(page.url()).toBe('/map');
    expect(page.all('.edge.on-path')).toHaveLength(0);
  });

  it('is led to from the trace, around its time', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('On the map');
    const link = page.all('a').find((other) => other.textContent?.trim() === 'On the map');
    const query = new URL(link!.getAttribute('href')!, 'http://x').searchParams;
    expect(query.get('trace')).toBe(TRACE_ID);
    expect(Date.parse(query.get('to')!)).toBeGreaterThan(Date.parse(query.get('from')!));
  });

  it('that is not in the range says so, and leads to its time', async () => {
    const gone = { from: 'checkout', to: 'gone', calls: 1, errors: 0, timeouts: 0 };
    await open(`/map?trace=${TRACE_ID}`, trace({ edges: [...edges.edges, gone] }));
    await expect.poll(page.text, soon).toContain('3 of 4 edges are in this range');
    await page.click(page.all('.headline button').find((button) => button.textContent === 'Show its time')!);
    expect(page.url()).toContain('from=');
  });

  it('that is not stored says so', async () => {
    await open('/map?trace=abc');
    await expect.poll(page.text, soon).toContain('no /api/traces/abc/edges');
  });
});

describe('the calls of an edge', () => {
  const calls: EdgeCalls = {
    from: shop.from,
    to: shop.to,
    caller: 'checkout',
    callee: 'payments',
    calls: 2000,
    durations: [
      { minMs: 2, maxMs: 2.5, calls: 1500, errors: 0, timeouts: 0 },
      { minMs: 2.5, maxMs: 3.2, calls: 0, errors: 0, timeouts: 0 },
      { minMs: 3.2, maxMs: 4, calls: 500, errors: 20, timeouts: 300 },
    ],
    profiles: [
      {
        outcome: 'ok',
        percent: 50,
        calls: 1700,
        durationMs: 2.2,
        phases: [
          { phase: 'connect', durationMs: 0.4, openShare: 0 },
          { phase: 'wait', durationMs: 1.8, openShare: 0 },
        ],
      },
      {
        outcome: 'timeout',
        percent: 50,
        calls: 300,
        durationMs: 3000,
        phases: [{ phase: 'connect', durationMs: 3000, openShare: 1 }],
      },
    ],
    budgets: [{ budgetMs: 3000, timer: 'http_timeout', calls: 300 }],
  };
  const answers = { '/api/calls': calls };

  it('say how many were looked at, where their time goes, and who ended them', async () => {
    await open('/map?sel=edge:checkout->payments', answers);
    await expect.poll(page.text, soon).toMatch(/Newest 2,000 of 1\d\d,\d00 calls/);
    expect(page.text()).toContain('p50 of 1,700 that worked 2.2 ms');
    expect(page.text()).toContain('timed out · connect unfinished 3.00 s');
    expect(page.find('.profile .hatched').className).toContain('phase-connect');
    expect(page.text()).toContain('3 s http_timeout');
  });

  it('are chosen by arrow keys and lead to their traces, with edge and durations', async () => {
    await open('/map?sel=edge:checkout->payments', answers);
    await expect.poll(() => page.all('[role=application]').length, soon).toBe(1);
    const plot = page.find('[role=application]');
    await page.press('ArrowLeft', plot);
    await expect.poll(page.text, soon).toContain('500 calls from 3.2 ms to 4 ms: their traces');
    expect(page.text()).toContain('300 timeouts');
    const link = page.all('a').find((other) => other.textContent?.includes('their traces'));
    expect(new URL(link!.getAttribute('href')!, 'http://x').searchParams.get('q')).toBe(
      'edge:checkout->payments duration>=3.2ms duration<4ms',
    );
    await page.press('Escape', plot);
    expect(page.text()).toContain('drag over some');
  });

  it('are waited for by a sign that says so', async () => {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    await open('/map?sel=edge:checkout->payments', { '/api/calls': () => new Response(readable) });
    const sign = () => page.find('aside section:has(.percentiles)').querySelector('[role=status]');
    await expect.poll(() => page.all('aside .percentiles').length, soon).toBe(1);
    expect(sign()?.textContent).toContain('Loading');
    const answer = writable.getWriter();
    void answer.write(Buffer.from(JSON.stringify(calls)));
    void answer.close();
    await expect.poll(sign, soon).toBe(null);
  });

  it('without measured phases say so', async () => {
    await open('/map?sel=edge:checkout->payments', { '/api/calls': { ...calls, profiles: [] } });
    await expect.poll(page.text, soon).toContain('checkout measures no phases of its calls');
  });
});
