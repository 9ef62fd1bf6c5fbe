/**
 * A trace of any size as OTLP JSON requests, for benchmarks of the page: services call services, every call a client
 * and a server span with the attributes that instrumentations send, and the call at the end of the leftmost path hangs
 * in its connect until the caller's timer ends it.
 */

const SERVICES = 40;
const CALLS_EACH = 4;
/** Spans of one request; some 5 MB. */
const REQUEST_SPANS_MAX = 5_000;
const BUDGET_MS = 3_000;

interface SentSpan {
  readonly service: number;
  readonly span: object;
}

/** Requests whose spans are `count` together; `startUnixMs` is the root's. */
export function* largeTrace(traceId: string, count: number, startUnixMs: number): Generator<string> {
  let batch: SentSpan[] = [];
  for (const span of spansOf(traceId, count, startUnixMs)) {
    batch.push(span);
    if (batch.length < REQUEST_SPANS_MAX) continue;
    yield requestOf(batch);
    batch = [];
  }
  if (batch.length > 0) yield requestOf(batch);
}

export const spanIdOf = (index: number): string => (index + 1).toString(16).padStart(16, '0');

/** Even indexes are server spans, odd ones the client spans that called them; 0 is the root. */
function* spansOf(traceId: string, count: number, startUnixMs: number): Generator<SentSpan> {
  const at = (offsetMs: number) =>
    String(BigInt(startUnixMs) * 1_000_000n + BigInt(Math.round(offsetMs * 1e6)));
  const calls = Math.ceil(count / 2) + 1;
  let stuck = 1;
  while (stuck * CALLS_EACH + 1 < calls) stuck = stuck * CALLS_EACH + 1;
  for (let index = 0, given = 0; given < count; index++) {
    const isServer = index % 2 === 0;
    const call = Math.floor((index + 1) / 2);
    // What hangs in its connect never reached its server.
    if (isServer && call === stuck) continue;
    given++;
    const caller = Math.max(0, Math.floor((call - 1) / CALLS_EACH));
    const parent = index === 0 ? -1 : isServer ? index - 1 : caller * 2;
    const isStuck = !isServer && call === stuck;
    const isFailed = call % 97 === 96;
    const startMs = index === 0 ? 0 : (call / calls) * (BUDGET_MS - 200) + (isServer ? 0.4 : 0);
    const isWaiting = index === 0 || isOnPath(call, stuck);
    const endMs = isStuck
      ? BUDGET_MS
      : isWaiting
        ? BUDGET_MS + 30 - startMs * 0.001
        : startMs + 2 + (call % 37);
    const lastedMs = endMs - startMs;
    yield {
      service: (isServer ? call : caller) % SERVICES,
      span: {
        traceId,
        spanId: spanIdOf(index),
        ...(parent >= 0 && { parentSpanId: spanIdOf(parent) }),
        name: isServer ? `POST ${routeOf(call)}` : 'POST',
        kind: isServer ? 2 : 3,
        startTimeUnixNano: at(startMs),
        endTimeUnixNano: at(endMs),
        ...(isFailed && { status: { code: 2, message: 'HTTP 500' } }),
        ...(isStuck && { status: { code: 2, message: 'connect ETIMEDOUT' } }),
        attributes: isServer
          ? serverAttributes(call, isFailed)
          : clientAttributes(call, lastedMs, isFailed, isStuck),
      },
    };
  }
}

/** Two routes a service. */
const routeOf = (call: number): string => `/api/v1/resource-${call % SERVICES}-${call % 2}`;

function isOnPath(call: number, stuck: number): boolean {
  for (let at = stuck; at > 0; at = Math.floor((at - 1) / CALLS_EACH)) if (at === call) return true;
  return call === 0;
}

function serverAttributes(call: number, isFailed: boolean): object[] {
  return attributes({
    'http.request.method': 'POST',
    'http.route': routeOf(call),
    'url.path': `${routeOf(call)}/${call}`,
    'url.scheme': 'http',
    'http.response.status_code': isFailed ? 500 : 200,
    'network.protocol.version': '1.1',
    'client.address': `10.0.${call % 8}.${call % 250}`,
    'user_agent.original': 'undici',
    'customer.id': `c-${(call * 7919) % 10_007}`,
  });
}

function clientAttributes(call: number, lastedMs: number, isFailed: boolean, isStuck: boolean): object[] {
  const peer = call % SERVICES;
  return attributes({
    'http.request.method': 'POST',
    'server.address': `service-${peer}.internal`,
    'server.port': 8000 + peer,
    'url.full': `http://service-${peer}.internal:${8000 + peer}${routeOf(call)}/${call}`,
    'network.peer.address': `10.1.0.${peer}`,
    ...(isStuck
      ? {
          'error.type': 'ETIMEDOUT',
          'sockeye.phase.dns_ms': 1.5,
          'sockeye.phase.connect_ms': lastedMs - 1.5,
          'sockeye.timeout.phase': 'connect',
          'sockeye.timeout.budget_ms': Math.round(lastedMs),
          'sockeye.timeout.elapsed_ms': lastedMs,
          'sockeye.timeout.timer': 'http_timeout',
          'sockeye.tcp.state': 'SYN_SENT',
          'sockeye.tcp.total_retransmits': 2,
        }
      : {
          'http.response.status_code': isFailed ? 500 : 200,
          'sockeye.phase.dns_ms': 0.05,
          'sockeye.phase.connect_ms': 0.2,
          'sockeye.phase.send_ms': 0.05,
          'sockeye.phase.wait_ms': Math.max(0.1, lastedMs - 0.7),
          'sockeye.phase.receive_ms': 0.4,
        }),
  });
}

function requestOf(batch: readonly SentSpan[]): string {
  const byService = Map.groupBy(batch, ({ service }) => service);
  return JSON.stringify({
    resourceSpans: [...byService].map(([service, spans]) => ({
      resource: {
        attributes: attributes({
          'service.name': `service-${service}`,
          'service.version': '1.4.2',
          'service.instance.id': `service-${service}-0`,
          'host.name': `node-${service % 6}`,
          'process.pid': 1_000 + service,
        }),
      },
      scopeSpans: [
        {
          scope: { name: '@sockeye/instrumentation', version: '0.1.0' },
          spans: spans.map(({ span }) => span),
        },
      ],
    })),
  });
}

function attributes(values: Record<string, string | number>): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string'
        ? { stringValue: value }
        : Number.isInteger(value)
          ? { intValue: value }
          : { doubleValue: value },
  }));
}
