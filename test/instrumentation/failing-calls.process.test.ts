/**
 * Every way a call can fail gives a span that tells its phase apart from the others, and the program sees exactly what it
 * sees without the hook.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  certificateFile,
  closedPort,
  startDnsServer,
  startFullListener,
  startHttpServer,
  startSilentServer,
  type Fault,
} from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type AppRun } from './run-app.ts';

interface Case {
  name: string;
  client: 'http' | 'fetch';
  url: string;
  budgetMs: number;
  timer: 'timeout' | 'signal' | 'any' | 'controller' | 'destroy' | 'cancel';
  pool?: boolean;
  dnsPort?: number;
}

/** Long enough for a busy machine to open every connection before it. */
const budgetMs = 1500;
/** For calls that end by themselves: never used up. */
const ample = { budgetMs: 20_000 };
const phaseOrder = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

let receiver: Receiver;
let closeAll: (() => void)[] = [];
let bare: AppRun;
let hooked: AppRun;

beforeAll(async () => {
  receiver = await startReceiver();
  const start = async (starting: Promise<Fault>) => {
    const fault = await starting;
    closeAll.push(fault.close);
    return fault.port;
  };
  closeAll.push(receiver.close);
  const [full, silent, server, secure, silentDns, noSuchName, closed] = [
    await start(startFullListener()),
    await start(startSilentServer()),
    await start(startHttpServer()),
    await start(startHttpServer('https')),
    await start(startDnsServer('nothing')),
    await start(startDnsServer('nxdomain')),
    closedPort,
  ];
  const cases: Case[] = [];
  for (const client of ['http', 'fetch'] as const) {
    const add = (name: string, url: string, more: Partial<Case> = {}) =>
      cases.push({
        name: `${name}-${client}`,
        client,
        url: `${url}${name}-${client}`,
        budgetMs,
        timer: client === 'http' ? 'timeout' : 'signal',
        ...more,
      });
    add('syn', `http://127.0.0.1:${full}/`);
    add('refused', `http://127.0.0.1:${closed}/`, ample);
    add('tls', `https://127.0.0.1:${silent}/`);
    add('answer', `http://127.0.0.1:${silent}/`);
    add('stall', `http://127.0.0.1:${server}/`);
    add('nodns', `http://silent-${client}.test:${server}/`, { dnsPort: silentDns });
    add('noname', `http://missing-${client}.test:${server}/`, { dnsPort: noSuchName, ...ample });
    add('any', `http://127.0.0.1:${silent}/`, { timer: 'any' });
    add('controller', `http://127.0.0.1:${silent}/`, { timer: 'controller' });
    add('cancel', `http://127.0.0.1:${silent}/`, { timer: 'cancel' });
    add('fine', `http://127.0.0.1:${server}/`, ample);
    add('secure', `https://127.0.0.1:${secure}/`, ample);
  }
  cases.push({
    name: 'destroy',
    client: 'http',
    url: `http://127.0.0.1:${silent}/destroy`,
    budgetMs,
    timer: 'destroy',
  });
  const pooled = { client: 'http', budgetMs, timer: 'signal', pool: true } as const;
  cases.push({
    name: 'hang-holder',
    url: `http://127.0.0.1:${server}/hang-holder`,
    ...pooled,
    budgetMs: budgetMs * 2,
  });
  cases.push({ name: 'pooled', url: `http://127.0.0.1:${server}/pooled`, ...pooled });
  const args = [JSON.stringify(cases)];
  const trusted = { NODE_EXTRA_CA_CERTS: certificateFile };
  const { flags, env } = withHook(receiver.url);
  const bareApp = startApp(appFile('calls.cjs'), { args, env: trusted });
  const hookedApp = startApp(appFile('calls.cjs'), {
    args,
    flags,
    env: { ...env, ...trusted },
  });
  for (const app of [bareApp, hookedApp]) {
    await app.line('{');
    app.child.kill('SIGTERM');
  }
  [bare, hooked] = await Promise.all([bareApp.ended, hookedApp.ended]);
});

afterAll(() => {
  for (const close of closeAll) close();
  closeAll = [];
});

/** The client span of the call to a path. */
function spanOf(name: string): Promise<ReceivedSpan> {
  return receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(`/${name}`),
  );
}

function phasesOf({ attributes }: ReceivedSpan): string[] {
  return phaseOrder.filter((phase) => attributes[`sockeye.phase.${phase}_ms`] !== undefined);
}

function phaseSumMs({ attributes }: ReceivedSpan): number {
  return phaseOrder.reduce((sum, phase) => sum + Number(attributes[`sockeye.phase.${phase}_ms`] ?? 0), 0);
}

