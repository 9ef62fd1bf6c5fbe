/** The hook when the collector is away, slow, refuses or comes back: the program goes on, in bounded memory, and hears of it once. */
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { closedPort, startHttpServer, startSilentServer, type Fault } from './faults.ts';
import { startReceiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type RunningApp } from './run-app.ts';

let server: Fault;
beforeAll(async () => {
  server = await startHttpServer();
});
afterAll(() => server.close());

let app: RunningApp | undefined;
afterEach(async () => {
  app?.child.kill('SIGKILL');
  await app?.ended;
});

interface Steady {
  running: RunningApp;
  ask(path: string): Promise<string>;
  /** Resolves with the first line of standard error that matches. */
  says(pattern: RegExp): Promise<string>;
}

/** Starts the service, which sends its spans to this address soon. */
async function startSteady(endpoint: string, env: Record<string, string> = {}): Promise<Steady> {
  const hook = withHook(endpoint);
  const running = startApp(appFile('steady.cjs'), {
    flags: [...hook.flags, '--expose-gc'],
    args: [`http://127.0.0.1:${server.port}`],
    env: { ...hook.env, ...env },
  });
  app = running;
  let stderr = '';
  running.child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const port = (await running.line('port ')).slice(5);
  return {
    running,
    ask: (path) => fetch(`http://127.0.0.1:${port}/${path}`).then((answer) => answer.text()),
    says: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          const found = stderr.split('\n').find((line) => pattern.test(line));
          if (found !== undefined) resolve(found);
        };
        running.child.stderr?.on('data', look);
        look();
      }),
  };
}

const sockeyeLines = (stderr: string) => stderr.split('\n').filter((line) => line.startsWith('sockeye: '));

describe('a collector that', () => {
  it('dies and returns: one line each, and what comes after it arrives', async () => {
    const first = await startReceiver();
    const { port } = first;
    const { running, ask, says } = await startSteady(first.url);
    await ask('call/before');
    await first.waitFor(({ attributes }) => String(attributes['url.full']).endsWith('/before'));
    first.close();

    expect(await ask('call/while-away')).toBe('called');
    await says(/cannot be sent/);
    expect(await ask('call/still-away')).toBe('called');

    const second = await startReceiver(port);
    try {
      // Exporters wait before they try again: until then, more calls are made.
      const isThere = () =>
        second.spans.some(({ attributes }) => String(attributes['url.full']).includes('/back-'));
      for (let round = 0; !isThere(); round += 1) {
        await ask(`call/back-${round}`);
        await sleep(100);
      }
      await says(/again/);
    } finally {
      second.close();
    }
    running.child.kill('SIGKILL');
    const { stderr } = await running.ended;
    const lines = sockeyeLines(stderr);
    expect(lines[0]).toMatch(/cannot be sent to http:\/\/127\.0\.0\.1:\d+/);
    expect(lines.find((line) => line.includes('again'))).toBeDefined();
    // The receiver was closed once more before the service was.
    expect(lines.length).toBeLessThanOrEqual(3);
  });

  it.each(['grpc', 'http/protobuf'])(
    'refuses every request (%s) is told of once, with its reason',
    async (protocol) => {
      const refusing = protocol === 'grpc' ? await startRefusingGrpc() : await startRefusingHttp();
      try {
        const { running, ask, says } = await startSteady(refusing.url, {
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        });
        expect(await ask('call/refused')).toBe('called');
        await says(/cannot be sent/);
        for (let round = 0; round < 5; round += 1) expect(await ask(`call/refused-${round}`)).toBe('called');
        running.child.kill('SIGTERM');
        const { stderr, signal } = await running.ended;
        expect(signal).toBe('SIGTERM');
        const lines = sockeyeLines(stderr);
        expect(lines).toHaveLength(1);
        expect(lines[0]).toMatch(protocol === 'grpc' ? /no token, no spans/ : /401|Unauthorized/);
      } finally {
        refusing.close();
      }
    },
  );

  it('is slow to answer holds no request, loses no span, and nothing is said of it', async () => {
    const slow = await startSlowHttp();
    try {
      const { running, ask } = await startSteady(slow.url, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' });
      const names = Array.from({ length: 20 }, (_each, round) => `slow-${round}.`);
      for (const name of names) expect(await ask(`call/${name}`)).toBe('called');
      await slow.got(names);
      running.child.kill('SIGTERM');
      expect(await running.ended).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    } finally {
      slow.close();
    }
  });

  it.each([
    { how: 'never answers', start: () => startSilentServer() },
    { how: 'does not even read', start: () => startSilentServer({ isDeaf: true }) },
  ])('$how holds no request, and the program ends when it is told to', async ({ start }) => {
    const silent = await start();
    try {
      const { running, ask } = await startSteady(`http://127.0.0.1:${silent.port}`);
      for (let round = 0; round < 5; round += 1) expect(await ask(`call/silent-${round}`)).toBe('called');
      running.child.kill('SIGTERM');
      expect(await running.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    } finally {
      silent.close();
    }
  });
});

describe('memory is bounded', () => {
  // At 200 spans a second this is half an hour of an outage.
  const spans = 400_000;

  it.each<{ what: string; start: () => Promise<Pick<Fault, 'port' | 'close'>> }>([
    { what: 'refuses connections', start: () => Promise.resolve({ port: closedPort, close: () => {} }) },
    { what: 'never answers', start: () => startSilentServer() },
  ])(`after ${spans} spans for a collector that $what`, async ({ start }) => {
    const away = await start();
    try {
      const { ask } = await startSteady(`http://127.0.0.1:${away.port}`);
      // What is loaded and made once is there now.
      await ask('grow/20000');
      expect(Number(await ask(`grow/${spans}`))).toBeLessThan(16);
      expect(await ask('call/after')).toBe('called');
    } finally {
      away.close();
    }
  });
});

interface Refusing {
  url: string;
  close(): void;
}

async function startRefusingGrpc(): Promise<Refusing> {
  const grpc = new GrpcServer();
  const same = (bytes: Buffer) => bytes;
  grpc.addService(
    {
      Export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      },
    },
    {
      Export: (_call: unknown, done: (error: object) => void) =>
        done({ code: status.UNAUTHENTICATED, details: 'no token, no spans' }),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { url: `http://127.0.0.1:${port}`, close: () => grpc.forceShutdown() };
}

async function startRefusingHttp(): Promise<Refusing> {
  const http: Server = createHttpServer((request, response) => {
    request.resume();
    response.writeHead(401).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
}

/** Takes everything, and says so 700 ms later; `got` resolves when all of these texts have come. */
async function startSlowHttp(): Promise<Refusing & { got(texts: string[]): Promise<void> }> {
  let all = '';
  let heard = () => {};
  const http: Server = createHttpServer((request, response) => {
    request.setEncoding('latin1').on('data', (chunk: string) => (all += chunk));
    request.on('end', () => {
      heard();
      setTimeout(() => response.end(), 700);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async got(texts) {
      while (!texts.every((text) => all.includes(text)))
        await new Promise<void>((resolve) => (heard = resolve));
    },
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
}
