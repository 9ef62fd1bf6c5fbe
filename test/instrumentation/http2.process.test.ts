/** HTTP/2 and gRPC, client and server, in real processes: what each call's spans say, and that the program sees no difference. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFullListener, startSilentServer, type Fault } from './faults.ts';
import { callsTo } from './http2-calls.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type RunningApp } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];
const budgetMs = 1500;

let receiver: Receiver;
let server: RunningApp;
let echo: Server;
const faults: Fault[] = [];
let compatibleUrl: string;
let bare: Record<string, unknown>;
let hooked: Record<string, unknown>;

beforeAll(async () => {
  receiver = await startReceiver();
  const hook = withHook(receiver.url);
  server = startApp(appFile('http2-server.cjs'), hook);
  echo = createServer((_request, response) => response.end('echo'));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const [, core, compatible, narrow, rpc] = (await server.line('ports')).split(' ');
  compatibleUrl = `http://127.0.0.1:${compatible}`;
  faults.push(await startFullListener(), await startSilentServer());
  const [full, silent] = faults as [Fault, Fault];
  const ports = { core, narrow, rpc, full: full.port, silent: silent.port };
  const args = [JSON.stringify(callsTo(ports, budgetMs))];
  const [bareApp, hookedApp] = [
    startApp(appFile('http2-calls.cjs'), { args }),
    startApp(appFile('http2-calls.cjs'), { args, ...hook }),
  ];
  [bare, hooked] = (await Promise.all(
    [bareApp, hookedApp].map(async (app) => {
      const line = await app.line('{');
      if (app === hookedApp) await ofPath('ended');
      app.child.kill('SIGTERM');
      const { stderr } = await app.ended;
      return { ...(JSON.parse(line) as object), stderr };
    }),
  )) as unknown as [typeof bare, typeof hooked];
});

afterAll(async () => {
  server?.child.kill('SIGKILL');
  echo?.close();
  for (const fault of faults) fault.close();
  receiver?.close();
  await server?.ended;
});

const ofPath = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );
/** Its own calls have distinct methods, except `Get`. */
const ofMethod = (method: string, kind: ReceivedSpan['kind'] = 'client') =>
  receiver.waitFor((span) => span.kind === kind && span.attributes['rpc.method'] === `shop.Cart/${method}`);

function phasesOf({ attributes }: ReceivedSpan): string[] {
  return phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);
}

describe('a name with two addresses', () => {
  const attempts = [
    expect.stringMatching(/^\[::1\]:\d+ (ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH) \d+ms/),
    expect.stringMatching(/^127\.0\.0\.1:\d+ connected \d+ms$/),
  ];
  it('is tried in turn, and says how each went, by an HTTP/2 client', async () => {
    const { error, attributes } = await ofPath('dual');
    expect(error).toBe(false);
    expect(attributes['sockeye.connect.attempts']).toEqual(attempts);
    expect(attributes['network.peer.address']).toBe('127.0.0.1');
  });

  it('is tried in turn, and says how each went, by grpc-js', async () => {
    const { attributes } = await ofMethod('Dual');
    expect(attributes['sockeye.connect.attempts']).toEqual(attempts);
    expect(attributes['network.peer.address']).toBe('127.0.0.1');
  });

  it('whose first says nothing is connected to for as long as grpc-js waits for that', async () => {
    const span = await ofMethod('FirstSilent');
    expect(span.attributes['sockeye.connect.attempts']).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ open \d+ms$/),
      expect.stringMatching(/^127\.0\.0\.1:\d+ connected \d+ms$/),
    ]);
    expect(phasesOf(span)).toEqual(['connect', 'send', 'wait']);
    expect(span.attributes['sockeye.phase.connect_ms']).toBeGreaterThan(200);
  });
});

