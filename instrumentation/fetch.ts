/**
 * The global `fetch`, wrapped: only its promise tells at once that a call was given up, and only its start tells how long
 * a call waited before undici made a request of it.
 */
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers';
import type { Context } from '@opentelemetry/api';
import type { Call } from './call.ts';
import { activeContext, isSuppressed, runIn } from './context.ts';
import { guard } from './guard.ts';

/** A `fetch` that has not settled. */
export interface OpenFetch {
  startMs: number;
  /** The calls made for it so far; several when it was redirected. */
  calls: Call[];
  /** Whether a turn of the event loop went by without a request: every connection of the pool is taken. */
  queued: boolean;
}

export interface FetchObserver {
  /** The fetch was rejected while this call was still open. */
  rejected(call: Call, error: unknown): void;
  /** The fetch was rejected before a request was made of it. */
  rejectedInQueue(open: OpenFetch, url: URL, method: string, error: unknown): void;
}

const fetchKey = Symbol('sockeye fetch');

/** The fetch that the code running in this context is part of. */
export function fetchIn(active: Context): OpenFetch | undefined {
  return active.getValue(fetchKey) as OpenFetch | undefined;
}

/** Replaces the global `fetch`; name, length and everything the caller sees of it stay. */
export function watchFetch(observer: FetchObserver): void {
  const original = globalThis.fetch;
  if (typeof original !== 'function') return;
  const settleRejected = guard((open: OpenFetch, args: unknown[], error: unknown) => {
    // `TypeError: fetch failed` says nothing; its cause does.
    const root = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    for (const call of open.calls) observer.rejected(call, root);
    if (open.calls.length === 0 && open.queued) {
      const { url, method } = readArguments(args);
      if (/^https?:$/.test(url.protocol)) observer.rejectedInQueue(open, url, method, root);
    }
  });
  const observed = function fetch(this: unknown): Promise<Response> {
    const active = activeContext();
    if (isSuppressed(active)) return Reflect.apply(original, this, arguments) as Promise<Response>;
    const open: OpenFetch = { startMs: performance.now(), calls: [], queued: false };
    const promise = runIn(
      active.setValue(fetchKey, open),
      () => Reflect.apply(original, this, arguments) as Promise<Response>,
    );
    noteQueueing(open);
    // The program gets the derived promise: whether it handles a rejection is its own affair still.
    return promise.then(
      (response) => {
        // A pooled socket keeps this context for as long as it lives.
        open.calls = [];
        return response;
      },
      (error: unknown) => {
        settleRejected(open, Array.from(arguments), error);
        open.calls = [];
        throw error;
      },
    );
  };
  Object.defineProperty(observed, 'length', { value: original.length, configurable: true });
  Object.defineProperty(globalThis, 'fetch', {
    ...Object.getOwnPropertyDescriptor(globalThis, 'fetch'),
    value: observed,
  });
}

function noteQueueing(open: OpenFetch): void {
  process.nextTick(() => {
    if (open.calls.length > 0) return;
    setImmediate(() => {
      open.queued = open.calls.length === 0;
    });
  });
}

/** What `fetch(input, init)` was asked for. */
function readArguments([input, init]: unknown[]): { url: URL; method: string } {
  const { url, method } = Object(input) as { url?: unknown; method?: unknown };
  const wanted = (Object(init) as { method?: unknown }).method ?? method ?? 'GET';
  return { url: new URL(String(input instanceof Request ? url : input)), method: String(wanted) };
}
