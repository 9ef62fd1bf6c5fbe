/** The stream of events: what is said while it is not open, and that it is opened again also where the browser gives up. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { live, onLive, startLive } from '../../ui/app/live.svelte.ts';

const CONNECTING = 0;
const CLOSED = 2;

/** What a browser's stream tells the page, told by the test. */
class Stream extends EventTarget {
  readyState = CONNECTING;
  constructor() {
    super();
    streams.push(this);
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.dispatchEvent(new Event('error'));
  }
  close(): void {
    this.readyState = CLOSED;
  }
}

let streams: Stream[];
let health: () => Promise<Response>;
let stop: () => void;
const last = () => streams.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  streams = [];
  health = () => Promise.resolve(new Response('ok'));
  vi.stubGlobal('EventSource', Stream);
  vi.stubGlobal('fetch', (url: string) => (url === '/healthz' ? health() : Promise.reject(new Error(url))));
  stop = startLive();
});
afterEach(() => {
  stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test('a stream that the browser gave up is opened again, and what was missed is asked for', async () => {
  let told = 0;
  const forget = onLive(['map'], 0, () => told++);
  for (let failed = 1; failed <= 3; failed++) {
    last().fail(CLOSED);
    await vi.advanceTimersToNextTimerAsync();
    expect(streams).toHaveLength(failed + 1);
  }
  expect(live.connection).toBe('no events');
  last().dispatchEvent(new Event('open'));
  expect(live.connection).toBe('open');
  await vi.runAllTimersAsync();
  expect(told).toBe(1);
  forget();
});

test('one that the browser opens again by itself is left to it', async () => {
  last().fail(CONNECTING);
  await vi.runAllTimersAsync();
  expect(streams).toHaveLength(1);
});

test.each([
  ['answers', () => Promise.resolve(new Response('ok')), 'no events'],
  ['answers that it is not well', () => Promise.resolve(new Response('', { status: 502 })), 'no answer'],
  ['cannot be reached', () => Promise.reject(new TypeError('Failed to fetch')), 'no answer'],
] as const)('where the collector %s, that is what is said', async (_, answer, said) => {
  last().dispatchEvent(new Event('open'));
  health = answer;
  last().fail(CONNECTING);
  expect(live.connection).toBe('connecting');
  await vi.waitFor(() => expect(live.connection).toBe(said));
});

test('an answer that comes when the stream is open again says nothing', async () => {
  const late = Promise.withResolvers<Response>();
  health = () => late.promise;
  last().fail(CONNECTING);
  last().dispatchEvent(new Event('open'));
  late.resolve(new Response('', { status: 502 }));
  await vi.runAllTimersAsync();
  expect(live.connection).toBe('open');
});

test('nothing is opened again once the page has stopped listening', async () => {
  last().fail(CLOSED);
  stop();
  await vi.runAllTimersAsync();
  expect(streams).toHaveLength(1);
});
