/**
 * The spans of connections that no call opened: a raw socket, and one that undici opens in place of one whose call was given up.
 *
 * The service does not load the undici of npm: on that `fetch` runs from then on, and it opens none.
 */
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificateFile, startHttpServer, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type RunningApp } from './run-app.ts';

let receiver: Receiver;
let https: Fault;
let service: RunningApp;
let serviceUrl: string;

beforeAll(async () => {
  [receiver, https] = await Promise.all([startReceiver(), startHttpServer('https')]);
  const { flags, env } = withHook(receiver.url);
  service = startApp(appFile('service.cjs'), {
    flags,
    env: { ...env, NODE_EXTRA_CA_CERTS: certificateFile },
  });
  serviceUrl = `http://127.0.0.1:${(await service.line('port ')).slice(5)}`;
  // What is loaded with the first call takes longer than one that is given up may.
  await fetch(`${serviceUrl}/fetch?to=https://127.0.0.1:${https.port}/`);
});

afterAll(async () => {
  service?.child.kill('SIGKILL');
  https?.close();
  receiver?.close();
  await service?.ended;
});

const serverSpan = (route: string) =>
  receiver.waitFor(({ kind, attributes }) => kind === 'server' && attributes['url.path'] === `/${route}`);
const openingTo = (port: number) =>
  receiver.waitFor(({ name, attributes }) => name === 'connect' && attributes['server.port'] === port);

describe('a connection that no call opened', () => {
  it('has a span of its own, under the span it was opened in', async () => {
    await fetch(`${serviceUrl}/socket?to=http://127.0.0.1:${https.port}/`);
    const server = await serverSpan('socket');
    const span = await receiver.waitFor(
      ({ name, parentSpanId }) => name === 'connect' && parentSpanId === server.spanId,
    );
    expect(span.kind).toBe('client');
    expect(span.attributes['sockeye.phase.connect_ms']).toBeGreaterThan(0);
    expect(span.attributes).not.toHaveProperty(['sockeye.phase.send_ms']);
  });

  it('by undici in place of one whose call was given up does not extend the trace of that call', async () => {
    const silent = await startSilentServer();
    try {
      await fetch(`${serviceUrl}/given-up?to=http://127.0.0.1:${silent.port}`);
      const opening = await openingTo(silent.port);
      const server = await serverSpan('given-up');
      expect(opening.parentSpanId).toBe('');
      // It is open, and calls nobody.
      expect(opening).toMatchObject({ kind: 'internal', error: false });
      expect(opening.traceId).not.toBe(server.traceId);
      const endMs = server.startMs + server.durationMs;
      const late = receiver.spans.filter(
        ({ traceId, startMs }) => traceId === server.traceId && startMs > endMs,
      );
      expect(late).toEqual([]);
    } finally {
      silent.close();
    }
  });

  it('by undici before the request that gave up was answered, and not open until after, begins a trace too', async () => {
    // The first connection reaches the server; the second gets no answer to its handshake.
    const sockets: Socket[] = [];
    let openAgain: () => void = () => {};
    const openedAgain = new Promise<void>((resolve) => (openAgain = resolve));
    const gate = createTcpServer((socket) => {
      sockets.push(socket.on('error', () => {}));
      if (sockets.length > 1) openAgain();
      else socket.pipe(connect(https.port, '127.0.0.1').on('error', () => {})).pipe(socket);
    });
    await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
    const { port } = gate.address() as AddressInfo;
    try {
      const answer = fetch(`${serviceUrl}/given-up-held?to=https://127.0.0.1:${port}/hang`);
      await openedAgain;
      await fetch(`${serviceUrl}/release`);
      expect(await answer.then((held) => held.text())).toBe('released');
      const server = await serverSpan('given-up-held');
      for (const socket of sockets) socket.destroy();
      const opening = await openingTo(port);
      expect(opening.startMs).toBeLessThan(server.startMs + server.durationMs);
      expect(opening.parentSpanId).toBe('');
    } finally {
      for (const socket of sockets) socket.destroy();
      gate.close();
    }
  });
});
