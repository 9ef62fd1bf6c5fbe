/** Spans as other instrumentations write them, attribute by attribute: older conventions, exceptions as events, text numbers. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import type { AttributeValue, Span, SpanEvent } from '../../collector/span.ts';
import { checkInvariants } from './expect-verdict.ts';
import { makeSpan, START_UNIX_NANO } from './make-span.ts';

function verdictOfCall(
  given: Parameters<typeof makeSpan>[0],
  durationMs: number,
  below: readonly Span[] = [],
) {
  const call = makeSpan({ ...given, endUnixNano: START_UNIX_NANO + BigInt(durationMs) * 1_000_000n });
  const spans = [call, ...below];
  const diagnosis = diagnoseTrace(call.traceId, spans, { normals: new Map() });
  checkInvariants(diagnosis, spans);
  expect(diagnosis.verdicts).toHaveLength(1);
  return diagnosis.verdicts[0];
}

function exceptionEvent(type: string, message: string): SpanEvent {
  const attributes = new Map<string, AttributeValue>([
    ['exception.type', type],
    ['exception.message', message],
    ['exception.stacktrace', `${type}: ${message}\n\tat somewhere`],
  ]);
  return { timeUnixNano: START_UNIX_NANO, name: 'exception', attributes, droppedAttributes: 0 };
}

describe('spans of other instrumentations', () => {
  it("Go's otelhttp: the error is the status message, the address has its old names", () => {
    const verdict = verdictOfCall(
      {
        name: 'HTTP GET',
        status: { code: 'error', message: 'Get "http://pay:8080/x": dial tcp 10.0.3.7:8080: i/o timeout' },
        attributes: { 'http.method': 'GET', 'net.peer.name': 'pay', 'net.peer.port': 8080 },
      },
      30_000,
    );
    expect(verdict).toMatchObject({ phase: 'connect', cause: 'B1', origin: { peer: 'pay:8080' } });
    expect(verdict?.sentence).toBe(
      'checkout gave up on pay:8080 after 30.000 s: the TCP connect never completed.',
    );
  });

  it("Go's otelgrpc: the status is a number, and DEADLINE_EXCEEDED", () => {
    const verdict = verdictOfCall(
      {
        name: 'pay.Pay/Charge',
        status: { code: 'error', message: 'context deadline exceeded' },
        attributes: {
          'rpc.system': 'grpc',
          'rpc.grpc.status_code': 4,
          'server.address': 'pay',
          'server.port': 443,
        },
      },
      2_000,
    );
    expect(verdict).toMatchObject({
      giveUp: { kind: 'timeout', timer: 'grpc_deadline' },
      confidence: 'unknown',
    });
  });

  it('the Java agent: the exception is an event, its class the error.type', () => {
    const verdict = verdictOfCall(
      {
        name: 'POST',
        status: { code: 'error', message: '' },
        attributes: {
          'error.type': 'java.net.SocketTimeoutException',
          'http.request.method': 'POST',
          'server.address': 'pay',
          'server.port': 8080,
        },
        events: [exceptionEvent('java.net.SocketTimeoutException', 'Connect timed out')],
      },
      5_000,
    );
    expect(verdict).toMatchObject({ phase: 'connect', giveUp: { kind: 'timeout' } });
  });

  it('Python requests: the URL lib error tells phase and budget', () => {
    const verdict = verdictOfCall(
      {
        name: 'GET',
        status: { code: 'error', message: 'ReadTimeout: ' },
        attributes: { 'http.method': 'GET', 'http.url': 'http://pay:8080/x', 'net.peer.name': 'pay' },
        events: [
          exceptionEvent(
            'requests.exceptions.ReadTimeout',
            "HTTPConnectionPool(host='pay', port=8080): Read timed out. (read timeout=3)",
          ),
        ],
      },
      3_000,
    );
    expect(verdict).toMatchObject({ phase: 'wait', giveUp: { budgetMs: 3_000 }, confidence: 'possible' });
  });

  it('.NET: the configured limit is in the words', () => {
    const message =
      'The request was canceled due to the configured HttpClient.Timeout of 2 seconds elapsing.';
    const verdict = verdictOfCall(
      {
        status: { code: 'error', message: '' },
        attributes: { 'error.type': 'System.Threading.Tasks.TaskCanceledException' },
        events: [exceptionEvent('System.Threading.Tasks.TaskCanceledException', message)],
      },
      2_000,
    );
    expect(verdict).toMatchObject({ giveUp: { kind: 'timeout', budgetMs: 2_000 } });
  });

  it('Envoy: statuses are text, the flags say what happened behind it', () => {
    const verdict = verdictOfCall(
      {
        name: 'egress pay',
        attributes: {
          component: 'proxy',
          'http.status_code': '504',
          response_flags: 'UT',
          upstream_cluster: 'pay',
        },
        status: { code: 'error', message: '' },
      },
      15_000,
    );
    expect(verdict).toMatchObject({ cause: 'E1', confidence: 'likely', giveUp: { kind: 'gateway' } });
  });

  it('a gRPC server that answered DEADLINE_EXCEEDED while all it called went well ran out of time itself', () => {
    const query = makeSpan({
      spanId: '0'.repeat(15) + '2',
      parentSpanId: '0'.repeat(15) + '1',
      name: 'SELECT stock',
      startUnixNano: START_UNIX_NANO + 100_000_000n,
      endUnixNano: START_UNIX_NANO + 1_900_000_000n,
      attributes: { 'db.system': 'postgresql', 'net.peer.name': 'db', 'net.peer.port': 5432 },
    });
    const verdict = verdictOfCall(
      {
        name: 'stock.Stock/List',
        kind: 'server',
        status: { code: 'error', message: 'context deadline exceeded' },
        attributes: { 'rpc.system': 'grpc', 'rpc.grpc.status_code': 4 },
      },
      2_000,
      [query],
    );
    expect(verdict).toMatchObject({ cause: 'G2', origin: { edge: 'checkout->db', peer: 'db:5432' } });
    expect(verdict?.nextChecks[0]?.command).toContain('psql -h db -p 5432');
  });

  it('a call wrapped by its library and traced by socket instrumentation is one call', () => {
    const step = (id: string, name: string, untilMs: bigint): Span =>
      makeSpan({
        spanId: id.padStart(16, '0'),
        parentSpanId: '0'.repeat(15) + '1',
        name,
        kind: 'internal',
        endUnixNano: START_UNIX_NANO + untilMs * 1_000_000n,
      });
    const verdict = verdictOfCall(
      {
        status: { code: 'error', message: 'connect ETIMEDOUT 10.0.3.7:80' },
        attributes: { 'server.address': 'pay', 'server.port': 80 },
      },
      2_000,
      [step('2', 'dns.lookup', 5n), step('3', 'tcp.connect', 2_000n)],
    );
    expect(verdict).toMatchObject({ phase: 'connect', origin: { spanId: '0'.repeat(15) + '1' } });
  });
});
