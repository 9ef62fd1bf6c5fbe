/** What standard error says of a backend: when it fails, when it is back, and neither time and again. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHealth } from '../../collector/forward/health.ts';

let said: string[];
beforeEach(() => {
  said = [];
  vi.useFakeTimers();
});
afterEach(() => void vi.useRealTimers());
const createSaying = () => createHealth('tempo', (line) => void said.push(line));

test('a failure is said once, and what it works again after', () => {
  const traces = createSaying().events('traces');
  traces.failed('no route');
  vi.advanceTimersByTime(30_000);
  traces.failed('no route');
  traces.dropped(7, 'full');
  traces.works();
  expect(said).toEqual([
    'forwarding to tempo fails and is tried again; what is to go there waits on disk: no route',
    'the queue of what is forwarded is full: the oldest of what waits for tempo goes (--forward-queue-bytes)',
    'forwarding to tempo works again, after 30 s; 7 spans were dropped meanwhile, as the queue was full',
  ]);
});

test('one that fails and works in turns is said once a minute', () => {
  const health = createSaying();
  const traces = health.events('traces');
  for (let second = 0; second < 90; second++) {
    traces.failed('busy');
    expect(health.isFailing()).toBe(true);
    traces.works();
    expect(health.isFailing()).toBe(false);
    vi.advanceTimersByTime(1_000);
  }
  expect(said).toHaveLength(4);
});

test('a failure that lasts is said, however shortly after the last it began', () => {
  const traces = createSaying().events('traces');
  traces.failed('busy');
  traces.works();
  vi.advanceTimersByTime(1_000);
  for (let tries = 0; tries < 4; tries++) {
    traces.failed('no route');
    vi.advanceTimersByTime(30_000);
  }
  traces.works();
  expect(said.slice(2)).toEqual([
    'forwarding to tempo fails and is tried again; what is to go there waits on disk: no route',
    'forwarding to tempo works again, after 120 s',
  ]);
});
