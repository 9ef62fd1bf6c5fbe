/**
 * The traces of a large system as OTLP JSON requests, for benchmarks of the map: services in ten layers that call those
 * of the next two, each call a trace of its own with a client and a server span; a few edges time out in their connect,
 * some fail. The same numbers give the same system.
 */

const LAYERS = 10;
/** Of each edge from one to this many, few of most. */
const CALLS_PER_EDGE_MAX = 9;
/** Spans of one request; some 2 MB. */
const REQUEST_SPANS_MAX = 5_000;
const BUDGET_MS = 3_000;

export interface MapSize {
  readonly services: number;
  readonly edges: number;
}

interface SentSpan {
  readonly service: string;
  readonly span: object;
}

/** Names as long as people's are. */
const nameOf = (index: number): string => `${['catalog', 'order', 'payment', 'stock'][index % 4]}-${index}`;

/** Requests whose calls are spread over the `overMs` before `endUnixMs`. */
export function* largeMap(size: MapSize, endUnixMs: number, overMs: number): Generator<string> {
  let batch: SentSpan[] = [];
  let calls = 0;
  for (const [number, { from, to }] of edgesOf(size).entries()) {
    const count = Math.max(1, Math.floor(CALLS_PER_EDGE_MAX / (1 + (number % 9))));
    for (let call = 0; call < count; call++) {
      const startUnixMs = endUnixMs - overMs + ((calls * 7919) % overMs);
      batch.push(...callOf(++calls, call === 0, number, from, to, startUnixMs));
      if (batch.length < REQUEST_SPANS_MAX) continue;
      yield requestOf(batch);
      batch = [];
    }
  }
  if (batch.length > 0) yield requestOf(batch);
}

function edgesOf({ services, edges }: MapSize): { from: number; to: number }[] {
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const perLayer = Math.floor(services / LAYERS);
  const found = new Map<string, { from: number; to: number }>();
  const add = (from: number, to: number) => found.set(`${from} ${to}`, { from, to });
  // Everybody calls or is called, so that all of them are on the map.
  for (let from = 0; from < perLayer; from++) add(from, perLayer + random(perLayer));
  for (let to = perLayer; to < services; to++)
    add((Math.floor(to / perLayer) - 1) * perLayer + random(perLayer), to);
  while (found.size < edges) {
    const from = random(services - perLayer);
    const first = (Math.floor(from / perLayer) + 1) * perLayer;
    add(from, Math.min(services - 1, first + random(random(4) === 0 ? 2 * perLayer : perLayer)));
  }
  return [...found.values()].slice(0, edges);
}

function* callOf(
  call: number,
  isFirst: boolean,
  edge: number,
  from: number,
  to: number,
  startUnixMs: number,
): Generator<SentSpan> {
  const timesOut = edge % 97 === 5;
  const fails = edge % 41 === 7;
  const durationMs = timesOut ? BUDGET_MS : 2 + ((edge * 37) % 300) + (call % 5);
  const at = (offsetMs: number) => String(BigInt(Math.round(startUnixMs + offsetMs)) * 1_000_000n);
  const id = (role: number) => (call * 4 + role).toString(16).padStart(16, '0');
  const common = { traceId: call.toString(16).padStart(32, '0'), startTimeUnixNano: at(0) };
  const failed = { status: { code: 2 } };
  yield {
    service: nameOf(from),
    span: {
      ...common,
      spanId: id(1),
      name: `GET /${nameOf(to)}`,
      kind: 3,
      endTimeUnixNano: at(durationMs),
      ...(timesOut && failed),
      ...(fails && failed),
      attributes: attributesOf({
        'http.request.method': 'GET',
        'server.address': `${nameOf(to)}.svc`,
        'server.port': 8080,
        ...(fails && { 'error.type': '503', 'http.response.status_code': 503 }),
        ...(timesOut && {
          'error.type': 'TimeoutError',
          'sockeye.phase.connect_ms': BUDGET_MS,
          'sockeye.timeout.phase': 'connect',
          'sockeye.timeout.timer': 'abort_signal',
          'sockeye.timeout.budget_ms': BUDGET_MS,
        }),
      }),
    },
  };
  // Of an edge that times out, one call arrived: else nothing would say who answers there.
  if (timesOut && !isFirst) return;
  yield {
    service: nameOf(to),
    span: {
      ...common,
      spanId: id(2),
      parentSpanId: id(1),
      name: `GET /${nameOf(to)}`,
      kind: 2,
      endTimeUnixNano: at(Math.min(durationMs, 400)),
      ...(fails && failed),
      attributes: attributesOf({ 'http.request.method': 'GET', 'http.route': `/${nameOf(to)}` }),
    },
  };
}

function attributesOf(values: Record<string, string | number>): object[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { intValue: String(value) },
  }));
}

function requestOf(spans: readonly SentSpan[]): string {
  const groups = [...Map.groupBy(spans, ({ service }) => service)];
  return JSON.stringify({
    resourceSpans: groups.map(([service, sent]) => ({
      resource: { attributes: attributesOf({ 'service.name': service }) },
      scopeSpans: [{ scope: { name: 'large-map' }, spans: sent.map(({ span }) => span) }],
    })),
  });
}
