/**
 * A call through three services of which the last connect times out, as OTLP JSON that begins `agoMs` ago:
 *
 *     gateway   |=================X             POST /buy
 *     checkout   |===============X             client: budget 3000, open in connect
 */
export const TRACE_ID = '5b8efff798038103d269b633813fc60c';

const attribute = (key: string, value: string | number | boolean) => ({
  key,
  value:
    typeof value === 'string'
      ? { stringValue: value }
      : typeof value === 'boolean'
        ? { boolValue: value }
        : Number.isInteger(value)
          ? { intValue: String(value) }
          : { doubleValue: value },
});
const attributes = (values: Record<string, string | number | boolean>) =>
  Object.entries(values).map(([key, value]) => attribute(key, value));

export function shopTrace(agoMs: number, traceId: string = TRACE_ID) {
  const startUnixNano = BigInt(Date.now() - agoMs) * 1_000_000n;
  const at = (offsetMs: number) => (startUnixNano + BigInt(offsetMs) * 1_000_000n).toString();
  const span = (
    spanId: string,
    parentSpanId: string,
    name: string,
    kind: number,
    from: number,
    to: number,
  ) => ({
    traceId,
    spanId,
    ...(parentSpanId !== '' && { parentSpanId }),
    name,
    kind,
    startTimeUnixNano: at(from),
    endTimeUnixNano: at(to),
  });
  const timedOut = { code: 2, message: 'timeout of 3000ms exceeded' };
  const gateway = [
    { ...span('eee19b7ec3c1b171', '', 'POST /buy', 2, 0, 3010), status: { code: 2, message: '502' } },
    {
      ...span('eee19b7ec3c1b172', 'eee19b7ec3c1b171', 'POST', 3, 1, 3009),
      attributes: attributes({ 'server.address': 'checkout', 'server.port': 8080 }),
    },
  ];
  const checkout = [
    { ...span('eee19b7ec3c1b173', 'eee19b7ec3c1b172', 'POST /checkout', 2, 2, 3008), status: { code: 2 } },
    {
      ...span('eee19b7ec3c1b174', 'eee19b7ec3c1b173', 'POST', 3, 5, 3006),
      status: timedOut,
      attributes: attributes({
        'server.address': 'payments',
        'server.port': 8443,
        'error.type': 'TimeoutError',
        'sockeye.phase.dns_ms': 0.5,
        'sockeye.phase.connect_ms': 3000.25,
        'sockeye.timeout.phase': 'connect',
        'sockeye.timeout.budget_ms': 3000,
        'sockeye.timeout.elapsed_ms': 3001,
        'sockeye.timeout.timer': 'http_timeout',
        'note.hostile': '</script><script>alert(1)</script>',
      }),
      events: [{ timeUnixNano: at(1000), name: 'syn retransmitted', attributes: attributes({ count: 2 }) }],
      links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), attributes: attributes({ why: 'retry' }) }],
    },
  ];
  const resource = (service: string, spans: object[]) => ({
    resource: { attributes: attributes({ 'service.name': service, 'host.name': 'node-7' }) },
    scopeSpans: [{ scope: { name: '@sockeye/instrumentation', version: '0.1.0' }, spans }],
  });
  return { resourceSpans: [resource('gateway', gateway), resource('checkout', checkout)] };
}
