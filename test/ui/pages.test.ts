import { afterEach, describe, expect, it } from 'vitest';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import incidents from './fixtures/incidents-shop.json';
import map from './fixtures/map-shop.json';
import trace from './fixtures/trace-connect-timeout.json';
import traces from './fixtures/traces-shop.json';
import { noData, openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));
const originId = '0000000000000009';

describe('the map', () => {
  it('opens on what is wrong, in a sentence, with the way into it', async () => {
    await open('/');
    await expect.poll(page.text, soon).toContain('checkout cannot connect to payments since');
    expect(page.find('.headline a.strong').getAttribute('href')).toBe('/timeouts/checkout-payments-connect');
    expect(page.text()).toContain('possibly: SYN dropped on the way to payments:8443, or 2 other causes');
    expect(page.text()).toMatch(/last \d+ \w+ ago · possibly/);
    expect(page.text()).toContain('1 more incident');
    await expect.poll(page.text, soon).toContain('12 nodes · 13 edges');
  });

  it('names every node and edge for who cannot see them', async () => {
    await open('/');
    await expect.poll(page.text, soon).toContain('gateway');
    const names = page.all('[data-mark]').map((mark) => mark.getAttribute('aria-label') ?? '');
    expect(names).toHaveLength(25);
    expect(names.find((name) => name.startsWith('checkout calls payments'))).toContain(
      '12 % of calls time out, most in connect',
    );
    expect(page.all('[data-mark][tabindex="0"]')).toHaveLength(1);
  });

  it('walks by arrow keys and opens what is chosen beside it', async () => {
    await open('/map?sel=node:payments');
    await expect.poll(page.text, soon).toContain('Called by');
    await page.press('ArrowRight', page.find('[data-mark="node:payments"]'));
    await page.press('Enter', document.activeElement ?? document.body);
    expect(page.url()).toContain('sel=edge:payments->');
    await expect.poll(page.text, soon).toContain('Latency as payments sees it');
  });

  it('shows the same as a table', async () => {
    await open('/map');
    await expect.poll(page.text, soon).toContain('gateway');
    await page.press('v');
    expect(page.url()).toBe('/map?v=table');
    expect(page.all('tbody tr')).toHaveLength(13);
    expect(page.find('tbody tr').textContent).toContain('checkout → payments');
  });

  it('shows only what is unhealthy, and of how much', async () => {
    await open('/map');
    await expect.poll(page.text, soon).toContain('gateway');
    await page.press('u');
    await expect.poll(page.text, soon).toContain('5 of 12 nodes');
  });

  it('says beside an edge why its calls fail, and nothing beside one whose calls work', async () => {
    await open('/map?sel=edge:checkout->payments');
    await expect.poll(page.text, soon).toContain('13,200 timeouts in connect');
    expect(page.all('aside a[href^="/timeouts/"]')).toHaveLength(1);
    await page.close();
    await open('/map?sel=edge:gateway->catalog');
    await expect.poll(page.text, soon).toContain('Latency as gateway sees it');
    expect(page.all('aside a[href^="/timeouts/"]')).toHaveLength(0);
  });

  it('flags a budget that outlasts what the caller is given', async () => {
    await open('/map?sel=edge:checkout->payments');
    await expect
      .poll(page.text, soon)
      .toContain('not shorter than the 3.5 s that gateway waits for checkout');
    await expect.poll(page.text, soon).toContain('13,200 of 16,100');
  });
});

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

