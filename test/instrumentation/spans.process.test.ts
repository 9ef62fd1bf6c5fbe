/** What a service's spans say when things go well: parents, context on the wire, connections, streams, and who left. */
import { createServer, get, type Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, registerFile, startApp, withHook, type RunningApp } from './run-app.ts';

let receiver: Receiver;
let echo: Server;
let echoUrl: string;
let service: RunningApp;
let serviceUrl: string;

/** Answers with the headers it got, as JSON; `/events`, `/broken`, `/big`, `/redirect`, `/endless`, `/hang` and `/upgrade` do what they say. */
function startEcho(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.url === '/hang') return;
    if (request.url === '/endless') {
      response.write('and so on');
      return;
    }
    if (request.url?.startsWith('/redirect')) {
      response.writeHead(302, { location: '/redirected' }).end();
      return;
    }
    if (request.url?.startsWith('/events')) response.setHeader('content-type', 'text/event-stream');
    if (request.url?.startsWith('/broken')) response.statusCode = 503;
    if (request.url?.startsWith('/big')) response.write(Buffer.alloc(1 << 20));
    response.end(JSON.stringify(request.headers));
  });
  server.on('upgrade', (_request, socket) => {
    socket.on('error', () => {});
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

beforeAll(async () => {
  receiver = await startReceiver();
  echo = await startEcho();
  const address = echo.address();
  echoUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : address}`;
  const { flags, env } = withHook(receiver.url);
  service = startApp(appFile('service.cjs'), { flags: [...flags, '--expose-gc'], env });
  serviceUrl = `http://127.0.0.1:${(await service.line('port ')).slice(5)}`;
});

afterAll(async () => {
  service.child.kill('SIGKILL');
  echo.closeAllConnections();
  echo.close();
  receiver.close();
  await service.ended;
});

/** Asks the service to do something to a path of the echo server; the answer's text. */
function ask(route: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  return fetch(`${serviceUrl}/${route}?to=${encodeURIComponent(echoUrl + path)}`, { headers }).then(
    (answer) => answer.text(),
  );
}

const clientSpan = (path: string) =>
  receiver.waitFor(({ kind, attributes }) => kind === 'client' && attributes['url.full'] === echoUrl + path);
const serverSpan = (route: string, traceId?: string) =>
  receiver.waitFor(
    (span) =>
      span.kind === 'server' &&
      span.attributes['url.path'] === `/${route}` &&
      (!traceId || span.traceId === traceId),
  );
describe('the context', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';

  it.each(['http', 'fetch', 'array-headers', 'npm-undici'])(
    'goes from the incoming request to the outgoing one (%s)',
    async (route) => {
      const path = `/context-${route}`;
      const answer = await ask(route, path, {
        traceparent: `00-${traceId}-${parent}-01`,
        tracestate: 'vendor=1',
        baggage: 'user=7',
      });
      const sent = JSON.parse(answer) as Record<string, string>;
      const [client, server] = [await clientSpan(path), await serverSpan(route, traceId)];
      expect(server).toMatchObject({ traceId, parentSpanId: parent, traceState: 'vendor=1' });
      expect(client).toMatchObject({ traceId, parentSpanId: server.spanId });
      expect(sent).toMatchObject({
        traceparent: `00-${traceId}-${client.spanId}-01`,
        tracestate: 'vendor=1',
        baggage: 'user=7',
      });
    },
  );

  it('includes spans the program makes itself through the OpenTelemetry API', async () => {
    await ask('manual', '/manual');
    const client = await clientSpan('/manual');
    const own = await receiver.waitFor(({ name }) => name === 'own work');
    const server = await serverSpan('manual');
    expect(client.parentSpanId).toBe(own.spanId);
    expect(own.parentSpanId).toBe(server.spanId);
    expect(own).toMatchObject({ traceId: server.traceId, kind: 'internal', scope: 'own' });
  });

  it('reaches what is called from the events of the bodies of request and answer', async () => {
    const to = encodeURIComponent(`${echoUrl}/after`);
    const socket = connect(Number(new URL(serviceUrl).port), '127.0.0.1');
    const head = `POST /after-body?to=${to} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n`;
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject).on('close', () => resolve());
      // The body comes in a packet of its own, when the request has been handed to the handler.
      socket.resume().write(head, () => setTimeout(() => socket.write('{}'), 50));
    });
    const server = await serverSpan('after-body');
    for (const path of ['/after', '/after-again']) {
      expect(await clientSpan(path)).toMatchObject({ traceId: server.traceId, parentSpanId: server.spanId });
    }
  });

  it('of a request that has none begins a trace', async () => {
    await ask('http', '/root');
    const client = await clientSpan('/root');
    const server = await receiver.waitFor(({ spanId }) => spanId === client.parentSpanId);
    expect(server.parentSpanId).toBe('');
  });
});