describe('a stream of an HTTP/2 client', () => {
  it.each(['first', 'beside'])('on a new connection has all of its phases (%s)', async (name) => {
    const span = await ofPath(name);
    expect(phasesOf(span)).toEqual(['connect', 'send', 'wait', 'receive']);
    expect(span).toMatchObject({ name: 'GET', error: false });
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'network.protocol.version': '2',
      'server.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
      'sockeye.connection.reused': false,
    });
  });

  it.each(['again', 'listed', 'upload'])('on an open session does not connect (%s)', async (name) => {
    const span = await ofPath(name);
    expect(phasesOf(span)).toEqual(['send', 'wait', 'receive']);
    expect(span.attributes['sockeye.connection.reused']).toBe(true);
    expect(span.attributes['sockeye.connection.age_ms']).toBeGreaterThan(0);
  });

  it.each(['first', 'again', 'listed'])('carries the context to the server (%s)', async (name) => {
    const client = await ofPath(name);
    const span = await receiver.waitFor(({ parentSpanId }) => parentSpanId === client.spanId);
    expect(span).toMatchObject({ kind: 'server', traceId: client.traceId });
    expect((hooked[name] as { text: string }).text).toContain(`00-${client.traceId}-${client.spanId}-01`);
  });

  it.each([
    { name: 'hang-signal', phases: ['send', 'wait'], timer: 'abort_signal', type: 'TimeoutError' },
    { name: 'hang-idle', phases: ['send', 'wait'], timer: 'socket_timeout', type: 'AbortError' },
    { name: 'hang-close', phases: ['send', 'wait'], timer: 'app', type: 'AbortError' },
    { name: 'syn', phases: ['connect'], timer: 'abort_signal', type: 'TimeoutError' },
    { name: 'tls', phases: ['connect', 'tls'], timer: 'abort_signal', type: 'TimeoutError' },
  ])('that is given up names its phase and timer ($name)', async ({ name, phases, timer, type }) => {
    const span = await ofPath(name);
    expect(phasesOf(span)).toEqual(phases);
    expect(span.error).toBe(true);
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': phases.at(-1),
      'sockeye.timeout.timer': timer,
      'sockeye.timeout.budget_ms': budgetMs,
      'error.type': type,
    });
  });

  it('has the connection’s evidence before it shares it, and only what holds at the moment after', async () => {
    const [syn, shared] = [await ofPath('syn'), await ofPath('hang-signal')];
    expect(syn.attributes).toMatchObject({ 'sockeye.tcp.state': 'SYN_SENT', 'sockeye.tcp.segments_in': 0 });
    expect(syn.attributes).not.toHaveProperty(['sockeye.tcp.scope']);
    expect(shared.attributes).toMatchObject({
      'sockeye.tcp.state': 'ESTABLISHED',
      'sockeye.tcp.scope': 'connection',
    });
    for (const name of ['bytes_sent', 'bytes_received', 'total_retransmits']) {
      expect(shared.attributes).not.toHaveProperty([`sockeye.tcp.${name}`]);
    }
  });

  it('beyond what the server allows at once is in queue, and tells what it waits for', async () => {
    const [gaveUp, waited] = [await ofPath('hang-behind'), await ofPath('behind')];
    expect(phasesOf(gaveUp)).toEqual(['queue']);
    expect(gaveUp.attributes).toMatchObject({
      'sockeye.timeout.phase': 'queue',
      'sockeye.pool.max': 1,
      'sockeye.pool.in_use': 1,
      'sockeye.pool.oldest_phase': 'wait',
    });
    expect(phasesOf(waited)).toEqual(['queue', 'send', 'wait', 'receive']);
    expect(waited.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(300);
    expect(waited.attributes).toMatchObject({ 'sockeye.pool.max': 1, 'http.response.status_code': 200 });
  });

  it('that is refused has the true code, not that of the session', async () => {
    const span = await ofPath('refused');
    expect(phasesOf(span)).toEqual(['connect']);
    expect(span.attributes['error.type']).toBe('ECONNREFUSED');
    expect(span.attributes).not.toHaveProperty(['sockeye.timeout.timer']);
  });

  it('of a status from 400 up is an error, of an event stream a stream', async () => {
    expect(await ofPath('broken')).toMatchObject({ error: true, attributes: { 'error.type': '503' } });
    expect((await ofPath('events')).attributes['sockeye.stream']).toBe(true);
  });
});

describe('a stream of an HTTP/2 server', () => {
  const served = (path: string) =>
    receiver.waitFor(({ kind, attributes }) => kind === 'server' && attributes['url.path'] === path);

  it('says what was asked and answered', async () => {
    const span = await served('/upload');
    expect(span).toMatchObject({ name: 'POST', error: false });
    expect(span.attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'network.protocol.version': '2',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
    });
    expect(span.attributes).not.toHaveProperty(['sockeye.client.left_ms']);
  });

  it('that the client resets says when the client left', async () => {
    const span = await served('/hang-close');
    expect(span.attributes['sockeye.client.left_ms']).toBeCloseTo(span.durationMs, 0);
    expect(span.attributes).not.toHaveProperty(['http.response.status_code']);
  });

  it('is the parent of what its handler calls, of programs that know only requests and responses too', async () => {
    const { port } = echo.address() as AddressInfo;
    const to = `http://127.0.0.1:${port}/from-http2`;
    const { connect } = await import('node:http2');
    const session = connect(compatibleUrl);
    try {
      // Two in one packet: each must keep to its own.
      const answers = ['one', 'two'].map((name) => {
        const stream = session.request({ ':path': `/${encodeURIComponent(`${to}-${name}`)}` });
        return new Promise((resolve, reject) => stream.resume().on('end', resolve).on('error', reject));
      });
      await Promise.all(answers);
      for (const name of ['one', 'two']) {
        const client = await ofPath(`from-http2-${name}`);
        const parent = await receiver.waitFor(({ spanId }) => spanId === client.parentSpanId);
        expect(parent.kind).toBe('server');
        expect(parent.attributes['url.path']).toContain(name);
      }
    } finally {
      session.close();
    }
  });
});

