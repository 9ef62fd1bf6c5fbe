/** Calls by proxies that open no tunnel: each ends, with what the program hears of it, and without a timer unless there was one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closedPort, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
let denying: Server;
let mute: Fault;
let outcomes: unknown[];

const spanOf = (name: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );

beforeAll(async () => {
  receiver = await startReceiver();
  mute = await startSilentServer();
  denying = createServer().on('connect', (_request, socket) => {
    socket
      .on('error', () => {})
      .end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
  });
  await new Promise<void>((resolve) => denying.listen(0, '127.0.0.1', resolve));
  const ports = { away: closedPort, denied: (denying.address() as AddressInfo).port, mute: mute.port };
  const run = async (options: object) => {
    const app = startApp(appFile('failing-proxies.cjs'), { args: [JSON.stringify(ports)], ...options });
    const line = await app.line('{');
    if ('flags' in options) await spanOf('mute-http');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return [JSON.parse(line), stderr];
  };
  outcomes = await Promise.all([run({}), run(withHook(receiver.url))]);
});

afterAll(() => {
  denying?.close();
  mute?.close();
  receiver?.close();
});

it.each([
  { name: 'away-http', type: 'ECONNREFUSED' },
  { name: 'away-axios', type: 'ECONNREFUSED' },
  { name: 'away-undici', type: 'ECONNREFUSED' },
  { name: 'denied-http', type: 'ERR_PROXY_TUNNEL' },
  { name: 'denied-axios', type: '407' },
  { name: 'denied-undici', type: 'UND_ERR_ABORTED' },
])('one that nobody gave up ended with its error ($name)', async ({ name, type }) => {
  const { error, attributes } = await spanOf(name);
  expect(error).toBe(true);
  expect(attributes).toMatchObject({ 'error.type': type, 'server.port': 4 });
  expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
});

it('one whose time ran out was in connect then, with its budget', async () => {
  const { attributes } = await spanOf('mute-http');
  expect(attributes).toMatchObject({
    'error.type': 'ERR_PROXY_TUNNEL',
    'sockeye.timeout.phase': 'connect',
    'sockeye.timeout.timer': 'http_timeout',
    'sockeye.timeout.budget_ms': 600,
  });
});

it('the password of a proxy is not recorded', async () => {
  await spanOf('mute-http');
  expect(JSON.stringify(receiver.spans)).not.toContain('s3cr3t');
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject([
    { 'away-axios': 'ECONNREFUSED', 'denied-http': 'ERR_PROXY_TUNNEL' },
    '',
  ]);
});
