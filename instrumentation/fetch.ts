/** `fetch`, the global one and that of an undici from npm, wrapped: only its promise tells at once that a call was given up. */
import type { Context } from '@opentelemetry/api';
import type { Call } from './call.ts';
import { activeContext, fetchKey, isSuppressed, runIn } from './context.ts';
import { readError } from './failures.ts';
import { guard } from './guard.ts';
import type { Arrival } from './undici-dispatch.ts';

/** A `fetch` that has not settled. */
export interface OpenFetch {
  /** The calls made for it so far; several when it was redirected. */
  calls: Call[];
  /** Set while it waits in a pool whose connections are all taken. */
  waiting: Arrival | undefined;
  isSettled: boolean;
}

/** What `fetch(input, init)` was asked for. */
export interface Wanted {
  url: URL;
  method: string;
  signal: AbortSignal | undefined;
}

export interface FetchObserver {
  /** The fetch was rejected while this call was still open. */
  rejected(call: Call, error: unknown, signal: Wanted['signal']): void;
  /** The fetch was rejected before a request was made of it. */
  rejectedInQueue(waiting: Arrival, wanted: Wanted, error: unknown): void;
}

/** The fetch that the code running in this context is part of. */
export function fetchIn(active: Context): OpenFetch | undefined {
  return active.getValue(fetchKey) as OpenFetch | undefined;
}

/** Replaces `fetch` of an object that has one, such as the global; name, length and all that the caller sees of it stay. */
export function watchFetch(owner: { fetch?: unknown }, observer: FetchObserver): void {
  const { fetch: original } = owner;
  if (typeof original !== 'function') return;
  const settleRejected = guard((open: OpenFetch, args: unknown[], error: unknown) => {
    // `TypeError: fetch failed` says nothing; its cause does.
    const { name, cause } = readError(error);
    const root = name === 'TypeError' && cause !== undefined ? cause : error;
    for (const call of open.calls) if (!call.ended) observer.rejected(call, root, signalIn(args));
    if (open.calls.length === 0 && open.waiting) {
      const wanted = readArguments(args);
      if (/^https?:$/.test(wanted.url.protocol)) observer.rejectedInQueue(open.waiting, wanted, root);
    }
  });
  const observed = function fetch(this: unknown): Promise<Response> {
    const active = activeContext();
    if (isSuppressed(active)) return Reflect.apply(original, this, arguments) as Promise<Response>;
    const open: OpenFetch = { calls: [], waiting: undefined, isSettled: false };
    const promise = runIn(
      active.setValue(fetchKey, open),
      () => Reflect.apply(original, this, arguments) as Promise<Response>,
    );
    // The program gets the derived promise: whether it handles a rejection is its own affair still.
    return promise.then(
      (response) => {
        open.isSettled = true;
        // A pooled socket keeps this context for as long as it lives.
        open.calls = [];
        return response;
      },
      (error: unknown) => {
        settleRejected(open, Array.from(arguments), error);
        open.isSettled = true;
        open.calls = [];
        throw error;
      },
    );
  };
  Object.defineProperty(observed, 'length', { value: original.length, configurable: true });
  Object.defineProperty(owner, 'fetch', {
    ...Object.getOwnPropertyDescriptor(owner, 'fetch'),
    value: observed,
  });
}

function readArguments(args: unknown[]): Wanted {
  const [input, init] = args;
  const { url, method } = Object(input) as { url?: unknown; method?: unknown };
  const wanted = (Object(init) as { method?: unknown }).method ?? method ?? 'GET';
  return {
    url: new URL(String(typeof url === 'string' ? url : input)),
    method: String(wanted),
    signal: signalIn(args),
  };
}

function signalIn([input, init]: unknown[]): AbortSignal | undefined {
  const [given, ofRequest] = [init, input].map((each) => (Object(each) as { signal?: unknown }).signal);
  // Null takes away that of the request.
  const signal = given === undefined ? ofRequest : given;
  return signal instanceof AbortSignal ? signal : undefined;
}
