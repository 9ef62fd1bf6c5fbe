/** Errors keep the last good data, marked stale; what comes later takes the mark away. */
import { afterEach, describe, expect, it } from 'vitest';
import incidents from './fixtures/incidents-shop.json';
import map from './fixtures/map-shop.json';
import { openPage, type Answers, type OpenPage } from './open-page.ts';

let page: OpenPage;
/** On a busy machine an answer takes its time. */
const soon = { timeout: 5000 };
const STALE = 'What is shown is the last answer; it is stale.';
afterEach(() => page.close());

describe('a view whose update does not come', () => {
  it.each([
    ['/map', '/api/map', 'map', map, 'g.node'],
    ['/timeouts', '/api/timeouts', 'incident', incidents, 'a.incident'],
  ])(
    '%s keeps what it shows and says that it is stale, until one comes',
    async (path, api, event, answer, mark) => {
      let isAway = false;
      const answers: Answers = {
        [api]: () =>
          isAway ? Response.json({ error: { message: 'The store is away.' } }, { status: 503 }) : answer,
      };
      page = await openPage(path, answers);
      await expect.poll(() => page.all(mark).length, soon).toBeGreaterThan(0);
      const shown = page.all(mark).length;
      isAway = true;
      page.live(event);
      await expect.poll(page.text, soon).toContain(STALE);
      expect(page.text()).toContain('The store is away.');
      expect(page.all(mark)).toHaveLength(shown);
      isAway = false;
      await page.click(page.find('[role=alert] button'));
      await expect.poll(page.text, soon).not.toContain(STALE);
      expect(page.all(mark)).toHaveLength(shown);
    },
  );
});

it('a lost connection is said, and what was missed is asked for when it is back', async () => {
  let maps = 0;
  page = await openPage('/map', {
    '/api/map': () => {
      maps++;
      return map;
    },
  });
  await expect.poll(() => page.all('g.node').length, soon).toBe(12);
  const before = maps;
  page.live('error');
  await expect.poll(page.text, soon).toContain('The collector does not answer since');
  expect(page.all('g.node')).toHaveLength(12);
  page.live('open');
  await expect.poll(page.text, soon).not.toContain('The collector does not answer since');
  await expect.poll(() => maps, soon).toBeGreaterThan(before);
});