describe('a client span', () => {
  it('says what was asked of whom, and what came back', async () => {
    await ask('http', '/plain');
    const span = await clientSpan('/plain');
    const port = Number(new URL(echoUrl).port);
    expect(span).toMatchObject({ name: 'GET', error: false, resource: { 'service.name': 'app' } });
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'server.address': '127.0.0.1',
      'server.port': port,
      'network.peer.address': '127.0.0.1',
      'network.peer.port': port,
      'network.protocol.version': '1.1',
    });
  });

  it.each(['http', 'fetch'])(
    'on a connection used before says so, with its age and idle time (%s)',
    async (route) => {
      // undici may still be busy with the first answer when the second call starts, and then opens another connection.
      let span: ReceivedSpan;
      let round = 0;
      do {
        await ask(route, `/reuse-${round}-${route}`);
        span = await clientSpan(`/reuse-${round}-${route}`);
        round += 1;
      } while (span.attributes['sockeye.connection.reused'] !== true && round < 10);
      expect(span.attributes['sockeye.connection.reused']).toBe(true);
      expect(span.attributes['sockeye.connection.age_ms']).toBeGreaterThan(0);
      expect(span.attributes['sockeye.connection.idle_ms']).toBeGreaterThan(0);
      expect(span.attributes).not.toHaveProperty(['sockeye.phase.connect_ms']);
    },
  );

  it('hides secrets of the query', async () => {
    await ask('http', '/secret?token=abc&page=2');
    const span = await clientSpan('/secret?token=REDACTED&page=2');
    expect(JSON.stringify(receiver.spans)).not.toContain('abc&page');
    expect(span.error).toBe(false);
  });

  it('of a status from 400 up is an error with the status as its type', async () => {
    await ask('http', '/broken');
    const span = await clientSpan('/broken');
    expect(span.error).toBe(true);
    expect(span.attributes['error.type']).toBe('503');
  });

  it('lists the attempts when several addresses were tried', async () => {
    await ask('custom-lookup', '/attempts').catch(() => {});
    const name = new URL(echoUrl);
    name.hostname = 'two.test';
    await fetch(`${serviceUrl}/custom-lookup?to=${encodeURIComponent(`${name.origin}/attempts`)}`);
    const span = await receiver.waitFor(
      ({ attributes }) => attributes['url.full'] === `${name.origin}/attempts`,
    );
    expect(span.attributes['sockeye.connect.attempts']).toEqual([
      expect.stringMatching(/^127\.0\.0\.2:\d+ ECONNREFUSED \d+ms$/),
      expect.stringMatching(/^127\.0\.0\.1:\d+ connected \d+ms$/),
    ]);
    expect(span.attributes['network.peer.address']).toBe('127.0.0.1');
  });

  it('ends when the program does not read the body', async () => {
    await ask('unread', '/unread');
    const span = await clientSpan('/unread');
    expect(span.error).toBe(false);
  });

  it.each([
    { route: 'forgotten', path: '/big-forgotten' },
    { route: 'forgotten-http', path: '/forgotten-http' },
  ])(
    'of an answer nobody reads ends with its headers, without an error ($route)',
    async ({ route, path }) => {
      await ask(route, path);
      echo.closeIdleConnections();
      const span = await clientSpan(path);
      expect(span.error).toBe(false);
      expect(span.attributes['sockeye.phase.receive_ms']).toBe(0);
    },
  );

  it('of a body the program threw away is no error', async () => {
    await ask('thrown-away', '/big-thrown-away');
    const span = await clientSpan('/big-thrown-away');
    expect(span).toMatchObject({ error: false });
    expect(span.attributes).not.toHaveProperty(['error.type']);
  });

  it('is made for each hop of a redirect', async () => {
    await ask('fetch', '/redirect');
    const [first, second] = [await clientSpan('/redirect'), await clientSpan('/redirected')];
    expect(first.attributes['http.response.status_code']).toBe(302);
    expect(second.traceId).toBe(first.traceId);
    expect(second.parentSpanId).toBe(first.parentSpanId);
  });

  it.each(['http', 'fetch'])('of an event stream is marked as a stream (%s)', async (route) => {
    await ask(route, `/events-${route}`);
    const span = await clientSpan(`/events-${route}`);
    expect(span.attributes['sockeye.stream']).toBe(true);
  });

  it('of an upgraded connection ends with the upgrade, marked as a stream', async () => {
    await ask('upgrade', '/upgrade');
    const span = await clientSpan('/upgrade');
    expect(span.error).toBe(false);
    expect(span.attributes).toMatchObject({ 'http.response.status_code': 101, 'sockeye.stream': true });
  });

  it('of a request that undici gave up names its timer and what the caller set it to', async () => {
    expect(await ask('undici-timer', '/hang')).toBe('UND_ERR_HEADERS_TIMEOUT');
    const span = await clientSpan('/hang');
    expect(span.attributes).toMatchObject({
      'error.type': 'UND_ERR_HEADERS_TIMEOUT',
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': 'undici_headers',
      'sockeye.timeout.budget_ms': 300,
    });
  });

  it('of a fetch that waits for the only connection of a pool is in queue for as long as the fetch lasted', async () => {
    await ask('full-pool', '/pooled');
    const span = await clientSpan('/pooled');
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': 'queue',
      'sockeye.timeout.timer': 'abort_signal',
      'sockeye.timeout.budget_ms': 300,
    });
    expect(span.durationMs).toBeGreaterThan(150);
  });
});

