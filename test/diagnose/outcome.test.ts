import { describe, expect, it } from 'vitest';
import { spanOutcome } from '../../collector/diagnose/outcome.ts';
import { readPhases } from '../../collector/diagnose/phases.ts';
import type { AttributeValue } from '../../collector/span.ts';
import { makeSpan } from './make-span.ts';

/** Kind and phase that a failed client span of a service without the hook gives, from its error's words alone. */
const said = (message: string, type = '') => {
  const { outcome, giveUp } = spanOutcome(
    makeSpan({ status: { code: 'error', message }, attributes: type === '' ? {} : { 'error.type': type } }),
  );
  return giveUp === null ? outcome : `${giveUp.kind} ${giveUp.phase}`;
};

const http = (status: number | string, kind: 'client' | 'server' = 'client') =>
  spanOutcome(makeSpan({ kind, attributes: { 'http.response.status_code': status } }));

const resolver = (ms: number) =>
  spanOutcome(
    makeSpan({
      attributes: { 'error.type': 'EAI_AGAIN', 'sockeye.phase.dns_ms': ms },
      status: { code: 'error', message: 'getaddrinfo EAI_AGAIN pay' },
    }),
  ).giveUp?.kind;

describe('the words of an error tell kind and phase', () => {
  it.each([
    // Go
    ['dial tcp 10.0.3.7:8443: connect: connection timed out', 'timeout connect'],
    ['dial tcp 10.0.3.7:8443: getsockopt: connection timed out', 'timeout connect'],
    ['Get "http://pay:80/": dial tcp 10.0.3.7:80: i/o timeout', 'timeout connect'],
    ['dial tcp 10.0.3.7:8443: connect: connection refused', 'refused connect'],
    ['dial tcp: lookup pay on 10.0.0.2:53: no such host', 'unresolved dns'],
    ['dial tcp: lookup pay on 10.0.0.2:53: read udp 10.0.0.9:34->10.0.0.2:53: i/o timeout', 'timeout dns'],
    ['context deadline exceeded', 'timeout wait'],
    [
      'Get "http://x": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      'timeout wait',
    ],
    [
      'net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
      'timeout connect',
    ],
    [
      'context deadline exceeded (Client.Timeout or context cancellation while reading body)',
      'timeout receive',
    ],
    ['net/http: TLS handshake timeout', 'timeout tls'],
    ['read tcp 10.0.0.9:52->10.0.3.7:80: read: connection timed out', 'timeout wait'],
    ['read tcp 10.0.0.9:52->10.0.3.7:80: read: connection reset by peer', 'reset wait'],
    ['context canceled', 'cancelled wait'],
    ['remote error: tls: bad certificate', 'tls tls'],
    // Java
    ['java.net.SocketTimeoutException: Read timed out', 'timeout wait'],
    ['java.net.SocketTimeoutException: Connect timed out', 'timeout connect'],
    [
      'java.net.SocketTimeoutException: failed to connect to /10.0.0.1 (port 80) after 3000ms',
      'timeout connect',
    ],
    ['java.net.http.HttpConnectTimeoutException: HTTP connect timed out', 'timeout connect'],
    ['java.net.UnknownHostException: pay', 'unresolved dns'],
    ['io.grpc.StatusRuntimeException: DEADLINE_EXCEEDED: deadline exceeded after 2.99s', 'timeout wait'],
    ['HikariPool-1 - Connection is not available, request timed out after 30000ms.', 'timeout queue'],
    ['javax.net.ssl.SSLHandshakeException: PKIX path building failed', 'tls tls'],
    ['java.net.NoRouteToHostException: No route to host', 'unreachable connect'],
    // Python
    ["HTTPConnectionPool(host='pay', port=80): Read timed out. (read timeout=3)", 'timeout wait'],
    [
      "Caused by ConnectTimeoutError(<conn>, 'Connection to pay timed out. (connect timeout=3)')",
      'timeout connect',
    ],
    ['Failed to establish a new connection: [Errno 110] Connection timed out', 'timeout connect'],
    ['Failed to establish a new connection: [Errno -2] Name or service not known', 'unresolved dns'],
    ['[Errno 111] Connection refused', 'refused connect'],
    [
      "('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))",
      'reset wait',
    ],
    ['QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30', 'timeout queue'],
    // .NET
    [
      'The request was canceled due to the configured HttpClient.Timeout of 3 seconds elapsing.',
      'timeout wait',
    ],
    ['A connection attempt failed because the connected party did not properly respond', 'timeout connect'],
    ['No connection could be made because the target machine actively refused it.', 'refused connect'],
    ['An existing connection was forcibly closed by the remote host.', 'reset wait'],
    // Ruby, PHP, Rust, Envoy
    ['Net::OpenTimeout: execution expired', 'timeout connect'],
    ['Net::ReadTimeout with #<TCPSocket:(closed)>', 'timeout wait'],
    ['cURL error 28: Operation timed out after 3001 milliseconds with 0 bytes received', 'timeout wait'],
    ['cURL error 28: Connection timed out after 3001 milliseconds', 'timeout connect'],
    ['cURL error 6: Could not resolve host: pay', 'unresolved dns'],
    ['error trying to connect: tcp connect error: Connection refused (os error 111)', 'refused connect'],
    ['error sending request for url (http://pay/): operation timed out', 'timeout wait'],
    ['dns error: failed to lookup address information: Name or service not known', 'unresolved dns'],
    ['upstream request timeout', 'gateway wait'],
    [
      'upstream connect error or disconnect/reset before headers. reset reason: connection timeout',
      'gateway wait',
    ],
    // Node and its libraries
    ['connect ETIMEDOUT 10.0.3.7:8443', 'timeout connect'],
    ['read ETIMEDOUT', 'timeout wait'],
    ['socket hang up', 'reset wait'],
    ['getaddrinfo ENOTFOUND pay.internal', 'unresolved dns'],
    ['getaddrinfo EAI_AGAIN pay.internal', 'unresolved dns'],
    ['connect EHOSTUNREACH 10.0.3.7:8443', 'unreachable connect'],
    ['timeout exceeded when trying to connect', 'timeout queue'],
    ['canceling statement due to statement timeout', 'timeout wait'],
    ['Query execution was interrupted (max_statement_time exceeded)', 'timeout wait'],
    ['Query execution was interrupted, maximum statement execution time exceeded', 'timeout wait'],
    ["Timeout awaiting 'secureConnect' for 500ms", 'timeout tls'],
    ['timeout of 3000ms exceeded', 'timeout wait'],
    ['The operation was aborted due to timeout', 'timeout wait'],
    ['This operation was aborted', 'cancelled wait'],
    ['write EPIPE', 'reset send'],
  ])('%s', (message, expected) => {
    expect(said(message, message === 'This operation was aborted' ? 'AbortError' : '')).toBe(expected);
  });

  it.each(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])(
    'the code %s names its phase',
    (code) => {
      const phase = { CONNECT: 'connect', HEADERS: 'wait', BODY: 'receive' }[code.split('_')[2] ?? ''];
      expect(said('fetch failed', code)).toBe(`timeout ${phase}`);
    },
  );

  it('a code that fits two kinds gives way to the words beside it', () => {
    expect(said('timeout of 1000ms exceeded', 'ECONNABORTED')).toBe('timeout wait');
    expect(said('aborted', 'ECONNABORTED')).toBe('reset wait');
    expect(said('canceling statement due to user request', '57014')).toBe('cancelled wait');
    expect(said('canceling statement due to statement timeout', '57014')).toBe('timeout wait');
  });

  it('an error about something else is no give-up', () => {
    for (const message of [
      'invalid timeout parameter',
      'duplicate key',
      'TypeError: x is not a function',
      '',
    ]) {
      expect(said(message)).toBe('error');
    }
  });

  it('a message of a megabyte is read only at its head', () => {
    expect(said('x'.repeat(1_000_000) + ' connect ETIMEDOUT')).toBe('error');
  });
});