describe('a trace', () => {
  const choose = async (label: string, value: string) => {
    const select = page.find(`select[aria-label="${label}"]`) as HTMLSelectElement;
    select.value = value;
    select.dispatchEvent(new Event('change', { bubbles: true }));
  };

  it('begins with the verdict, how sure it is, and what would decide', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('checkout gave up on payments:8443 after 3.000 s');
    await expect.poll(page.text, soon).toContain('possible · 3 candidates');
    await expect.poll(page.text, soon).toContain('decides: ListenOverflows on its host');
    await expect.poll(page.text, soon).toContain('Likeliest: SYN dropped on the way to payments:8443.');
  });

  it('leads to every other candidate, and says against which something speaks', async () => {
    const [verdict] = diagnosis.verdicts;
    const alternatives = Array.from({ length: 7 }, (_, index) => ({
      cause: `C${index}`,
      title: `candidate ${index}`,
      against: index === 6 ? 'the server answered others' : '',
      wouldDecide: '',
    }));
    await open(`/trace/${TRACE_ID}`, {
      [`/api/traces/${TRACE_ID}/diagnosis`]: { ...diagnosis, verdicts: [{ ...verdict, alternatives }] },
    });
    await expect.poll(page.text, soon).toContain('possible · 8 candidates');
    expect(page.text()).not.toContain('candidate 6');
    expect(page.text()).not.toContain('against:');
    const more = page.all('.candidates button').find((button) => button.textContent?.includes('4 more'));
    await page.click(more!);
    expect(page.text()).toContain('candidate 6 against: the server answered others');
    expect(page.all('.candidates li')).toHaveLength(7);
  });

  it('marks the origin, the stuck phase, the deadline and the callee that was never reached', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    const row = page.find('[role=row][aria-label*="origin of the timeout"]');
    expect(row.getAttribute('aria-selected')).toBe('true');
    expect(row.querySelector('.phase-connect.hatched')).not.toBeNull();
    expect(page.find('.deadline-label').textContent).toBe('budget 3 s');
    await expect.poll(page.text, soon).toContain('never arrived at payments:8443');
    await expect.poll(page.text, soon).toContain('2 missing spans');
  });

  it('leads from a piece of evidence to its span and attribute', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000001`);
    await expect.poll(page.text, soon).toContain('retransmits');
    const chip = page.all('.evidence button').find((button) => button.textContent?.includes('retransmits'));
    await page.click(chip!);
    expect(page.url()).toContain(`span=${originId}`);
    await expect
      .poll(() => page.all('.pointed').map((line) => line.dataset['attribute']), soon)
      .toEqual(['sockeye.tcp.total_retransmits']);
  });

  it('is walked by keys: next row, next problem, back to the origin', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    await page.press('j');
    expect(page.url()).toContain(`span=${originId}:callee`);
    await page.press('e');
    expect(page.url()).toContain('span=0000000000000001');
    await page.press('E');
    expect(page.url()).toContain(`span=${originId}`);
    await page.press('k');
    await page.press('o');
    expect(page.url()).toContain(`span=${originId}`);
  });

  it('is a tree grid that folds by arrow keys and keeps that in the URL', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000003`);
    await expect.poll(page.text, soon).toContain('origin');
    const grid = page.find('[role=treegrid]');
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    const before = rows();
    await page.press('ArrowLeft', grid);
    expect(page.url()).toContain('collapse=0000000000000003');
    expect(rows()).toBeLessThan(before);
    expect(page.find('[aria-selected=true]').getAttribute('aria-expanded')).toBe('false');
    await page.press('ArrowRight', grid);
    expect(rows()).toBe(before);
  });

  it('opens what hides the origin', async () => {
    await open(`/trace/${TRACE_ID}?span=0000000000000001&collapse=0000000000000001,0000000000000004`);
    await expect.poll(page.text, soon).toContain('checkout gave up on');
    await page.press('o');
    expect(page.url()).toContain('collapse=0000000000000004');
  });

  it('finds spans by any attribute', async () => {
    await open(`/trace/${TRACE_ID}?find=SYN_SENT`);
    await expect.poll(page.text, soon).toContain('1 of 12');
    expect(page.find('.row.found').getAttribute('aria-label')).toContain('POST payments');
  });

  it('shows the problems alone, with what led to them', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('origin');
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    const all = rows();
    await choose('Spans to show', 'problems');
    await expect.poll(page.text, soon).toMatch(/\b[1-9] of 12 spans/);
    expect(rows()).toBeLessThan(all);
    expect(page.url()).toContain('status=problems');
    await page.press('o');
    expect(page.url()).toContain('status=problems');
    await choose('Service to show', 'catalog');
    await expect.poll(page.text, soon).toContain('No span of this trace matches the filter.');
    await page.click(page.find('.none button'));
    expect(rows()).toBe(all);
  });

  it.each(['flame', 'table'])('is filtered in the %s too', async (view) => {
    await open(`/trace/${TRACE_ID}?view=${view}&service=catalog`);
    await expect.poll(page.text, soon).toContain('2 of 12 spans');
    const names = view === 'flame' ? '.lines button' : 'tbody tr:not(.space)';
    const shown = page
      .all(names)
      .map((span) => (span.getAttribute('aria-label') ?? span.textContent ?? '').trim());
    expect(shown.filter((name) => name.startsWith('catalog'))).toHaveLength(2);
    expect(shown.filter((name) => name.includes('inventory'))).toEqual([]);
  });

  it('is found in the flame and the table too', async () => {
    await open(`/trace/${TRACE_ID}?view=table&find=SYN_SENT`);
    await expect.poll(page.text, soon).toContain('1 of 12');
    await expect.poll(() => page.all('tbody tr:not(.space)').length, soon).toBe(1);
    expect(page.find('tbody tr:not(.space)').textContent).toContain('POST payments');
    await page.press('w');
    await page.press('w');
    await expect.poll(() => page.all('.lines button:not(.aside)').length, soon).toBe(1);
  });

  it('ends a filter that hides where one goes', async () => {
    const rows = () => page.all('[role=treegrid] [role=row][aria-level]').length;
    await open(`/trace/${TRACE_ID}?service=catalog`);
    await expect.poll(page.text, soon).toContain('of 12 spans');
    const filtered = rows();
    await page.press('o');
    await expect.poll(page.url, soon).not.toContain('service=');
    expect(rows()).toBeGreaterThan(filtered);
  });

  it('shows the clock shift and the times as they were sent', async () => {
    await open(`/trace/${TRACE_ID}`);
    await expect.poll(page.text, soon).toContain('clock +12 ms');
    await page.click(page.all('.facts button')[0]!);
    await expect.poll(page.text, soon).toContain('clock +12 ms, raw');
    expect(page.url()).toContain('raw=1');
  });

  it('of 5,000 spans costs a screenful of rows', async () => {
    const template = trace.spans[0]!;
    const id = (index: number) => (index + 1).toString(16).padStart(16, '0');
    const spans = Array.from({ length: 5000 }, (_, index) => ({
      ...template,
      spanId: id(index),
      parentSpanId: index === 0 ? '' : id(0),
      startOffsetMs: index,
    }));
    await open('/trace/aa', {
      '/api/traces/aa': { ...trace, spans },
      '/api/traces/aa/diagnosis': { traceId: 'aa', complete: true, verdicts: [] },
    });
    await expect.poll(page.text, soon).toContain('5,000 spans');
    await expect.poll(page.text, soon).toContain('No call in this trace gave up');
    expect(page.find('[role=treegrid]').getAttribute('aria-rowcount')).toBe('5001');
    expect(page.all('.row').length).toBeLessThanOrEqual(120);
  });

  it('that grows while one looks is offered, and stays as it is until then', async () => {
    const [late, ...early] = trace.spans.toReversed();
    let all = false;
    const now = () => ({ ...trace, spans: all ? [...early, late] : early });
    await open(`/trace/${TRACE_ID}`, { [`/api/traces/${TRACE_ID}`]: now });
    await expect.poll(page.text, soon).toContain('11 spans');
    all = true;
    page.live('trace', { traceId: 'another', spans: 99 });
    page.live('trace', { traceId: TRACE_ID, spans: 12 });
    await expect.poll(page.text, soon).toContain('1 more span: show');
    expect(page.text()).toContain('11 spans');
    await page.click(page.find('.header .button.on'));
    await expect.poll(page.text, soon).toContain('12 spans');
    expect(page.text()).not.toContain('more span');
  });

  it('that is not stored says so', async () => {
    await open('/trace/0bad');
    await expect.poll(page.text, soon).toContain('No trace 0bad is stored');
  });
});

