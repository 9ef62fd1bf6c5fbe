/**
 * Server-sent events of the collector. They only say that something is new: a view decides whether to fetch it, and
 * never lets it move what is being looked at.
 */

import type { TraceSummary } from '../../collector/serve/wire.ts';

export type LiveEvent = 'map' | 'incident' | 'trace' | 'status';
const EVENTS: readonly LiveEvent[] = ['map', 'incident', 'trace', 'status'];

let wanted = $state(true);
let connection = $state<'connecting' | 'open' | 'lost'>('connecting');
/** When the collector was last heard of, while the connection is lost. */
let lostSince = $state<number | null>(null);
let source: EventSource | null = null;
const listeners = new Set<(event: LiveEvent, json: string) => void>();

export const live = {
  get wanted(): boolean {
    return wanted;
  },
  get connection() {
    return connection;
  },
  get lostSince() {
    return lostSince;
  },
};

/** Connects, and connects again by itself when the collector restarts; returns how to stop. */
export function startLive(): () => void {
  if (typeof EventSource === 'undefined' || source) return stopLive;
  source = new EventSource('/api/live');
  source.addEventListener('open', () => {
    connection = 'open';
    // What happened meanwhile was told to nobody.
    if (lostSince !== null && wanted) {
      for (const event of EVENTS) for (const listener of listeners) listener(event, '{}');
    }
    lostSince = null;
  });
  source.addEventListener('error', () => {
    connection = 'lost';
    lostSince ??= Date.now();
  });
  for (const event of EVENTS) {
    source.addEventListener(event, (message: MessageEvent<string>) => {
      if (wanted) for (const listener of listeners) listener(event, message.data);
    });
  }
  return stopLive;
}

function stopLive(): void {
  source?.close();
  source = null;
  connection = 'connecting';
  lostSince = null;
}

export function toggleLive(): void {
  wanted = !wanted;
}

/** Calls back at most every `everyMs`, after events of the given kinds; returns how to stop. */
export function onLive(kinds: readonly LiveEvent[], everyMs: number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  let lastAt = 0;
  const listener = (event: LiveEvent) => {
    if (!kinds.includes(event) || timer !== null) return;
    const wait = Math.max(0, lastAt + everyMs - Date.now());
    timer = setTimeout(() => {
      timer = null;
      lastAt = Date.now();
      run();
    }, wait);
  };
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (timer !== null) clearTimeout(timer);
  };
}

/** Calls back with what is told of one trace: that it is new, or that it grew; returns how to stop. */
export function onLiveTrace(traceId: string, run: (trace: TraceSummary) => void): () => void {
  const listener = (event: LiveEvent, json: string) => {
    if (event === 'trace' && json.includes(traceId)) run(JSON.parse(json) as TraceSummary);
  };
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