describe('a gRPC call', () => {
  it('is named by its method, with the phases of its stream, and is the parent of the server’s span', async () => {
    const span = await ofMethod('Get');
    expect(span).toMatchObject({ name: 'shop.Cart/Get', error: false });
    expect(phasesOf(span)).toEqual(['connect', 'send', 'wait', 'receive']);
    expect(span.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.response.status_code': 'OK',
      'server.address': '127.0.0.1',
      'sockeye.connection.reused': false,
    });
    expect((hooked['get'] as { text: string }).text).toBe(`00-${span.traceId}-${span.spanId}-01`);
    const served = await receiver.waitFor(({ parentSpanId }) => parentSpanId === span.spanId);
    expect(served).toMatchObject({ kind: 'server', name: 'shop.Cart/Get', error: false });
    expect(served.attributes['rpc.response.status_code']).toBe('OK');
  });

  it('on a connection used before does not connect', async () => {
    const reused = await receiver.waitFor(
      ({ kind, attributes }) =>
        kind === 'client' &&
        attributes['rpc.method'] === 'shop.Cart/Get' &&
        attributes['sockeye.connection.reused'] === true,
    );
    expect(phasesOf(reused)).toEqual(['send', 'wait', 'receive']);
  });

  it.each([
    { method: 'Hang', phases: ['send', 'wait'] },
    { method: 'Syn', phases: ['connect'] },
    { method: 'SynBeside', phases: ['connect'] },
    { method: 'Tls', phases: ['dns', 'connect', 'tls'] },
  ])('past its deadline says in which phase it was ($method)', async ({ method, phases }) => {
    const span = await ofMethod(method);
    expect(phasesOf(span)).toEqual(phases);
    expect(span.attributes).toMatchObject({
      'rpc.response.status_code': 'DEADLINE_EXCEEDED',
      'error.type': 'DEADLINE_EXCEEDED',
      'sockeye.timeout.phase': phases.at(-1),
      'sockeye.timeout.timer': 'grpc_deadline',
    });
    expect(span.error).toBe(true);
    expect(span.attributes['sockeye.timeout.budget_ms']).toBeGreaterThan(budgetMs - 100);
    expect(span.attributes['sockeye.timeout.budget_ms']).toBeLessThanOrEqual(budgetMs);
  });

  it('to a port that refuses failed in connect, without a timer', async () => {
    const span = await ofMethod('Refused');
    expect(phasesOf(span)).toEqual(['connect']);
    expect(span.attributes).toMatchObject({ 'error.type': 'UNAVAILABLE', 'sockeye.tcp.segments_in': 1 });
    expect(span.message).toContain('ECONNREFUSED');
    expect(span.attributes).not.toHaveProperty(['sockeye.timeout.timer']);
  });

  it.each(['Watch', 'Chat'])('that streams is marked as a stream on both sides (%s)', async (method) => {
    for (const kind of ['client', 'server'] as const) {
      expect((await ofMethod(method, kind)).attributes['sockeye.stream']).toBe(true);
    }
    expect((await ofMethod('Get')).attributes).not.toHaveProperty(['sockeye.stream']);
  });

  it('that the server fails is an error on both sides; one that the caller’s own timer cancels names that timer', async () => {
    for (const kind of ['client', 'server'] as const) {
      const span = await ofMethod('Fail', kind);
      expect(span).toMatchObject({ error: true, message: 'no cart today' });
      expect(span.attributes['error.type']).toBe('INTERNAL');
    }
    const cancelled = await ofMethod('Silent');
    expect(cancelled.attributes).toMatchObject({
      'rpc.response.status_code': 'CANCELLED',
      'sockeye.timeout.timer': 'app',
      'sockeye.timeout.budget_ms': 300,
    });
  });
});

it('the programs see what they see without the hook', () => {
  const withoutContext = (outcomes: Record<string, unknown>) =>
    JSON.parse(
      JSON.stringify(outcomes)
        .replaceAll(/,\\"traceparent\\":\\"[^"]*\\"/g, '')
        .replaceAll(/"00-[^"]*"/g, '""'),
    ) as unknown;
  expect(withoutContext(hooked)).toEqual(withoutContext(bare));
  expect(bare['stderr']).toBe('');
});

it('no connection has a span of its own beside those of the calls it was opened for', async () => {
  await ofMethod('SynBeside');
  expect(receiver.spans.filter(({ name }) => name === 'connect')).toEqual([]);
});