describe('the lists', () => {
  it('of traces says how many of how many, with verdicts', async () => {
    await open('/search');
    await expect.poll(page.text, soon).toContain('5 of more than 1,000 traces');
    await expect.poll(page.text, soon).toContain('checkout gave up on payments:8443 after 3.000 s');
  });

  it('put a caret under the fault of a query', async () => {
    await open('/search?q=a:b (', {
      '/api/traces': () =>
        Response.json(
          {
            error: {
              code: 'bad_query',
              message: 'at character 6: got the end, expected a term',
              position: 5,
            },
          },
          { status: 400 },
        ),
    });
    await expect.poll(page.text, soon).toContain('at character 6: got the end, expected a term');
    expect(page.find('.fault code').textContent).toBe(`${'\u00a0'.repeat(5)}^`);
    expect(page.find('.fault p').textContent?.trim()).toBe('at character 6: got the end, expected a term');
  });

  it('complete a query from what was received, by keyboard', async () => {
    await open('/search', {
      '/api/attributes': { attributes: [{ key: 'server.address', count: 12 }] },
      '/api/attributes/service.name/values': (query: URLSearchParams) => ({
        key: 'service.name',
        values: [{ value: 'checkout', count: 7 }].filter(({ value }) =>
          value.startsWith(query.get('prefix') ?? ''),
        ),
      }),
    });
    const box = page.find('[role=combobox]') as HTMLInputElement;
    const options = () => page.all('[role=option]').map((option) => option.textContent?.trim());
    const type = (text: string) => {
      box.value = text;
      box.dispatchEvent(new Event('input', { bubbles: true }));
    };
    type('timeout:true ser');
    await expect.poll(() => options().length, soon).toBe(2);
    expect(options()[0]).toContain('service');
    expect(options()[1]).toContain('server.address 12 spans');
    await page.press('ArrowDown', box);
    await expect.poll(() => box.getAttribute('aria-activedescendant'), soon).toBe('query-suggestion-0');
    await page.press('Enter', box);
    await expect.poll(() => box.value, soon).toBe('timeout:true service:');
    await expect.poll(() => options()[0], soon).toContain('checkout 7 spans');
    await page.press('ArrowDown', box);
    await page.press('Enter', box);
    await expect.poll(() => box.value, soon).toBe('timeout:true service:checkout ');
    expect(box.getAttribute('aria-expanded')).toBe('false');
    type('no');
    await page.press('Escape', box);
    expect(options()).toEqual([]);
    box.focus();
    await page.press('Escape', box);
    expect(document.activeElement).not.toBe(box);
  });

  it('of incidents puts what goes on first and says how much was looked at', async () => {
    await open('/timeouts');
    await expect.poll(page.text, soon).toContain('3 incidents · 1,820,400 calls checked');
    expect(page.find('a.incident').getAttribute('href')).toBe('/timeouts/checkout-payments-connect');
  });

  it('an incident shows its latest verdict, what is shared, and what to check', async () => {
    await open('/timeouts/checkout-payments-connect');
    await expect.poll(page.text, soon).toContain('Latest verdict:');
    await expect.poll(page.text, soon).toContain('network.peer.address');
    await expect.poll(page.text, soon).toContain('ss -ltn');
    expect(page.find('a.strong').getAttribute('href')).toBe(`/trace/${TRACE_ID}`);
    const line = () => page.find(`.columns a[href="/trace/${TRACE_ID}"]`).textContent ?? '';
    await expect.poll(line, soon).toMatch(/\d\d:\d\d:\d\d POST \/buy\s+3\.26 s/);
  });

  const inside = { ...incidents.incidents[0]!, edge: 'catalog', phase: 'none' };
  it('an incident inside of a service leads to its traces and to its node', async () => {
    await open('/timeouts/inside', { '/api/timeouts/inside': inside });
    await expect.poll(page.text, soon).toContain('does not finish its own work');
    const links = page.all('.head a').map((link) => decodeURIComponent(link.getAttribute('href') ?? ''));
    expect(links).toContain('/search?q=edge:catalog');
    expect(links).toContain('/map?sel=node:catalog&q=edge:catalog');
  });

  it('an incident lists its latest three traces, and leads to all of them', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(32));
    await open('/timeouts/many', { '/api/timeouts/many': { ...inside, traces: ids, count: 7 } });
    await expect.poll(page.text, soon).toContain('The latest 3, of 7 give-ups · all traces that failed here');
    const links = page.all('.columns a.mono').map((link) => link.getAttribute('href'));
    expect(links).toEqual(ids.slice(0, 3).map((id) => `/trace/${id}`));
  });

  it('an incident whose verdicts were revised is said to be gone', async () => {
    await open('/timeouts/revised');
    await expect.poll(page.text, soon).toContain('This incident is gone');
    expect(page.text()).toContain('revised when more spans arrived');
    expect(page.find('.none a').getAttribute('href')).toBe('/timeouts');
  });

  it('an incident of another time leads there', async () => {
    await open('/timeouts/past', {
      '/api/timeouts/past': (query: URLSearchParams) =>
        query.get('from') === '0'
          ? inside
          : Response.json({ error: { code: 'not_found', message: 'none' } }, { status: 404 }),
    });
    await expect.poll(page.text, soon).toContain('Not in this time range');
    expect(page.find('.none a.strong').getAttribute('href')).toContain('/timeouts/past?from=2026-11-22');
  });
});

