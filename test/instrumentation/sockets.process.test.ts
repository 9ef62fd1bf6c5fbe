/** Connections that no call opened, of raw sockets and drivers: each set-up has a span that says how far it came. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closedPort, startHttpServer, startPostgresTls, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

let receiver: Receiver;
const faults: Fault[] = [];
let bare: string;
let hooked: string;
let spans: (port: number) => ReceivedSpan[];

beforeAll(async () => {
  receiver = await startReceiver();
  faults.push(await startHttpServer('https'), await startHttpServer(), await startSilentServer());
  const args = [...faults.map(({ port }) => String(port)), String(closedPort)];
  const run = async (options: object) => {
    const app = startApp(appFile('sockets.cjs'), { args, ...options });
    const line = await app.line('[');
    return { app, line };
  };
  const [without, within] = [await run({}), await run(withHook(receiver.url))];
  [bare, hooked] = [without.line, within.line];
  // The last one that was given up.
  await receiver.waitFor(({ message }) => message === 'gave up');
  for (const { app } of [without, within]) app.child.kill('SIGKILL');
  spans = (port) =>
    receiver.spans
      .filter(({ name, attributes }) => name === 'connect' && attributes['server.port'] === port)
      .toSorted((a, b) => a.startMs - b.startMs);
});

afterAll(() => {
  for (const fault of faults) fault.close();
  receiver?.close();
});

const phasesOf = ({ attributes }: ReceivedSpan) =>
  phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);

it('of TCP and of TLS has the phases up to the last handshake', () => {
  const [[plain], [secure]] = [spans(faults[1]!.port), spans(faults[0]!.port)];
  expect(phasesOf(plain!)).toEqual(['dns', 'connect']);
  expect(phasesOf(secure!)).toEqual(['dns', 'connect', 'tls']);
  for (const span of [plain!, secure!]) {
    expect(span).toMatchObject({ kind: 'client', error: false });
    expect(span.attributes['server.address']).toBe('localhost');
  }
});

it('of TLS that begins later, as after STARTTLS, has two: the connection’s, and the handshake’s', () => {
  const [, connected, secured] = spans(faults[0]!.port);
  expect(phasesOf(connected!)).toEqual(['dns', 'connect']);
  expect(phasesOf(secured!)).toEqual(['tls']);
  expect(secured).toMatchObject({ error: false });
});

it('that is refused says so, with what the kernel saw', () => {
  const [refused] = spans(closedPort);
  expect(phasesOf(refused!)).toEqual(['connect']);
  expect(refused).toMatchObject({ error: true });
  expect(refused!.attributes).toMatchObject({ 'error.type': 'ECONNREFUSED', 'sockeye.tcp.segments_in': 1 });
});

it('to a name with two addresses says how each went', () => {
  const [, span] = spans(faults[1]!.port);
  expect(span).toMatchObject({ error: false, attributes: { 'server.address': 'two.test' } });
  expect(span!.attributes['sockeye.connect.attempts']).toEqual([
    expect.stringMatching(/^\[::1\]:\d+ (ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH) \d+ms/),
    expect.stringMatching(/^127\.0\.0\.1:\d+ connected \d+ms$/),
  ]);
});

it('whose handshake stalls was in it when it was given up, by a timer of the program', () => {
  const [, stalled] = spans(faults[2]!.port);
  expect(phasesOf(stalled!)).toEqual(['tls']);
  expect(stalled!.error).toBe(true);
  expect(stalled!.durationMs).toBeGreaterThan(600);
  expect(stalled!.attributes).toMatchObject({
    'sockeye.timeout.phase': 'tls',
    'sockeye.timeout.timer': 'app',
    'sockeye.timeout.budget_ms': 700,
    'sockeye.tcp.state': 'ESTABLISHED',
    'sockeye.tcp.bytes_received': 0,
  });
});

it('the program sees the same without the hook', () => {
  expect(hooked).toBe(bare);
  expect(JSON.parse(bare)).toEqual([
    'connect',
    'secureConnect',
    'secureConnect',
    'ECONNREFUSED',
    'connect',
    'gave up',
  ]);
});

it('of TLS whose driver loads `tls` when the server has agreed to it has its handshake', async () => {
  const server = await startPostgresTls();
  try {
    const { flags, env } = withHook(receiver.url);
    // OpenTelemetry's instrumentation of the driver would load it.
    const app = startApp(appFile('late-tls.cjs'), {
      args: [String(server.port)],
      flags,
      env: { ...env, OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'pg' },
    });
    const secured = await receiver.waitFor(
      ({ name, attributes }) =>
        name === 'connect' &&
        attributes['server.port'] === server.port &&
        'sockeye.phase.tls_ms' in attributes,
    );
    app.child.kill('SIGKILL');
    expect((await app.ended).stdout).toBe('loaded false\n');
    expect(phasesOf(secured)).toEqual(['tls']);
    expect(phasesOf(spans(server.port)[0]!)).toEqual(['dns', 'connect']);
  } finally {
    server.close();
  }
});