describe('a status tells kind and phase', () => {
  it('a gateway time-out seen by the client is a timeout of kind gateway', () => {
    expect(http(504)).toMatchObject({ outcome: 'timeout', giveUp: { kind: 'gateway', timer: 'peer' } });
    expect(http('504')).toMatchObject({ outcome: 'timeout' });
    expect(http(524)).toMatchObject({ outcome: 'timeout' });
  });
  it('502 and 503 are gateway failures, no timeouts', () => {
    expect(http(502)).toMatchObject({ outcome: 'error', giveUp: { kind: 'gateway' } });
    expect(http(503)).toMatchObject({ outcome: 'error', giveUp: { kind: 'gateway' } });
  });
  it('408 is the time-out of the server, 499 the leaving of the client', () => {
    expect(http(408)).toMatchObject({ outcome: 'timeout', giveUp: { phase: 'send' } });
    expect(http(499)).toMatchObject({ outcome: 'cancelled' });
  });
  it('200, 404 and 500 are no give-ups', () => {
    expect(http(200)).toEqual({ outcome: 'ok', giveUp: null });
    expect(http(404)).toEqual({ outcome: 'error', giveUp: null });
    expect(http(404, 'server')).toEqual({ outcome: 'ok', giveUp: null });
    expect(http(500, 'server')).toEqual({ outcome: 'error', giveUp: null });
  });
  it('a server span says how it answered, and gives up on nothing', () => {
    expect(http(504, 'server')).toEqual({ outcome: 'timeout', giveUp: null });
  });
  it.each([
    [{ 'rpc.grpc.status_code': 4 }, 'timeout wait'],
    [{ 'rpc.response.status_code': 'DEADLINE_EXCEEDED' }, 'timeout wait'],
    [{ 'rpc.grpc.status_code': 14 }, 'refused connect'],
    [{ 'rpc.grpc.status_code': 1 }, 'cancelled wait'],
  ])('gRPC %j is %s', (attributes, expected) => {
    const { giveUp } = spanOutcome(makeSpan({ attributes }));
    expect(`${giveUp?.kind} ${giveUp?.phase}`).toBe(expected);
  });
  it('gRPC 4 that waited for the load balancer never connected', () => {
    const message =
      'Deadline exceeded after 3.0s,name resolution: 0.001s,metadata filters: 0s,Waiting for LB pick';
    const span = makeSpan({ attributes: { 'rpc.grpc.status_code': 4 }, status: { code: 'error', message } });
    expect(spanOutcome(span).giveUp).toMatchObject({
      phase: 'connect',
      phaseKnown: true,
      budgetMs: 3000,
      timer: 'grpc_deadline',
    });
  });
  it('gRPC 5 with frightening words is an answer', () => {
    const status = { code: 'error', message: 'no host timed out' } as const;
    expect(spanOutcome(makeSpan({ attributes: { 'rpc.grpc.status_code': 5 }, status })).giveUp).toBeNull();
  });
});

