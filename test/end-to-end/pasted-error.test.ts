/**
 * Lines of a log that are pasted into the page, over incidents of real calls that all go to one address, as on a
 * laptop: a line opens the incident of its own port and kind, or is said to match none.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Incident, Incidents } from '../../collector/serve/wire.ts';
import { startBrowser, type Browser } from './browser.ts';
import { startChain, type Chain } from './chain.ts';
import { startWorld, type World } from './collector.ts';

const hookFile = fileURLToPath(new URL('../../instrumentation/register.cjs', import.meta.url));

let world: World;
let chain: Chain;
let browser: Browser;
let refused: Incident;
let unanswered: Incident;

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), startBrowser()]);
  chain = await startChain(world, hookFile);
  // One call has nothing in common with others, and so no address that an incident could be known by.
  for (const path of ['/refused', '/syn-unanswered', '/refused', '/syn-unanswered']) await chain.call(path);
  [refused, unanswered] = await world.getWhen('/api/timeouts', ({ incidents }: Incidents) => {
    const find = (kind: Incident['kind']) =>
      incidents.find((incident) => incident.kind === kind && incident.count >= 2);
    const [first, second] = [find('refused'), find('timeout')];
    return first && second ? ([first, second] as const) : undefined;
  });
});

afterAll(async () => {
  chain?.end();
  await browser?.end();
  await world?.end();
});

/** The port that the collector says all calls of an incident went to. */
function portOf({ shared }: Incident): string {
  const value = (key: string) => shared.find((fact) => fact.key === key)?.value;
  expect(value('network.peer.address')).toBe('127.0.0.1');
  return value('network.peer.port') ?? 'none';
}

/** Opens the page, pastes a line into its search box, and gives the page. */
async function paste(line: string) {
  const { page } = await browser.open(world.page);
  onTestFinished(() => page.context().close());
  await page.getByRole('link', { name: 'Open incident' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.insertText(line);
  await page.keyboard.press('Enter');
  return page;
}

it('opens the incident of its port, of several at one address', async () => {
  for (const [incident, error] of [
    [unanswered, 'connect: getsockopt: connection timed out'],
    [refused, 'connect: connection refused'],
  ] as const) {
    const page = await paste(`dial tcp 127.0.0.1:${portOf(incident)}: ${error}`);
    await page.waitForURL(`**/timeouts/${incident.fingerprint}*`);
    await page.getByRole('link', { name: 'Open the latest trace' }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/timeouts/${incident.fingerprint}`);
  }
});

it('opens none of another kind, and lists what failed at its address', async () => {
  const page = await paste(
    `dial tcp 127.0.0.1:${portOf(refused)}: connect: getsockopt: connection timed out`,
  );
  await page.getByText('No incident matched this line.').waitFor();
  expect(new URL(page.url()).searchParams.get('q')).toContain(`server.port:${portOf(refused)}`);
});

it('says that nothing matched a port where nothing failed', async () => {
  const page = await paste('dial tcp 127.0.0.1:1: connect: getsockopt: connection timed out');
  await page.getByText('Nothing matched this line.').waitFor();
  expect(new URL(page.url()).pathname).toBe('/search');
});
