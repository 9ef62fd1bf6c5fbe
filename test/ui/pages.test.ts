/** Each view with data in it: what it says, where it leads, and what works everywhere. */
import { afterEach, describe, expect, it } from 'vitest';
import traces from './fixtures/traces-shop.json';
import { noData, openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

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
    await expect.poll(page.text, soon).toContain('Requests from outside: half took up to');
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
