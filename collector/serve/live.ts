/**
 * `/api/live`: what changed, as server-sent events, for as long as someone listens.
 *
 * One reading a second serves every listener; with none there is none. A listener that does not read is dropped
 * rather than buffered for.
 */
import type { ServerResponse } from 'node:http';
import { readStatus } from './api/status.ts';
import { createChangeReader } from './changes.ts';
import { HttpError } from './http-error.ts';
import type { Answer, Route } from './route.ts';
import { text } from './schema.ts';
import type { Sources } from './sources.ts';
import type { LiveEvents } from './wire.ts';

const TICK_MS = 1000;
/** The map and the incidents cost more to read than the newest traces: not more often than this … */
const SLOW_MS = 5_000;
/** … and with so much of a pause for each moment that reading them took, so that searches find the store free. */
const SLOW_PAUSE = 4;
const HEARTBEAT_TICKS = 15;
const LISTENERS_MAX = 64;
const LISTENER_BUFFER_BYTES_MAX = 1024 * 1024;

export interface Live {
  readonly route: Route;
  /** Ends every stream. */
  close(): void;
}

export function createLive(sources: Sources): Live {
  const listeners = new Set<ServerResponse>();
  /** The readings that serve the listeners of now; resolves to how to stop them. */
  let readings: Promise<() => void> | null = null;
  let isClosed = false;

  function send(chunk: string): void {
    for (const listener of listeners) {
      if (listener.writableLength > LISTENER_BUFFER_BYTES_MAX) listener.destroy();
      else listener.write(chunk);
    }
  }

  async function startReadings(): Promise<() => void> {
    const reader = createChangeReader(sources, (name, data) => send(writeEvent(name, data)));
    let ticks = 0;
    let isReading = false;
    let isFailing = false;
    let slowDueMs = 0;
    const read = async () => {
      if (isReading) return;
      isReading = true;
      const startMs = performance.now();
      const isQuick = startMs < slowDueMs;
      try {
        await reader.read(isQuick);
        if (!isQuick) slowDueMs = nextSlowMs(startMs, performance.now());
        isFailing = false;
      } catch (error) {
        // A store that is busy is no reason to end the streams: the next second may go better.
        if (!isFailing) console.error('live events wait:', error);
        isFailing = true;
      }
      isReading = false;
    };
    await read();
    const timer = setInterval(() => {
      if (listeners.size === 0) return stopReadings();
      ticks += 1;
      if (ticks % HEARTBEAT_TICKS === 0) send(': alive\n\n');
      void read();
    }, TICK_MS).unref();
    return () => clearInterval(timer);
  }

  function stopReadings(): void {
    void readings?.then((stop) => stop());
    readings = null;
  }

  async function open(): Promise<Answer> {
    if (listeners.size >= LISTENERS_MAX) {
      throw new HttpError(503, 'too_many_listeners', 'Too many live streams are open.', {
        got: String(listeners.size + 1),
        expected: `at most ${LISTENERS_MAX}`,
      });
    }
    // Answered only when the first reading is over: what comes after the headers is news.
    await (readings ??= startReadings());
    const first = writeEvent('status', await readStatus(sources));
    return { stream: (response) => listen(response, first) };
  }

  function listen(response: ServerResponse, first: string): void {
    if (isClosed) response.destroy();
    if (response.destroyed) return;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: 2000\n\n${first}`);
    listeners.add(response);
    response.on('close', () => listeners.delete(response));
    readings ??= startReadings();
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
      isClosed = true;
      for (const listener of listeners) listener.end();
      stopReadings();
    },
  };
}

/** When the map and the incidents may be read again, after a reading from `startMs` to `endMs`. */
export function nextSlowMs(startMs: number, endMs: number): number {
  return Math.max(startMs + SLOW_MS, endMs + SLOW_PAUSE * (endMs - startMs));
}

function writeEvent<Name extends keyof LiveEvents>(name: Name, data: LiveEvents[Name]): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
