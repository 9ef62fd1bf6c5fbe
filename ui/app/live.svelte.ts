/**
 * Server-sent events of the collector. They only say that something is new: a view decides whether to fetch it, and
 * never lets it move what is being looked at.
 */

import type { TraceSummary } from '../../collector/serve/wire.ts';

export type LiveEvent = 'map' | 'incident' | 'trace' | 'status';
const EVENTS: readonly LiveEvent[] = ['map', 'incident', 'trace', 'status'];

/** `no events`: the collector answers, but its stream of events does not, as when too many of them are open. */
export type Connection = 'connecting' | 'open' | 'no events' | 'no answer';

/** Of the pause before a stream that the browser gave up is opened again, and of the wait for an answer. */
const RETRY_MS = 2000;
const ANSWER_MS = 5000;
/** `EventSource.CLOSED`: any other answer than a stream ends it for good. */
const CLOSED = 2;

let wanted = $state(true);
let connection = $state<Connection>('connecting');
/** When the connection came to be what it is. */
let sinceMs = $state(0);
let source: EventSource | null = null;
let retry: ReturnType<typeof setTimeout> | undefined;
/** Events were missed: what happened meanwhile was told to nobody. */
let isBehind = false;
const listeners = new Set<(event: LiveEvent, json: string) => void>();

export const live = {
  get wanted(): boolean {
    return wanted;
  },
  get connection(): Connection {
    return connection;
  },
  get sinceMs(): number {
    return sinceMs;
  },
};

/** Connects, and connects again by itself when the collector restarts; returns how to stop. */
export function startLive(): () => void {
  if (typeof EventSource !== 'undefined' && !source) connect();
  return stopLive;
}

function connect(): void {
  const opened = new EventSource('/api/live');
  source = opened;
  opened.addEventListener('open', () => {
    become('open');
    if (isBehind && wanted) {
      for (const event of EVENTS) for (const listener of listeners) listener(event, '{}');
    }
    isBehind = false;
  });
  opened.addEventListener('error', () => {
    isBehind = true;
    if (connection === 'open') become('connecting');
    void isAnswering().then((answers) => {
      // Meanwhile the stream may have opened.
      if (isBehind) become(answers ? 'no events' : 'no answer');
    });
    if (opened.readyState === CLOSED) retry = setTimeout(connect, RETRY_MS);
  });
  for (const event of EVENTS) {
    opened.addEventListener(event, (message: MessageEvent<string>) => {
      if (wanted) for (const listener of listeners) listener(event, message.data);
    });
  }
}

function become(next: Connection): void {
  if (next !== connection) sinceMs = Date.now();
  connection = next;
}

function isAnswering(): Promise<boolean> {
  return fetch('/healthz', { signal: AbortSignal.timeout(ANSWER_MS) }).then(
    (response) => response.ok,
    () => false,
  );
}

function stopLive(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
  connection = 'connecting';
  isBehind = false;
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