describe('what the hook measured beats words', () => {
  const error = { code: 'error', message: 'read ETIMEDOUT' } as const;

  it('the phase of sockeye.timeout.phase wins over the text', () => {
    const attributes = {
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': 'http_timeout',
      'sockeye.timeout.budget_ms': 3000,
      'sockeye.phase.connect_ms': 2999,
    };
    expect(spanOutcome(makeSpan({ attributes, status: error })).giveUp).toEqual({
      kind: 'timeout',
      phase: 'connect',
      phaseKnown: true,
      budgetMs: 3000,
      timer: 'http_timeout',
    });
  });
  it('the last measured phase of a failed call is the one it failed in', () => {
    const attributes = { 'error.type': 'ECONNRESET', 'sockeye.phase.dns_ms': 1, 'sockeye.phase.tls_ms': 5 };
    const span = makeSpan({ attributes, status: { code: 'error', message: 'read ECONNRESET' } });
    expect(spanOutcome(span).giveUp).toMatchObject({ kind: 'reset', phase: 'tls' });
    expect(readPhases(span)).toEqual([
      { phase: 'dns', startOffsetMs: 0, durationMs: 1, open: false },
      { phase: 'tls', startOffsetMs: 1, durationMs: 5, open: true },
    ]);
  });
  it('phases of an answered call are all closed, also when the answer is 503', () => {
    const attributes = { 'error.type': '503', 'http.response.status_code': 503, 'sockeye.phase.wait_ms': 5 };
    expect(readPhases(makeSpan({ attributes, status: error }))[0]?.open).toBe(false);
  });
  it('values that are no durations are left out', () => {
    const attributes = {
      'sockeye.phase.dns_ms': -1,
      'sockeye.phase.tls_ms': NaN,
      'sockeye.phase.wait_ms': 'x',
    };
    expect(readPhases(makeSpan({ attributes }))).toEqual([]);
  });
  it('an abort without a known limit is a cancellation, one with a limit a timeout', () => {
    const aborted = { 'sockeye.timeout.phase': 'wait', 'sockeye.timeout.timer': 'abort' };
    expect(spanOutcome(makeSpan({ attributes: aborted, status: error })).outcome).toBe('cancelled');
    const limited = { ...aborted, 'sockeye.timeout.budget_ms': 500 };
    expect(spanOutcome(makeSpan({ attributes: limited, status: error })).outcome).toBe('timeout');
  });
  it('EAI_AGAIN after a long silence is a timeout, at once it is a name that does not resolve', () => {
    expect([resolver(999), resolver(1000)]).toEqual(['unresolved', 'timeout']);
  });
  it('a timeout event whose call went on to succeed is no give-up', () => {
    const attributes = { 'sockeye.timeout.phase': 'wait', 'sockeye.timeout.timer': 'http_timeout' };
    expect(spanOutcome(makeSpan({ attributes }))).toEqual({ outcome: 'ok', giveUp: null });
  });
});

describe('streams', () => {
  const timeout = { code: 'error', message: 'TimeoutError' } as const;
  it.each<Record<string, AttributeValue>>([
    { 'sockeye.stream': true },
    { 'http.response.status_code': 101 },
    { 'http.response.header.content-type': ['text/event-stream'] },
    { 'db.query.text': 'BLPOP jobs 0' },
    { 'db.statement': 'LISTEN changes' },
    { 'messaging.operation.type': 'receive' },
    { 'http.url': 'wss://x/socket' },
  ])('%j ends by a timer without a give-up', (attributes) => {
    expect(spanOutcome(makeSpan({ attributes, status: timeout }))).toEqual({ outcome: 'ok', giveUp: null });
  });
  it('a stream that never connected is a give-up', () => {
    const status = { code: 'error', message: 'connect ECONNREFUSED 10.0.0.1:6379' } as const;
    const span = makeSpan({ attributes: { 'db.query.text': 'BLPOP jobs 0' }, status });
    expect(spanOutcome(span).giveUp).toMatchObject({ kind: 'refused', phase: 'connect' });
  });
});
