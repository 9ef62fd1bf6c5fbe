/** A view whose code could not be fetched: says why and what to do, and opens when that is possible again. */
import { flushSync, mount, unmount, type Component } from 'svelte';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import LazyView from '../../ui/app/LazyView.svelte';
import { startLive } from '../../ui/app/live.svelte.ts';
import Logo from '../../ui/app/Logo.svelte';

let isAnswering = false;
/** Whether the browser gets the code when it asks for it. */
let isFetched = false;
let app: Record<string, unknown>;
let stopLive: () => void;
const events = Object.assign(new EventTarget(), { close: () => {} });

const load = () =>
  isFetched
    ? Promise.resolve({ default: Logo as Component<Record<string, unknown>> })
    : Promise.reject(new TypeError('Failed to fetch dynamically imported module'));
const text = () => {
  flushSync();
  return document.body.textContent ?? '';
};
const isOpen = () => document.body.querySelector('svg') !== null;

beforeEach(() => {
  [isAnswering, isFetched] = [false, false];
  vi.stubGlobal('fetch', () =>
    isAnswering ? Promise.resolve(new Response('{}')) : Promise.reject(new TypeError('Failed to fetch')),
  );
  vi.stubGlobal('EventSource', function openEvents() {
    return events;
  });
  stopLive = startLive();
  app = mount(LazyView, { target: document.body, props: { load, props: {} } });
});
afterEach(async () => {
  await unmount(app);
  stopLive();
  vi.unstubAllGlobals();
});

test('where the collector does not answer, the view is opened by trying again', async () => {
  await expect.poll(text).toContain('The collector does not answer');
  const tryAgain = () => document.body.querySelector('button')?.click();
  tryAgain();
  await expect.poll(text).toContain('The collector does not answer');
  isFetched = true;
  tryAgain();
  await expect.poll(isOpen).toBe(true);
  expect(text()).not.toContain('could not be fetched');
});

test('it opens by itself when the collector is there again', async () => {
  await expect.poll(text).toContain('The collector does not answer');
  isFetched = true;
  events.dispatchEvent(new Event('open'));
  await expect.poll(isOpen).toBe(true);
});

test('where the collector answers without it, the page is to be loaded again', async () => {
  await expect.poll(text).toContain('The collector does not answer');
  isAnswering = true;
  document.body.querySelector('button')?.click();
  await expect.poll(text).toContain('another version than this page');
  expect(document.body.querySelector('button')?.textContent).toBe('Load the page again');
});
