/**
 * `/api/live`: what changed, as server-sent events, for as long as someone listens.
 *
 * One reading a second serves every listener; with none there is none. What was sent before is remembered as a digest
 * per trace and incident, so that an event means news. A listener that does not read is dropped rather than
 * buffered for.
 */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { readStatus } from './api/status.ts';
import { HttpError } from './http-error.ts';
import type { Answer, Route } from './route.ts';
import { text } from './schema.ts';
import type { Sources } from './sources.ts';
import type { TimeRange } from '../store/store.ts';
import type { LiveEvents, Status } from './wire.ts';

const TICK_MS = 1000;
/** The map and the incidents cost more to read than the newest traces. */
const SLOW_TICKS = 5;
const HEARTBEAT_TICKS = 15;
const LISTENERS_MAX = 64;
const LISTENER_BUFFER_BYTES_MAX = 1024 * 1024;
const TRACE_WINDOW_MS = 15 * 60_000;
const MAP_WINDOW_MS = 60 * 60_000;
const TRACES_PER_TICK = 50;
/** Traces and incidents whose last state is remembered; beyond, the oldest is forgotten. */
const REMEMBERED_MAX = 5000;

interface Run {
  stop(): void;
}

export interface Live {
  readonly route: Route;
  /** Ends every stream. */
  close(): void;
}

export function createLive(sources: Sources): Live {
  const listeners = new Set<ServerResponse>();
  let run: Promise<Run> | null = null;

  function send(chunk: string): void {
    for (const listener of listeners) {
      if (listener.writableLength > LISTENER_BUFFER_BYTES_MAX) listener.destroy();
      else listener.write(chunk);
    }
  }

  async function start(): Promise<Run> {
    const reader = changeReader(sources, (name, data) => send(writeEvent(name, data)));
    await reader.read(false);
    let ticks = 0;
    let isReading = false;
    const tick = async () => {
      ticks += 1;
      if (ticks % HEARTBEAT_TICKS === 0) send(': alive\n\n');
      if (isReading) return;
      isReading = true;
      // A store that is busy or closing is no reason to end the streams; the next second may go better.
      await reader.read(ticks % SLOW_TICKS !== 0).catch((error: unknown) => console.error('live:', error));
      isReading = false;
    };
    const timer = setInterval(() => void tick(), TICK_MS).unref();
    return { stop: () => clearInterval(timer) };
  }

  function stop(): void {
    void run?.then(
      ({ stop }) => stop(),
      () => {},
    );
    run = null;
  }

  async function open(): Promise<Answer> {
    if (listeners.size >= LISTENERS_MAX) {
      throw new HttpError(503, 'too_many_listeners', 'Too many live streams are open.', {
        got: String(listeners.size + 1),
        expected: `at most ${LISTENERS_MAX}`,
      });
    }
    // Answered only when the first reading is over: what comes after the headers is news.
    run ??= start();
    await run.catch((error: unknown) => {
      run = null;
      throw error;
    });
    const status = await readStatus(sources);
    return { stream: (response) => listen(response, status) };
  }

  function listen(response: ServerResponse, status: Status): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: 2000\n\n${writeEvent('status', status)}`);
    listeners.add(response);
    run ??= start();
    response.on('close', () => {
      listeners.delete(response);
      if (listeners.size === 0) stop();
    });
  }

  return {
    route: {
      method: 'GET',
      path: '/api/live',
      summary: 'Server-sent events: status each second; trace, map and incident when they change',
      gives: { 'text/event-stream': text },
      errors: [503],
      handle: open,
    },
    close: () => {
      for (const listener of listeners) listener.end();
      stop();
    },
  };
}

/** Compares what the collector holds with what it held at the reading before, and tells the differences. */
function changeReader(
  sources: Sources,
  tell: <Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]) => void,
): { read(isQuick: boolean): Promise<void> } {
  const news = rememberNews(REMEMBERED_MAX);
  let storedBefore: number | null = null;

  async function readTraces(range: TimeRange): Promise<LiveEvents['trace'][]> {
    const traces = await readNewestTraces(sources, range);
    return traces.filter((trace) => news.isNew(`trace ${trace.traceId}`, trace));
  }

  async function readMap(range: TimeRange): Promise<LiveEvents['map'] | null> {
    const { from, to, nodes, edges } = await sources.query.map(range, null, 0);
    return news.isNew('map', { nodes, edges })
      ? { from, to, nodes: nodes.length, edges: edges.length }
      : null;
  }

  async function readIncidents(range: TimeRange): Promise<LiveEvents['incident'][]> {
    const { incidents } = await sources.query.incidents(range, null, null);
    return incidents.filter((incident) => {
      // The series and the share move with the clock alone.
      const { series: _series, share: _share, ...rest } = incident;
      return news.isNew(`incident ${incident.fingerprint}`, rest);
    });
  }

  return {
    async read(isQuick) {
      const isFirst = storedBefore === null;
      const status = await readStatus(sources);
      if (!isFirst) tell('status', status);
      const nowUnixMs = Date.now();
      const isGrown = status.spans.stored !== storedBefore;
      const traces =
        isGrown || !isQuick
          ? await readTraces({ fromUnixMs: nowUnixMs - TRACE_WINDOW_MS, toUnixMs: nowUnixMs })
          : [];
      const hour = { fromUnixMs: nowUnixMs - MAP_WINDOW_MS, toUnixMs: nowUnixMs };
      const map = isQuick ? null : await readMap(hour);
      const incidents = isQuick ? [] : await readIncidents(hour);
      storedBefore = status.spans.stored;
      if (isFirst) return;
      for (const trace of traces) tell('trace', trace);
      if (map !== null) tell('map', map);
      for (const incident of incidents) tell('incident', incident);
    },
  };
}

function writeEvent<Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

async function readNewestTraces({ query }: Sources, range: TimeRange) {
  const filters = { q: '', service: null, operation: null, minDurationMs: null, maxDurationMs: null };
  const page = await query.searchTraces({
    range,
    ...filters,
    sort: 'newest',
    limit: TRACES_PER_TICK,
    cursor: null,
  });
  return page.traces.toReversed();
}

/** Tells whether a value differs from the one given under the same key before. Holds digests, at most `max`. */
export function rememberNews(max: number): { isNew(key: string, value: unknown): boolean; forget(): void } {
  const digests = new Map<string, string>();
  return {
    isNew(key, value) {
      const digest = createHash('sha256').update(JSON.stringify(value)).digest('base64');
      const isNew = digests.get(key) !== digest;
      // Set anew, it moves to the end: what is seen again and again is not forgotten.
      digests.delete(key);
      digests.set(key, digest);
      const [oldest] = digests.keys();
      if (digests.size > max && oldest !== undefined) digests.delete(oldest);
      return isNew;
    },
    forget: () => digests.clear(),
  };
}
