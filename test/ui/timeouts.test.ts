/** The list of incidents under headings, and the way from one to the map. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../collector/serve/wire.ts';
import { firstOf, groupIncidents, readGrouping } from '../../ui/diagnosis/group-incidents.ts';
import fixture from './fixtures/incidents-shop.json';
import status from './fixtures/status.json';
import { noData, openPage, type OpenPage } from './open-page.ts';

let page: OpenPage | null = null;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
afterEach(async () => {
  await page?.close();
  page = null;
});

const incidents = fixture.incidents as Incident[];
const like = (edge: string, phase: string, cause: string, count: number): Incident => ({
  ...incidents[0]!,
  fingerprint: `${edge}-${phase}`,
  edge,
  phase,
  cause,
  count,
});
const list = [
  like('shop->bank', 'tls', 'C8', 40),
  like('shop->stock', 'connect', 'B1', 30),
  like('gateway->bank', 'tls', 'C8', 20),
  like('search', 'none', 'unknown', 10),
];
const titles = (by: 'callee' | 'caller' | 'phase' | 'cause') =>
  groupIncidents(list, by).map(
    ({ title, incidents: members, count }) => `${title} ${members.length} ${count}`,
  );

it('incidents are put together by callee, caller, phase or cause, in the order of the list', () => {
  expect(titles('callee')).toEqual(['bank 2 60', 'stock 1 30', 'search 1 10']);
  expect(titles('caller')).toEqual(['shop 2 70', 'gateway 1 20', 'search 1 10']);
  expect(titles('phase')).toEqual(['In tls 2 60', 'In connect 1 30', 'Own work 1 10']);
  expect(titles('cause')).toEqual(['Likeliest C8 2 60', 'Likeliest B1 1 30', 'Cause unknown 1 10']);
});

it('a grouping that there is none of is none', () => {
  expect([readGrouping('phase'), readGrouping('toString'), readGrouping(undefined)]).toEqual([
    'phase',
    null,
    null,
  ]);
});

it('the first incidents stand under their headings, which count all of theirs', () => {
  const shown = (most: number) =>
    firstOf(groupIncidents(list, 'callee'), most).map(
      ({ group, shown }) => `${group.title} ${shown.length} of ${group.incidents.length}`,
    );
  expect(shown(0)).toEqual([]);
  expect(shown(1)).toEqual(['bank 1 of 2']);
  expect(shown(3)).toEqual(['bank 2 of 2', 'stock 1 of 1']);
  expect(shown(9)).toEqual(['bank 2 of 2', 'stock 1 of 1', 'search 1 of 1']);
});

const many = Array.from({ length: 90 }, (_, index) => like(`shop->s${index}`, 'connect', 'B1', 90 - index));

it('of a long list a screen full comes first, and then the rest', async () => {
  const seen = new Set<number>();
  const countRows = () => void seen.add(document.querySelectorAll('a.incident').length);
  const observer = new MutationObserver(countRows);
  observer.observe(document.body, { subtree: true, childList: true });
  page = await openPage('/timeouts', { '/api/timeouts': { incidents: many, checkedCalls: 900 } });
  await expect.poll(() => seen.has(90), soon).toBe(true);
  observer.disconnect();
  expect([...seen].some((count) => count > 0 && count < 90)).toBe(true);
  expect(page.text()).toContain('90 incidents');
});

it('j reaches an incident of a long list that is not shown yet', async () => {
  page = await openPage('/timeouts', { '/api/timeouts': { incidents: many, checkedCalls: 900 } });
  await expect.poll(() => (page?.all('a.incident').length ?? 0) > 0, { ...soon, interval: 1 }).toBe(true);
  for (let rows = 0; rows < 60; rows++) void page.press('j');
  await expect
    .poll(() => document.activeElement?.getAttribute('href'), soon)
    .toContain('/timeouts/shop->s59-connect');
});

it('the list stands under headings when the URL says so, and j goes through all of it', async () => {
  page = await openPage('/timeouts?group=callee', {
    '/api/timeouts': { incidents: list, checkedCalls: 900 },
  });
  await expect
    .poll(() => page?.all('h2').map((title) => title.textContent?.replace(/\s+/g, ' ').trim()), soon)
    .toEqual([
      'bank · 2 incidents, 60 calls',
      'stock · 1 incident, 30 calls',
      'search · 1 incident, 10 calls',
    ]);
  for (let rows = 0; rows < 3; rows++) await page.press('j');
  expect(document.activeElement?.getAttribute('href')).toContain('/timeouts/shop->stock-connect');
});

describe('Escape on an incident', () => {
  const path = '/timeouts/checkout-payments-connect';
  const opened = async () => {
    await expect.poll(() => page?.find('h1').textContent, soon).toContain('payments');
  };
  const follow = async (selector: string) => {
    await expect.poll(() => page?.all(selector).length, soon).toBeGreaterThan(0);
    await page!.click(page!.find(selector));
    await expect.poll(() => page?.url(), soon).toBe(path);
    await opened();
  };

  it('leads back to the map that led there, as it was', async () => {
    page = await openPage('/map?color=failures');
    await follow(`.headline a.strong`);
    await page.press('Escape');
    await page.press('Escape');
    await expect.poll(() => page?.url(), soon).toBe('/map?color=failures');
  });

  it('leads to the list where an address led there', async () => {
    page = await openPage(path);
    await opened();
    await page.press('Escape');
    await expect.poll(() => page?.url(), soon).toBe('/timeouts');
  });

  it('leads back to its row, where j goes on', async () => {
    const fingerprint = 'checkout-payments-connect';
    const rows = list.with(1, { ...list[1]!, fingerprint });
    page = await openPage('/timeouts?group=callee', {
      '/api/timeouts': { incidents: rows, checkedCalls: 900 },
    });
    await follow(`a[href^="${path}"]`);
    await page.press('Escape');
    await expect.poll(() => document.activeElement?.getAttribute('href'), soon).toContain(fingerprint);
    await page.press('j');
    expect(document.activeElement?.getAttribute('href')).toContain('/timeouts/search-none');
  });
});

it('an incident leads to the map, where the way of its traces stands out', async () => {
  page = await openPage('/timeouts/checkout-payments-connect');
  const link = () => page?.all('a').find((other) => other.textContent?.trim() === 'On the map');
  await expect.poll(() => link() !== undefined, soon).toBe(true);
  const query = new URL(link()!.getAttribute('href')!, 'http://x').searchParams;
  expect(query.get('sel')).toBe('edge:checkout->payments');
  expect(query.get('q')).toContain('edge:checkout->payments');
});

it('the require line for the first span names the collector where it is not where the hook looks', async () => {
  const addresses = { ...status.addresses, otlpGrpc: '127.0.0.1:5317' };
  const appCommand =
    'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5317 OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $SOCKEYE_TOKEN" node --require /opt/register.cjs app.js';
  page = await openPage('/', { ...noData, '/api/status': { ...status, addresses, appCommand } });
  const secrets = 'OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer $SOCKEYE_TOKEN"';
  await expect.poll(page.text, soon).toContain(appCommand);
  for (const line of [
    `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:5317 ${secrets} node --require @sockeye/instrumentation/register`,
    `export ${secrets}`,
    'First set SOCKEYE_TOKEN',
  ]) {
    expect(page.text()).toContain(line);
  }
});
