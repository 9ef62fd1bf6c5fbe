/** The view of latency in a page: what it asks for, says and offers, and how a part of it is chosen. */
import { afterEach, describe, expect, it } from 'vitest';
import type { LatencyDiffers } from '../../collector/serve/wire.ts';
import { go } from '../../ui/app/location.svelte.ts';
import { LATENCY_FROM, latencyOf, MINUTE_MS, repeat } from './latency-of.ts';
import { noData, openPage, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const minutes = [
  ...Array.from({ length: 6 }, () => repeat('10 20', 10)),
  ...Array.from({ length: 6 }, () => `${repeat('10 2900', 10)} 3000! 3000!`),
];
const latency = latencyOf(minutes, {
  of: 'calls',
  phases: [{ t: LATENCY_FROM, calls: 20, connectMs: 5, waitMs: 15 }],
  budgetsMs: [3000],
  budgets: [{ budgetMs: 3000, own: false, calls: 12 }],
  walls: [{ atMs: 2900, count: 60, timeouts: 0 }],
});
const differs: LatencyDiffers = {
  from: latency.from,
  to: latency.to,
  of: 'calls',
  brush: { from: latency.from, to: latency.to, minMs: 1000, maxMs: 4000 },
  selected: {
    calls: 12,
    errors: 0,
    timeouts: 9,
    p50Ms: 3000,
    p95Ms: 3001,
    phases: [{ phase: 'connect', durationMs: 2990, open: 9 }],
  },
  others: { calls: 88, errors: 1, timeouts: 0, p50Ms: 10, p95Ms: 20, phases: [] },
  truncated: true,
  shared: [{ key: 'server.port', value: '8443', share: 1 }],
  differs: [{ key: 'network.peer.address', value: '10.0.3.7', share: 0.97, othersShare: 0.2 }],
  slowest: [
    {
      traceId: 'a'.repeat(32),
      spanId: 'b'.repeat(16),
      service: 'checkout',
      operation: 'POST',
      startedAt: latency.from,
      durationMs: 3001,
      outcome: 'timeout',
    },
  ],
  newest: [],
};
const asked: Record<string, URLSearchParams[]> = {};
const seen = (name: string, answer: unknown) => (query: URLSearchParams) => {
  (asked[name] ??= []).push(query);
  return typeof answer === 'function' ? (answer as () => unknown)() : answer;
};
const answers = (changes: Answers = {}): Answers => ({
  '/api/latency': seen('latency', latency),
  '/api/latency/differs': seen('differs', differs),
  '/api/services': {
    services: ['checkout', 'payments'].map((service) => ({
      service,
      calls: 9,
      errors: 0,
      timeouts: 0,
      p50Ms: 1,
      p95Ms: 2,
      p99Ms: 3,
    })),
  },
  ...changes,
});
async function open(path: string, changes: Answers = {}) {
  for (const name of Object.keys(asked)) delete asked[name];
  page = await openPage(path, answers(changes));
  return page;
}
const edge = '/latency?service=checkout&peer=payments';
const plot = () => page.find('.plot');
const key = (name: string, shiftKey = false) =>
  plot().dispatchEvent(
    new KeyboardEvent('keydown', { key: name, shiftKey, bubbles: true, cancelable: true }),
  );
async function shown() {
  await expect.poll(() => page.all('.plot').length, soon).toBe(1);
}

describe('the view of latency', () => {
  it('asks for what the URL names, and says what became of it', async () => {
    await open(`${edge}&op=POST&phase=connect&from=now-3h`);
    await shown();
    expect(Object.fromEntries(asked['latency']![0]!)).toEqual({
      service: 'checkout',
      operation: 'POST',
      peer: 'payments',
      phase: 'connect',
      from: 'now-3h',
    });
    expect(page.find('h1').textContent).toMatch(
      /p95 of connect time of POST of checkout → payments rose from 20 ms to 3 s at .*; 12 calls gave up\./,
    );
  });

  it('names the phase that most timeouts of an edge were in, where the map counted it', async () => {
    await open(edge);
    await shown();
    expect(page.find('h1').textContent).toMatch(/12 calls gave up, (?:most )?in connect\./);
  });

  it('is chosen by names that there are; another service has other operations and peers', async () => {
    await open('/latency?op=GET&from=now-3h');
    await shown();
    const [service] = page.all('select') as HTMLSelectElement[];
    expect([...service!.options].map(({ text }) => text)).toEqual(['any', 'checkout (9)', 'payments (9)']);
    service!.value = 'checkout';
    service!.dispatchEvent(new Event('change', { bubbles: true }));
    await expect.poll(() => page.url(), soon).toBe('/latency?from=now-3h&service=checkout');
  });

  it('tells budgets and walls beside the chart, and a wall leads to its calls', async () => {
    await open(edge);
    await shown();
    await expect.poll(page.text, soon).toContain('3 s12 calls gave up by it');
    const wall = page.all('aside button.row').find((row) => row.textContent?.includes('at 2.90 s'))!;
    await page.click(wall);
    expect(page.url()).toContain(`sel=${LATENCY_FROM}-${LATENCY_FROM + 12 * MINUTE_MS},2500-3200`);
  });
});

it('says how many walls and budgets of how many are drawn', async () => {
  const budgetsMs = [1, 2, 3, 4, 5].map((seconds) => seconds * 1000);
  const many = {
    ...latency,
    budgetsMs,
    budgets: budgetsMs.map((budgetMs) => ({ budgetMs, own: false, calls: 1 })),
    walls: [10, 20, 30, 40].map((atMs) => ({ atMs, count: 10, timeouts: 0 })),
  };
  await open(edge, { '/api/latency': many });
  await shown();
  await expect.poll(page.text, soon).toContain('3 of 4 are drawn, the largest');
  expect(page.text()).toContain('4 of 5, the most frequent');
});

describe('a part of the chart', () => {
  it('is chosen by keys alone, and told what differs there', async () => {
    await open(edge);
    await shown();
    await page.press('n');
    await expect.poll(() => page.find('.said').textContent, soon).toContain('2 timed out');
    key('ArrowRight', true);
    key('Enter');
    await expect
      .poll(page.url, soon)
      .toBe(`${edge}&sel=${LATENCY_FROM + 6 * MINUTE_MS}-${LATENCY_FROM + 8 * MINUTE_MS},2500-3200`);
    await expect.poll(page.text, soon).toContain('network.peer.address 10.0.3.7');
    expect(page.find('.said [role=status]').textContent).toMatch(/^Chosen: .*: 24 calls, 4 timed out$/);
    expect(Object.fromEntries(asked['differs']![0]!)).toEqual({
      service: 'checkout',
      peer: 'payments',
      from: latency.from,
      to: latency.to,
      brushFrom: String(LATENCY_FROM + 6 * MINUTE_MS),
      brushTo: String(LATENCY_FROM + 8 * MINUTE_MS),
      minMs: '2500',
      maxMs: '3200',
    });
  });

  it('says shares and counts, of how many, with examples to open and a search for the rest', async () => {
    await open(`${edge}&sel=${LATENCY_FROM}-${LATENCY_FROM + MINUTE_MS},2000-4000`);
    await expect.poll(page.text, soon).toContain('97 % here, 20 % of the others');
    expect(page.text()).toMatch(
      /Looked at one by one: all calls here, and of the others 88 of 252, a sample\./,
    );
    expect(page.text()).toContain('9 calls ended in connect, unfinished');
    const links = page.all('aside a').map((link) => decodeURIComponent(link.getAttribute('href') ?? ''));
    expect(links[0]).toBe(
      `/search?q=edge:checkout->payments+duration>=2000ms+duration<4000ms&from=${latency.from}&to=${new Date(LATENCY_FROM + MINUTE_MS).toISOString()}`,
    );
    expect(links).toContain(`/trace/${'a'.repeat(32)}?span=${'b'.repeat(16)}`);
  });

  it('without a call is none: nothing opens', async () => {
    await open(edge);
    await shown();
    plot().focus();
    key('Home');
    key('Home');
    key('Enter');
    await expect.poll(page.text, soon).toContain('No calls there.');
    expect(page.url()).toBe(edge);
  });

  it('is let go by Escape, or by its button', async () => {
    const part = `sel=${LATENCY_FROM}-${LATENCY_FROM + MINUTE_MS},2000-4000`;
    await open(`${edge}&${part}`);
    await expect.poll(page.text, soon).toContain('What differs here');
    await page.press('Escape');
    expect(page.url()).toBe(edge);
    go('/latency', { service: 'checkout', sel: part.slice(4) });
    await expect.poll(() => page.all('[aria-label^="Close: "]').length, soon).toBe(1);
    await page.click(page.find('[aria-label^="Close: "]'));
    expect(page.url()).toBe('/latency?service=checkout');
  });

  it('that is not in the range is none', async () => {
    await open(`${edge}&sel=5-6,1-2`);
    await shown();
    expect(page.text()).not.toContain('What differs here');
    expect(asked['differs']).toBeUndefined();
  });
});

it('its keys are among those that ? lists', async () => {
  await open(edge);
  await shown();
  await page.press('?');
  for (const does of ['Walk over the cells', 'Next timeouts', 'Table or chart', 'Earlier range'])
    await expect.poll(page.text, soon).toContain(does);
});

describe('the table', () => {
  it('has the same numbers, and chooses a step', async () => {
    await open(edge);
    await shown();
    await page.press('v');
    expect(page.url()).toContain('v=table');
    const rows = page
      .all('tbody tr')
      .map((row) => [...row.children].map((cell) => cell.textContent!.replace(/\s+/g, ' ').trim()).join(' '));
    expect(rows).toHaveLength(12);
    expect(rows[0]).toMatch(/ 20 0 0 20 ms 20 ms 20 ms 5 ms 15 ms$/);
    expect(rows[6]).toMatch(/ 22 2 0 2\.90 s 3\.00 s 3\.00 s – –$/);
    await page.click(page.all('tbody button')[6]!);
    expect(page.url()).toContain(`sel=${LATENCY_FROM + 6 * MINUTE_MS}-${LATENCY_FROM + 7 * MINUTE_MS},`);
    // A press of Enter is a click of no button.
    await expect.poll(() => document.activeElement?.tagName, soon).toBe('ASIDE');
  });
});

describe('what is new', () => {
  it('is offered, and nothing moves until it is asked for', async () => {
    let now = latency;
    await open(edge, { '/api/latency': () => now });
    await shown();
    const before = page.find('.plot').innerHTML;
    now = latencyOf([...minutes, repeat('10', 30)], { of: 'calls' });
    page.live('map');
    await expect.poll(page.text, soon).toContain('30 new calls: show');
    expect(page.find('.plot').innerHTML).toBe(before);
    await page.click(page.all('.tools .button.on')[0]!);
    expect(page.text()).not.toContain('new calls');
    expect(page.find('.plot').innerHTML).not.toBe(before);
  });

  it('that does not come leaves what there is, and says that it is stale', async () => {
    let isDown = false;
    const failure = () => Response.json({ error: { code: 'unavailable', message: 'busy' } }, { status: 503 });
    await open(edge, { '/api/latency': () => (isDown ? failure() : latency) });
    await shown();
    isDown = true;
    page.live('map');
    await expect.poll(page.text, soon).toContain('busy');
    expect(page.text()).toContain('it is stale');
    expect(page.all('.plot')).toHaveLength(1);
    isDown = false;
    await page.click(page.find('.failure button'));
    await expect.poll(page.text, soon).not.toContain('busy');
  });
});

describe('nothing to show', () => {
  const none = latencyOf(['', ''], { calls: 0 });
  it('is no data ever', async () => {
    await open('/latency', { ...noData, '/api/latency': none });
    await expect.poll(page.text, soon).toContain('Send the first span');
  });

  it('is a filter that can be cleared', async () => {
    await open('/latency?service=nobody', { '/api/latency': none });
    await expect.poll(page.text, soon).toContain('Only nobody is asked for.');
    await page.click(page.all('.empty button').at(-1)!);
    expect(page.url()).toBe('/latency');
  });

  it('says which range it is of, and a wider one keeps the filter', async () => {
    await open('/latency?service=nobody&phase=dns&from=now-15m', { '/api/latency': none });
    await expect.poll(page.text, soon).toContain('Time range: last 15 minutes.');
    const buttons = () => page.all('.empty button').map((button) => button.textContent?.trim());
    await expect.poll(buttons, soon).toEqual(['Look at the last 1 hour', 'Clear the filter']);
    await page.click(page.find('.empty button'));
    expect(page.url()).toBe('/latency?service=nobody&phase=dns');
  });

  it('of a service that is chosen when the collector is gone is what failed, where services share operations', async () => {
    const operations = ['checkout', 'payments'].map((service) => ({
      service,
      operation: 'GET /health',
      calls: 9,
      errors: 0,
      timeouts: 0,
      p50Ms: 1,
      p95Ms: 2,
      p99Ms: 3,
    }));
    let isGone = false;
    const unlessGone = (answer: unknown) => () => (isGone ? Response.error() : answer);
    await open('/latency', {
      '/api/latency': unlessGone(latency),
      '/api/operations': unlessGone({ operations }),
    });
    await expect.poll(() => page.all('aside h3').length, soon).toBeGreaterThan(0);
    isGone = true;
    go('/latency', { service: 'payments' });
    await expect.poll(() => page.all('[role=alert]').length, soon).toBe(1);
    expect(page.find('[role=alert]').textContent).toContain('Try again');
  });

  it('with a collector that is gone is what failed, under the choice that was made', async () => {
    const gone = { '/api/latency': () => Response.error(), '/api/map': () => Response.error() };
    await open('/latency?service=payments', gone);
    await expect.poll(() => page.find('[role=alert]').textContent, soon).toContain('Try again');
    expect(page.all('.empty')).toEqual([]);
    expect(page.find('select').textContent).toContain('payments');
  });

  it('is a range without calls, with the way to the latest', async () => {
    await open('/latency', { '/api/latency': none });
    await expect.poll(page.text, soon).toContain('No calls in this time range');
  });
});

it('the cursor leaves with the pointer, but stays where keys led it', async () => {
  await open(edge);
  await shown();
  const point = (type: string) => plot().dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: 46 }));
  const said = () => page.find('.said [role=status]').textContent;
  point('pointermove');
  await expect.poll(said, soon).toContain('call');
  plot().focus();
  point('pointerleave');
  await expect.poll(said, soon).toBe('');
  await page.press('ArrowRight');
  point('pointerleave');
  await expect.poll(said, soon).toContain('call');
});
