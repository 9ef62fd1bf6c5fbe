/** The page of an incident: its verdict, what its calls share, its traces, and where it is when it is not in the range. */
import { afterEach, describe, expect, it } from 'vitest';
import type { IncidentState } from '../../collector/serve/wire.ts';
import incidents from './fixtures/incidents-shop.json';
import { openPage, TRACE_ID, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(() => page.close());

const open = async (path: string, changes: Answers = {}) => (page = await openPage(path, changes));

describe('an incident', () => {
  it('shows its latest verdict, what is shared, and what to check', async () => {
    await open('/timeouts/checkout-payments-connect');
    await expect.poll(page.text, soon).toContain('Latest verdict:');
    await expect.poll(page.text, soon).toContain('network.peer.address');
    await expect.poll(page.text, soon).toContain('ss -ltn');
    const asked = new URLSearchParams({ incident: 'timeout,connect,checkout->payments' });
    const link = `/trace/${TRACE_ID}?${asked}`;
    expect(page.find('a.strong').getAttribute('href')).toBe(link);
    const line = () => page.find(`.columns a[href="${link}"]`).textContent ?? '';
    await expect.poll(line, soon).toMatch(/\d\d:\d\d:\d\d POST \/buy\s+3\.26 s/);
  });

  const inside = { ...incidents.incidents[0]!, edge: 'catalog', phase: 'none' };
  it('inside of a service leads to its traces and to its node', async () => {
    await open('/timeouts/inside', { '/api/timeouts/inside': inside });
    await expect.poll(page.text, soon).toContain('does not finish its own work');
    const links = page.all('.head a').map((link) => decodeURIComponent(link.getAttribute('href') ?? ''));
    expect(links).toContain('/search?q=edge:catalog');
    expect(links).toContain('/map?sel=node:catalog&q=edge:catalog');
  });

  it('lists its latest three traces, and leads to all of them', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map((digit) => digit.repeat(32));
    await open('/timeouts/many', { '/api/timeouts/many': { ...inside, traces: ids, count: 7 } });
    await expect.poll(page.text, soon).toContain('The latest 3, of 7 give-ups · all traces that failed here');
    const links = page.all('.columns a.mono').map((link) => link.getAttribute('href'));
    expect(links).toEqual(ids.slice(0, 3).map((id) => `/trace/${id}?incident=timeout%2Cnone%2Ccatalog`));
  });

  it('is acknowledged by a key, muted by a choice, and says so', async () => {
    const sent: unknown[] = [];
    await open('/timeouts/inside', {
      '/api/timeouts/inside': { ...inside, fingerprint: 'inside' },
      '/api/timeouts/inside/state': (_query: URLSearchParams, body: string) => {
        const { acknowledged = true, mutedUntil } = JSON.parse(body) as Partial<IncidentState>;
        sent.push(JSON.parse(body));
        return { acknowledged, mutedUntil: mutedUntil == null ? null : '2026-11-22T15:00:00Z' };
      },
    });
    await expect.poll(page.text, soon).toContain('Acknowledge a');
    await page.press('a');
    await expect.poll(page.text, soon).toContain('Acknowledged a');
    const mute = page.find('select[aria-label="Mute"]') as HTMLSelectElement;
    mute.value = '8h';
    mute.dispatchEvent(new Event('change', { bubbles: true }));
    await expect.poll(page.text, soon).toContain('muted until');
    await page.click(page.all('button').find((button) => button.textContent?.includes('Unmute'))!);
    await expect.poll(page.text, soon).toContain('Mute for');
    await page.press('a');
    await expect.poll(page.text, soon).toContain('Acknowledge a');
    expect(sent).toEqual([
      { acknowledged: true },
      { mutedUntil: 'now+8h' },
      { mutedUntil: null },
      { acknowledged: false },
    ]);
  });

  it('whose verdicts were revised is said to be gone', async () => {
    await open('/timeouts/revised');
    await expect.poll(page.text, soon).toContain('This incident is gone');
    expect(page.text()).toContain('revised when more spans arrived');
    expect(page.find('.none a').getAttribute('href')).toBe('/timeouts');
  });

  it('of another time leads there', async () => {
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
