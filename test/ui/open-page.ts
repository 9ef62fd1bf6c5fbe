/** Mounts the whole page at a path, with the API's answers from fixtures in place of a collector. */
import { flushSync, mount, tick, unmount } from 'svelte';
import { vi } from 'vitest';
import type { Diagnosis, SpanDetail, Trace, WireSpan } from '../../collector/serve/wire.ts';
import App from '../../ui/App.svelte';
import { columnFileOf, textFileOf } from './columns-of.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import incidents from './fixtures/incidents-shop.json';
import map from './fixtures/map-shop.json';
import status from './fixtures/status.json';
import trace from './fixtures/trace-connect-timeout.json';
import traces from './fixtures/traces-shop.json';
import { latencyOf, repeat } from './latency-of.ts';

export const TRACE_ID = trace.traceId;

/** Answers by path; a function sees the query, and what was sent. `{ status, body }` answers with another code than 200. */
export type Answers = Record<string, unknown>;

const shop: Answers = {
  '/api/status': {
    ...status,
    store: { ...status.store, spans: 900 },
    spans: { ...status.spans, stored: 900 },
  },
  '/api/map': map,
  '/api/timeouts': incidents,
  '/api/timeouts/checkout-payments-connect': incidents.incidents[0],
  '/api/traces': traces,
  [`/api/traces/${TRACE_ID}`]: trace,
  [`/api/traces/${TRACE_ID}/diagnosis`]: diagnosis,
  '/api/latency': latencyOf([repeat('10 20', 20)]),
  '/api/operations': { operations: [] },
  '/api/services': { services: [] },
};

export const noData: Answers = {
  '/api/status': status,
  '/api/map': { ...map, nodes: [], edges: [] },
  '/api/timeouts': { incidents: [], checkedCalls: 0 },
  '/api/traces': { traces: [], total: 0, truncated: false, cursor: null },
};

export interface OpenPage {
  /** What the page says now. */
  readonly text: () => string;
  readonly find: (selector: string) => HTMLElement;
  readonly all: (selector: string) => HTMLElement[];
  readonly press: (key: string, target?: Element) => Promise<void>;
  readonly click: (target: Element) => Promise<void>;
  readonly url: () => string;
  /** An event from the collector. */
  readonly live: (name: string, data?: object) => void;
  readonly close: () => Promise<void>;
}

export async function openPage(path: string, changes: Answers = {}): Promise<OpenPage> {
  const answers = { ...shop, ...changes };
  vi.stubGlobal('fetch', (target: string, init?: RequestInit) =>
    Promise.resolve(answer(answers, target, init?.body)),
  );
  vi.stubGlobal('XMLHttpRequest', sendingTo(answers));
  vi.stubGlobal('ResizeObserver', SilentResizeObserver);
  const events = Object.assign(new EventTarget(), { readyState: 0, close: () => {} });
  vi.stubGlobal('EventSource', function openEvents() {
    return events;
  });
  // What jsdom, which draws nothing, leaves out.
  HTMLCanvasElement.prototype.getContext = () => null;
  Element.prototype.scrollIntoView = () => {};
  window.history.replaceState(null, '', path);
  window.dispatchEvent(new PopStateEvent('popstate'));
  const app = mount(App, { target: document.body });
  flushSync();
  // A view's code is fetched when it is first opened.
  await vi.waitUntil(() => document.body.querySelector('main > *') !== null, { timeout: 5000, interval: 5 });

  const find = (selector: string) => {
    const found = document.body.querySelector<HTMLElement>(selector);
    if (!found)
      throw new Error(`got no ${selector}, expected one in: ${document.body.innerHTML.slice(0, 2000)}`);
    return found;
  };
  const text = () => {
    flushSync();
    return (document.body.textContent ?? '').replace(/\s+/g, ' ');
  };
  return {
    find,
    text,
    all: (selector) => [...document.body.querySelectorAll<HTMLElement>(selector)],
    press: async (key, target = document.body) => {
      target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      await tick();
    },
    click: async (target) => {
      target.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
      await tick();
    },
    live: (name, data = {}) =>
      void events.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) })),
    url: () => decodeURIComponent(window.location.pathname + window.location.search),
    close: async () => {
      await unmount(app);
      vi.unstubAllGlobals();
      window.history.replaceState(null, '', '/');
    },
  };
}

function answer(answers: Answers, target: string, body?: RequestInit['body']): Response {
  const url = new URL(target, window.location.href);
  const known = answers[url.pathname];
  const format = url.searchParams.get('format');
  const span = /^(.*)\/spans\/([0-9a-f]+)$/.exec(url.pathname);
  const whole = traceAt(answers, span?.[1] ?? url.pathname);
  if (whole && format === 'columns') {
    const judged = answers[`${url.pathname}/diagnosis`] as Diagnosis | undefined;
    return new Response(columnFileOf(whole, judged?.verdicts));
  }
  if (whole && format === 'texts') return new Response(textFileOf(whole));
  if (whole && span)
    return Response.json({ spans: whole.spans.filter(({ spanId }) => spanId === span[2]).map(detailOf) });
  const value =
    typeof known === 'function'
      ? (known as (query: URLSearchParams, body: unknown) => unknown)(url.searchParams, body)
      : known;
  if (value instanceof Response) return value;
  if (value === undefined) {
    return Response.json({ error: { code: 'not_found', message: `no ${url.pathname}` } }, { status: 404 });
  }
  return Response.json(value);
}

/** The trace that a path answers with, now; null where it is no trace's. */
function traceAt(answers: Answers, path: string): Trace | null {
  const known = /^\/api\/traces\/[^/]+$/.test(path) ? answers[path] : null;
  const value = typeof known === 'function' ? (known as () => unknown)() : known;
  return (value ?? null) as Trace | null;
}

/** What `XMLHttpRequest` is used for: a file is sent, whose answer comes at once. */
function sendingTo(answers: Answers) {
  return class extends EventTarget {
    readonly upload = new EventTarget();
    status = 0;
    responseText = '';
    private url = '';
    open(_method: string, url: string): void {
      this.url = url;
    }
    send(): void {
      this.upload.dispatchEvent(new ProgressEvent('progress', { loaded: 1, total: 2 }));
      const response = answer(answers, this.url);
      void response.text().then((text) => {
        this.status = response.status;
        this.responseText = text;
        this.dispatchEvent(new Event('load'));
      });
    }
    abort(): void {}
  };
}

function detailOf(span: WireSpan): SpanDetail {
  const { startOffsetMs, events, flaws = [] } = span;
  return {
    ...span,
    startUnixNano: '0',
    events: events.map((event) => ({ ...event, offsetMs: event.offsetMs - startOffsetMs })),
    flaws,
  };
}

/** jsdom lays nothing out, so that there is nothing to observe. */
class SilentResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