describe('a call that times out', () => {
  it.each([
    {
      name: 'syn-http',
      what: 'a SYN that is not answered',
      phases: ['connect'],
      timer: 'http_timeout',
      type: 'ECONNRESET',
    },
    {
      name: 'tls-http',
      what: 'a TLS handshake that stalls',
      phases: ['connect', 'tls'],
      timer: 'http_timeout',
      type: 'ECONNRESET',
    },
    {
      name: 'answer-http',
      what: 'a server that never answers',
      phases: ['connect', 'send', 'wait'],
      timer: 'http_timeout',
      type: 'ECONNRESET',
    },
    {
      name: 'stall-http',
      what: 'a body that stalls',
      phases: ['connect', 'send', 'wait', 'receive'],
      timer: 'http_timeout',
      type: 'ECONNRESET',
    },
    {
      name: 'nodns-http',
      what: 'a DNS server that is silent',
      phases: ['dns'],
      timer: 'http_timeout',
      type: 'ECONNRESET',
    },
    {
      name: 'pooled',
      what: 'a socket that others hold',
      phases: ['queue'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
    {
      name: 'syn-fetch',
      what: 'a SYN that is not answered',
      phases: ['connect'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
    {
      name: 'tls-fetch',
      what: 'a TLS handshake that stalls',
      phases: ['connect', 'tls'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
    {
      name: 'answer-fetch',
      what: 'a server that never answers',
      phases: ['connect', 'send', 'wait'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
    {
      name: 'stall-fetch',
      what: 'a body that stalls',
      phases: ['connect', 'send', 'wait', 'receive'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
    {
      name: 'nodns-fetch',
      what: 'a DNS server that is silent',
      phases: ['dns'],
      timer: 'abort_signal',
      type: 'TimeoutError',
    },
  ])('on $what names that phase and its timer ($name)', async ({ name, phases, timer, type }) => {
    const span = await spanOf(name);
    expect(phasesOf(span)).toEqual(phases);
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': phases.at(-1),
      'sockeye.timeout.timer': timer,
      'sockeye.timeout.budget_ms': budgetMs,
      'error.type': type,
    });
    expect(span.error).toBe(true);
    expect(span.message).not.toBe('');
    expect(span.attributes['sockeye.timeout.elapsed_ms']).toBeCloseTo(span.durationMs, 0);
    expect(phaseSumMs(span)).toBeCloseTo(span.durationMs, 0);
  });
});

describe('the timer of a call', () => {
  it.each([
    { name: 'any-http', what: 'one of several signals', timer: 'abort_signal' },
    { name: 'any-fetch', what: 'one of several signals', timer: 'abort_signal' },
    { name: 'controller-http', what: 'a controller aborted by setTimeout', timer: 'abort' },
    { name: 'controller-fetch', what: 'a controller aborted by setTimeout', timer: 'abort' },
    { name: 'destroy', what: 'a request destroyed by setTimeout', timer: 'app' },
  ])('is known with its budget for $what ($name)', async ({ name, timer }) => {
    const { attributes } = await spanOf(name);
    expect(attributes).toMatchObject({
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': timer,
      'sockeye.timeout.budget_ms': budgetMs,
    });
  });

  it.each(['cancel-http', 'cancel-fetch'])(
    'is an abort without a budget when no timer made it (%s)',
    async (name) => {
      const { attributes } = await spanOf(name);
      expect(attributes).toMatchObject({ 'sockeye.timeout.timer': 'abort', 'error.type': 'AbortError' });
      expect(attributes).not.toHaveProperty(['sockeye.timeout.budget_ms']);
    },
  );

  it('ends a call that waits for a pooled socket when the caller gives up, not when the socket comes', async () => {
    const [waited, holder] = [await spanOf('pooled'), await spanOf('hang-holder')];
    expect(waited.durationMs).toBeLessThan(holder.durationMs - budgetMs / 2);
  });
});

describe('a call that fails without a timer', () => {
  it.each([
    { name: 'refused-http', what: 'a port that refuses', phases: ['connect'], type: 'ECONNREFUSED' },
    { name: 'refused-fetch', what: 'a port that refuses', phases: ['connect'], type: 'ECONNREFUSED' },
    { name: 'noname-http', what: 'a name that does not exist', phases: ['dns'], type: 'ENOTFOUND' },
    { name: 'noname-fetch', what: 'a name that does not exist', phases: ['dns'], type: 'ENOTFOUND' },
  ])('on $what ends in that phase with the true code ($name)', async ({ name, phases, type }) => {
    const span = await spanOf(name);
    expect(phasesOf(span)).toEqual(phases);
    expect(span.error).toBe(true);
    expect(span.attributes['error.type']).toBe(type);
    expect(Object.keys(span.attributes).filter((key) => key.startsWith('sockeye.timeout'))).toEqual([]);
  });
});

describe('a call that succeeds beside them', () => {
  const plain = ['connect', 'send', 'wait', 'receive'];
  it.each([
    { name: 'fine-http', phases: plain },
    { name: 'fine-fetch', phases: plain },
    { name: 'secure-http', phases: ['connect', 'tls', ...plain.slice(1)] },
    { name: 'secure-fetch', phases: ['connect', 'tls', ...plain.slice(1)] },
  ])('has every phase from connect to receive and no error ($name)', async ({ name, phases }) => {
    const span = await spanOf(name);
    expect(phasesOf(span)).toEqual(phases);
    expect(span.error).toBe(false);
    expect(span.attributes['http.response.status_code']).toBe(200);
  });
});

describe('the program', () => {
  it('sees the same outcome of every call as without the hook', () => {
    expect(bare.stderr).toBe('');
    expect(hooked).toEqual(bare);
    const outcomes = JSON.parse(hooked.stdout) as Record<string, { error?: object }>;
    expect(
      Object.entries(outcomes)
        .filter(([, outcome]) => !outcome.error)
        .map(([name]) => name),
    ).toEqual(['fine-http', 'secure-http', 'fine-fetch', 'secure-fetch']);
  });

  it('sends no span of the traffic that carries its spans', async () => {
    await spanOf('fine-http');
    const toReceiver = receiver.spans.filter(({ attributes }) => attributes['server.port'] === receiver.port);
    expect(toReceiver).toEqual([]);
  });
});
