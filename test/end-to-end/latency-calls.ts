/**
 * Forty minutes of a shop as OTLP JSON, a request a minute. Its latency has a story:
 *
 *     gateway    POST /buy, from outside; calls checkout
 *     checkout   calls payments: 20 to 60 ms; in the last ten minutes a third gives up in connect after 3 s, all of them to 10.0.3.7
 *     checkout   calls ledger: now and then exactly 5 s, and nothing says why
 */
export const MINUTES = 40;
export const CALLS_A_MINUTE = 30;
/** Of the last minutes, each third call. */
export const SLOW_MINUTES = 10;
export const TIMEOUTS = (SLOW_MINUTES * CALLS_A_MINUTE) / 3;
export const BUDGET_MS = 3000;
export const WALL_MS = 5000;
/** Each tenth call to the ledger. */
export const WALL_CALLS = (MINUTES * CALLS_A_MINUTE) / 10;

type Values = Record<string, string | number>;
const attributes = (values: Values) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'string' ? { stringValue: value } : { doubleValue: value },
  }));
const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0');

interface Call {
  readonly id: number;
  readonly startMs: number;
  readonly ms: number;
  readonly timedOut: boolean;
  readonly ledgerMs: number;
}

/** Each minute's request; the last minute ends at `endMs`. */
export function latencyRequests(endMs: number): string[] {
  return Array.from({ length: MINUTES }, (_, minute) => {
    const startMs = endMs - (MINUTES - minute) * 60_000;
    const calls = Array.from({ length: CALLS_A_MINUTE }, (__, call): Call => {
      const timedOut = minute >= MINUTES - SLOW_MINUTES && call % 3 === 0;
      return {
        id: minute * CALLS_A_MINUTE + call + 1,
        startMs: startMs + call * 1500,
        ms: timedOut ? BUDGET_MS + (call % 5) : 20 + ((call * 7) % 40),
        timedOut,
        ledgerMs: call % 10 === 5 ? WALL_MS + (call % 4) : 4 + (call % 6),
      };
    });
    return JSON.stringify(requestOf(calls));
  });
}

function requestOf(calls: readonly Call[]) {
  const service = (name: string, spans: object[]) => ({
    resource: { attributes: attributes({ 'service.name': name }) },
    scopeSpans: [{ scope: { name: 'latency-calls' }, spans }],
  });
  return {
    resourceSpans: [
      service('gateway', calls.flatMap(gatewaySpans)),
      service('checkout', calls.flatMap(checkoutSpans)),
      service('payments', calls.flatMap(paymentsSpans)),
    ],
  };
}

interface Part {
  readonly name: string;
  /** 2: server, 3: client. */
  readonly kind: 2 | 3;
  readonly parent: number | null;
  readonly id: number;
  readonly fromMs: number;
  readonly ms: number;
  readonly values?: Values;
}

function span(call: Call, { name, kind, parent, id, fromMs, ms, values = {} }: Part, failed = false) {
  const nanos = (unixMs: number) => `${Math.round(unixMs * 1000)}000`;
  return {
    traceId: hex(call.id, 32),
    spanId: hex(call.id * 16 + id, 16),
    ...(parent !== null && { parentSpanId: hex(call.id * 16 + parent, 16) }),
    name,
    kind,
    startTimeUnixNano: nanos(call.startMs + fromMs),
    endTimeUnixNano: nanos(call.startMs + fromMs + ms),
    attributes: attributes(values),
    ...(failed && { status: { code: 2 } }),
  };
}

function gatewaySpans(call: Call) {
  const ms = call.ms + call.ledgerMs + 4;
  const values = { 'server.address': 'checkout', 'server.port': 8080, 'sockeye.phase.wait_ms': ms - 2 };
  return [
    span(call, { name: 'POST /buy', kind: 2, parent: null, id: 1, fromMs: 0, ms }),
    span(call, { name: 'POST', kind: 3, parent: 1, id: 2, fromMs: 1, ms: ms - 2, values }),
  ];
}

function checkoutSpans(call: Call) {
  const { ms, ledgerMs, timedOut } = call;
  const toPayments: Values = {
    'server.address': 'payments',
    'server.port': 8443,
    'network.peer.address': timedOut || call.id % 5 === 0 ? '10.0.3.7' : '10.0.3.8',
    'sockeye.phase.dns_ms': 0.4,
    'sockeye.phase.connect_ms': timedOut ? ms - 1 : 1.2,
    ...(timedOut
      ? {
          'error.type': 'TimeoutError',
          'sockeye.timeout.phase': 'connect',
          'sockeye.timeout.budget_ms': BUDGET_MS,
          'sockeye.timeout.elapsed_ms': ms,
          'sockeye.timeout.timer': 'http_timeout',
        }
      : { 'sockeye.phase.tls_ms': 2, 'sockeye.phase.wait_ms': ms - 4 }),
  };
  const toLedger = { 'server.address': 'ledger', 'server.port': 9000, 'sockeye.phase.wait_ms': ledgerMs };
  return [
    span(call, { name: 'POST /checkout', kind: 2, parent: 2, id: 3, fromMs: 2, ms: ms + ledgerMs + 1 }),
    span(
      call,
      { name: 'POST payments', kind: 3, parent: 3, id: 4, fromMs: 2, ms, values: toPayments },
      timedOut,
    ),
    span(call, {
      name: 'POST ledger',
      kind: 3,
      parent: 3,
      id: 5,
      fromMs: 2 + ms,
      ms: ledgerMs,
      values: toLedger,
    }),
  ];
}

function paymentsSpans(call: Call) {
  if (call.timedOut) return [];
  return [span(call, { name: 'POST /charge', kind: 2, parent: 4, id: 6, fromMs: 5, ms: call.ms - 4 })];
}
