/** Calls by undici's own dispatchers and methods, and by agents of `http` that go by a proxy. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificateFile, startHttpServer, type Fault } from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { startProxy } from './proxy.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];
const heldMs = 300;

let receiver: Receiver;
let server: Server;
let secure: Fault;
let proxy: Fault;
let outcomes: unknown[];

beforeAll(async () => {
  receiver = await startReceiver();
  server = createServer((request, response) => {
    if (/^\/(hang|deaf)/.test(request.url!)) return;
    if (request.url === '/announced') {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      return;
    }
    if (request.url === '/broken') response.statusCode = 503;
    if (request.url === '/held-stream') setTimeout(() => response.end('late'), heldMs);
    else request.resume().on('end', () => response.end('answer'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  secure = await startHttpServer('https');
  proxy = await startProxy();
  const args = [(server.address() as AddressInfo).port, secure.port, proxy.port].map(String);
  const run = async (hook: { flags: string[]; env: Record<string, string> }) => {
    const env = { ...hook.env, NODE_EXTRA_CA_CERTS: certificateFile };
    const app = startApp(appFile('dispatchers.cjs'), { args, flags: hook.flags, env });
    const line = await app.line('{');
    if (hook.flags.length > 0) await spansOf('/forwarded');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return [JSON.parse(line), stderr];
  };
  outcomes = await Promise.all([run({ flags: [], env: {} }), run(withHook(receiver.url))]);
});

afterAll(() => {
  server?.closeAllConnections();
  server?.close();
  secure?.close();
  proxy?.close();
  receiver?.close();
});

async function spansOf(path: string, count = 1): Promise<ReceivedSpan[]> {
  const isIt = ({ kind, attributes }: ReceivedSpan) =>
    kind === 'client' && String(attributes['url.full']).endsWith(path);
  await receiver.waitFor((span) => isIt(span) && receiver.spans.filter(isIt).length >= count);
  return receiver.spans.filter(isIt);
}

function phasesOf({ attributes }: ReceivedSpan): string[] {
  return phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);
}

it('a stream of a pool waits for its only connection, and says so', async () => {
  const [[held], [queued]] = [await spansOf('/held-stream'), await spansOf('/queued-stream')];
  expect(phasesOf(held!)).toEqual(['connect', 'send', 'wait', 'receive']);
  expect(phasesOf(queued!)).toEqual(['queue', 'send', 'wait', 'receive']);
  expect(queued!.attributes['sockeye.phase.queue_ms']).toBeGreaterThan(heldMs / 2);
});

it.each([
  ['/client', 'GET', ['connect', 'send', 'wait', 'receive']],
  ['/pipeline', 'POST', ['send', 'wait', 'receive']],
  ['/balanced', 'GET', ['connect', 'send', 'wait', 'receive']],
])('a call of %s has its phases', async (path, name, phases) => {
  const [span] = await spansOf(path);
  expect(span).toMatchObject({ name, error: false, attributes: { 'http.response.status_code': 200 } });
  expect(phasesOf(span!)).toEqual(phases);
});

it('each attempt of a retry is a call', async () => {
  const attempts = await spansOf('/broken', 2);
  expect(attempts.map(({ error, attributes }) => [error, attributes['error.type']])).toEqual([
    [true, '503'],
    [true, '503'],
  ]);
});

it.each(['/hang', '/hang-client', '/announced'])(
  'one whose headers do not come names undici’s timer (%s)',
  async (path) => {
    const [span] = await spansOf(path);
    expect(span!.attributes).toMatchObject({
      'error.type': 'UND_ERR_HEADERS_TIMEOUT',
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': 'undici_headers',
      'sockeye.timeout.budget_ms': 1000,
    });
  },
);

it('an answer that is only announced is none', async () => {
  const [span] = await spansOf('/announced');
  expect(phasesOf(span!)).toEqual(['connect', 'send', 'wait']);
  expect(span!.attributes).not.toHaveProperty(['http.response.status_code']);
});

it('a body that the peer does not read is being sent, as long as the kernel has not taken it', async () => {
  const [span] = await spansOf('/deaf');
  expect(span!.attributes).toMatchObject({
    'sockeye.timeout.phase': 'send',
    'sockeye.timeout.timer': 'undici_headers',
    'sockeye.timeout.budget_ms': 1000,
  });
});

it('an agent’s tunnel is part of the call that opened it, whose URL and server are those asked for', async () => {
  const [[first], [again]] = [await spansOf('/tunnel'), await spansOf('/again')];
  expect(phasesOf(first!)).toEqual(['connect', 'tls', 'send', 'wait', 'receive']);
  expect(phasesOf(again!)).toEqual(['send', 'wait', 'receive']);
  for (const span of [first, again]) {
    expect(span!.attributes).toMatchObject({
      'server.address': '127.0.0.1',
      'server.port': secure.port,
      'network.peer.port': proxy.port,
    });
  }
});

it('a call that a proxy forwards has the URL of its server', async () => {
  const [span] = await spansOf('/forwarded');
  expect(span).toMatchObject({ error: false, attributes: { 'server.address': '127.0.0.1' } });
  expect(span!.attributes).toMatchObject({
    'server.port': (server.address() as AddressInfo).port,
    'network.peer.port': proxy.port,
  });
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject([{ tunnelled: [200, 200], forwarded: 200, client: 'answer' }, '']);
});