describe('a server span', () => {
  it('says what was asked and answered', async () => {
    await ask('http', '/server');
    const client = await clientSpan('/server');
    const span = await receiver.waitFor(({ spanId }) => spanId === client.parentSpanId);
    expect(span.attributes).toMatchObject({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'url.scheme': 'http',
      'url.path': '/http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(serviceUrl).port),
      'network.peer.address': '127.0.0.1',
    });
    expect(span.attributes).not.toHaveProperty(['http.route']);
  });

  it('of a status from 500 up is an error', async () => {
    await ask('failing', '/');
    const span = await serverSpan('failing');
    expect(span.error).toBe(true);
    expect(span.attributes['error.type']).toBe('500');
  });

  it('lasts until the handler ends the response, and says when the client left', async () => {
    await new Promise<void>((resolve) => {
      const leaving = get(`${serviceUrl}/late`, (response) => {
        response.on('error', () => {});
        leaving.destroy();
        resolve();
      });
    });
    const span = await serverSpan('late');
    const leftMs = Number(span.attributes['sockeye.client.left_ms']);
    expect(leftMs).toBeGreaterThan(0);
    // The handler went on for 100 ms after the client had left; timers may be a little early.
    expect(span.durationMs - leftMs).toBeGreaterThan(90);
  });

  it('of an event stream is marked as a stream', async () => {
    await fetch(`${serviceUrl}/events`).then((answer) => answer.text());
    const span = await serverSpan('events');
    expect(span.attributes['sockeye.stream']).toBe(true);
  });
});

describe('an ES module program', () => {
  it.each([
    { how: '--import', options: () => withHook(receiver.url, '--import') },
    { how: '--require', options: () => withHook(receiver.url, '--require') },
    {
      how: 'NODE_OPTIONS',
      options: () => ({ env: { ...withHook(receiver.url).env, NODE_OPTIONS: `--require ${registerFile}` } }),
    },
    {
      how: 'its first line',
      options: () => ({ env: { ...withHook(receiver.url).env, HOOK_FIRST_LINE: registerFile } }),
    },
  ])('is recorded with the hook loaded by $how', async ({ how, options }) => {
    const path = `/module-${how.replaceAll(/\W/g, '')}`;
    const app = startApp(appFile('service.mjs'), options());
    try {
      const port = (await app.line('port ')).slice(5);
      await fetch(`http://127.0.0.1:${port}/module?to=${encodeURIComponent(echoUrl + path)}`);
      const client = await clientSpan(path);
      const own = await receiver.waitFor(({ spanId }) => spanId === client.parentSpanId);
      const server = await receiver.waitFor(({ spanId }) => spanId === own.parentSpanId);
      expect(own.name).toBe('own work');
      expect(server.kind).toBe('server');
      await expect
        .poll(
          () =>
            receiver.spans.filter(({ traceId, kind }) => traceId === client.traceId && kind === 'client')
              .length,
        )
        .toBe(2);
    } finally {
      app.child.kill('SIGKILL');
      await app.ended;
    }
  });
});
