import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { askAhead, takeAhead } from '../../ui/api/ahead.ts';

const asked: string[] = [];
beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(url));
  });
});
afterEach(() => {
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('what was asked ahead is taken once, by who asks for the same', async () => {
  askAhead('/a');
  askAhead('/a');
  expect(asked).toEqual(['/a']);
  expect(takeAhead('/b', null)).toBeNull();
  expect(await (await takeAhead('/a', null))!.text()).toBe('/a');
  expect(takeAhead('/a', null)).toBeNull();
});

test('what failed before anybody took it is asked for again', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  askAhead('/a');
  await vi.advanceTimersByTimeAsync(0);
  expect(takeAhead('/a', null)).toBeNull();
});

test('what nobody took is old after a while, and asked for again', () => {
  askAhead('/a');
  vi.advanceTimersByTime(10_000);
  expect(takeAhead('/a', null)).toBeNull();
  askAhead('/a');
  expect(asked).toEqual(['/a', '/a']);
});