describe('an empty view', () => {
  it('without any data says how to send the first span, and counts', async () => {
    await open('/', noData);
    await expect.poll(page.text, soon).toContain('Send the first span');
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

  it('of incidents proves that it looked', async () => {
    await open('/timeouts', { '/api/timeouts': { incidents: [], checkedCalls: 18_204 } });
    await expect.poll(page.text, soon).toContain('18,204 calls checked');
  });
});

describe('everywhere', () => {
  const paste = async (text: string, where = 'header') => {
    const box = page.find(`${where} input`) as HTMLInputElement;
    box.value = text;
    box.dispatchEvent(new Event('input', { bubbles: true }));
    page.find(`${where} form`).dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));
  };

  it('a pasted error opens its incident', async () => {
    await open('/');
    await paste('dial tcp 10.0.3.7:8443: connect: getsockopt: connection timed out');
    await expect.poll(page.text, soon).toContain('Latest verdict:');
    expect(page.url()).toBe('/timeouts/checkout-payments-connect');
  });

  it('a pasted error without an incident opens the calls to its place', async () => {
    await open('/', { '/api/timeouts': { incidents: [], checkedCalls: 1 } });
    await paste('connect ECONNREFUSED 10.0.3.7:8443');
    await expect.poll(page.text, soon).toContain('5 of more than');
    expect(page.url()).toContain('server.address:10.0.3.7');
  });

  it('a pasted error that nothing matches says so', async () => {
    await open('/', { '/api/traces': noData['/api/traces'] });
    await paste('connect ECONNREFUSED 10.9.9.9:1');
    await expect.poll(page.text, soon).toContain('Nothing matched this line.');
    await expect.poll(page.text, soon).toContain('connect ECONNREFUSED 10.9.9.9:1');
  });

  const logLine =
    '2026-11-22T13:57:13.351Z ERROR /hang-fetch TimeoutError: The operation was aborted due to timeout 23';

  it('a pasted line without an address opens the failed trace with its path', async () => {
    await open('/search');
    await paste(logLine, '.list-page');
    await expect
      .poll(page.text, soon)
      .toContain('The nearest failed trace with /hang-fetch and TimeoutError.');
    expect(page.url()).toMatch(/^\/trace\//);
  });

  it('a pasted line of a path that no failed trace has lists what failed, and says so', async () => {
    const { '/api/traces': none } = noData;
    await open('/', {
      '/api/traces': (query: URLSearchParams) => (query.get('q')?.includes('/hang-fetch') ? none : traces),
    });
    await paste(logLine);
    await expect
      .poll(page.text, soon)
      .toContain('No failed trace with /hang-fetch was found within a minute');
    expect(page.text()).not.toContain('to its address');
    expect(page.all('a.trace')).toHaveLength(5);
  });

  it('a pasted trace id opens the trace, and anything else is a query', async () => {
    await open('/');
    await paste(TRACE_ID.toUpperCase());
    await expect.poll(page.text, soon).toContain('checkout gave up on');
    await paste('service:checkout');
    await expect.poll(page.text, soon).toContain('of more than');
    expect(page.url()).toBe('/search?q=service:checkout');
  });

  it('keys go from view to view, and ? lists them', async () => {
    await open('/');
    await page.press('g');
    await page.press('t');
    await expect.poll(page.text, soon).toContain('calls checked');
    await page.press('g');
    await page.press('l');
    await expect.poll(page.text, soon).toContain('not available yet');
    await page.press('?');
    await expect.poll(page.text, soon).toContain('Go to the map');
  });

  it('an answer that does not come is said, with what was expected', async () => {
    await open('/search', {
      '/api/traces': () =>
        Response.json(
          { error: { code: 'unavailable', message: 'The store is busy.', expected: 'a free store' } },
          { status: 503 },
        ),
    });
    await expect.poll(page.text, soon).toContain('The store is busy.');
    await expect.poll(page.text, soon).toContain('Expected: a free store.');
  });

  it('a path that is no view leads back to the map', async () => {
    await open('/nowhere');
    await expect.poll(page.text, soon).toContain('There is no page at /nowhere');
  });
});
