/**
 * What kept this process from working during a call: a blocked event loop, garbage collection, a CPU quota.
 *
 * One timer for the whole process, every `tickMs` while there are calls: how late it comes is how long the loop was
 * blocked. It stops when nothing has happened for a while, because it wakes an idle process.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { performance, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import type { Attributes } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { prepareForWaiting } from '../kernel/prepare.ts';
import { watchThrottling } from './cpu-throttling.ts';
import { keepPauses, type Pause } from './pauses.ts';

const tickMs = 20;
/** Later than this, and it was no jitter. */
const blockedMs = 20;
const idleLimitMs = 60_000;
const sampleEveryMs = 100;
/** Of each kind; at most a minute of samples. */
const PAUSES_MAX = 512;

const blocks = keepPauses(PAUSES_MAX);
/** What of each block its thread computed: not when in it, so it is put at its start. */
const computed = keepPauses(PAUSES_MAX);
const collections = keepPauses(PAUSES_MAX);
/** Time throttled so far, as pauses that follow each other: `[sample, sample + what was added since)`. */
const throttles = keepPauses(PAUSES_MAX);

/** To be done ten times a second, while there are calls, until it says that it is done for good. */
export function everySample(work: () => boolean): void {
  alsoDo.add(work);
}

/** Runs outside of every request: a timer keeps the context it is made in. */
const outside = AsyncLocalStorage.snapshot();

let timer: NodeJS.Timeout | undefined;
let activeMs = 0;
let watchedSinceMs = 0;
let dueMs = 0;
/** CPU time of this thread at the last tick; undefined where Node does not tell it. */
let tickCpuMs: number | undefined;
let observer: PerformanceObserver | undefined;
let readThrottled: (() => number | undefined) | undefined;
/** Done with every sample, until it says that it is done for good. */
const alsoDo = new Set<(nowMs: number) => boolean>([prepareForWaiting]);
let sampledMs = 0;
let sample: { atMs: number; throttledMs: number } | undefined;

/** Something begins: from now on it is watched. Costs next to nothing when it is already. */
export function noteActivity(nowMs: number): void {
  activeMs = nowMs;
  if (!timer) start(nowMs);
}

const start = guard((activityMs: number) => {
  const nowMs = performance.now();
  // What began just before has been watched from its start.
  watchedSinceMs = nowMs - activityMs < blockedMs ? activityMs : nowMs;
  dueMs = nowMs + tickMs;
  tickCpuMs = threadCpuMs();
  timer = outside(() => setInterval(tick, tickMs).unref());
  if (!observer) {
    observer = outside(() => new PerformanceObserver((list) => noteCollections(list.getEntries())));
    readThrottled = watchThrottling();
  }
  observer.observe({ entryTypes: ['gc'] });
  sample = undefined;
});

const tick = guard(() => {
  const nowMs = performance.now();
  const cpuMs = threadCpuMs();
  if (nowMs - dueMs >= blockedMs) {
    blocks.add(dueMs, nowMs);
    computed.add(dueMs, dueMs + computedSinceTick(cpuMs, nowMs - dueMs));
  }
  dueMs = nowMs + tickMs;
  tickCpuMs = cpuMs;
  if (nowMs - sampledMs >= sampleEveryMs) {
    sampledMs = nowMs;
    if (readThrottled) noteThrottling(nowMs);
    for (const work of alsoDo) if (!work(nowMs)) alsoDo.delete(work);
  }
  if (nowMs - activeMs > idleLimitMs) {
    clearInterval(timer);
    timer = undefined;
    observer?.disconnect();
  }
});

function threadCpuMs(): number | undefined {
  const usage = process.threadCpuUsage?.();
  return usage && (usage.user + usage.system) / 1000;
}

/** Of a block that lasted so long until now. */
function computedSinceTick(cpuMs: number | undefined, lateMs: number): number {
  return cpuMs === undefined || tickCpuMs === undefined ? 0 : Math.min(lateMs, cpuMs - tickCpuMs);
}

function noteCollections(entries: PerformanceEntry[]): void {
  for (const { startTime, duration } of entries) collections.add(startTime, startTime + duration);
}

function noteThrottling(nowMs: number): void {
  const throttledMs = readThrottled?.();
  if (throttledMs === undefined) return;
  // What was added since the last sample lies somewhere in between.
  if (sample && throttledMs > sample.throttledMs) {
    throttles.add(sample.atMs, sample.atMs + Math.min(nowMs - sample.atMs, throttledMs - sample.throttledMs));
  }
  sample = { atMs: nowMs, throttledMs };
}

/** The process's own share in something that was slow or failed; empty when it was not watched from its start. */
export function strainAttributes(startMs: number, endMs: number): Attributes {
  if (!timer || watchedSinceMs > startMs) return {};
  const nowMs = performance.now();
  noteCollections(observer?.takeRecords() ?? []);
  // Blocked until just now, and the timer has not run yet.
  const lateMs =
    nowMs - dueMs >= blockedMs ? Math.max(0, Math.min(nowMs, endMs) - Math.max(dueMs, startMs)) : 0;
  const attributes: Attributes = {
    'sockeye.process.event_loop_blocked_ms': Math.round(blocks.within(startMs, endMs) + lateMs),
    'sockeye.process.gc_ms': Math.round(collections.within(startMs, endMs)),
  };
  if (tickCpuMs !== undefined) {
    const cpuMs = computed.within(startMs, endMs) + computedSinceTick(threadCpuMs(), lateMs);
    attributes['sockeye.process.event_loop_blocked_cpu_ms'] = Math.round(cpuMs);
  }
  if (readThrottled) {
    noteThrottling(nowMs);
    attributes['sockeye.process.throttled_ms'] = Math.round(throttles.within(startMs, endMs));
  }
  return attributes;
}

export interface Strain {
  blockedMs: number | undefined;
  /** The longest time in which the event loop was blocked, if it was. */
  longestBlock: Pause | undefined;
  collectedMs: number | undefined;
  throttledMs: number | undefined;
}

/** The same for a time until now, of the whole process; undefined is what was not watched all the time. */
export function strainSince(startMs: number): Strain {
  const nowMs = performance.now();
  const {
    'sockeye.process.event_loop_blocked_ms': blockedMs,
    'sockeye.process.gc_ms': collectedMs,
    'sockeye.process.throttled_ms': throttledMs,
  } = strainAttributes(startMs, nowMs) as Record<string, number | undefined>;
  const longest = blockedMs === undefined ? undefined : longestBlock(startMs, nowMs);
  return { blockedMs, longestBlock: longest, collectedMs, throttledMs };
}

function longestBlock(startMs: number, nowMs: number): Pause | undefined {
  const ended = blocks.longest(startMs, nowMs);
  const lateMs = nowMs - dueMs;
  const isLonger = lateMs >= blockedMs && lateMs > (ended ? ended.endMs - ended.startMs : 0);
  return isLonger ? { startMs: dueMs, endMs: nowMs } : ended;
}
