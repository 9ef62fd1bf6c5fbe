/** What the kernel of this machine says of real connections that fail, told on the spans of real programs. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedPort, startFullListener, startHttpServer, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type AppRun } from './run-app.ts';

interface Step {
  client?: 'fetch';
  url: string;
  budgetMs?: number;
  bodyBytes?: number;
  addresses?: { address: string; family: number }[];
}

/** The first SYN is sent again after a second; of two addresses the second is tried after a quarter of one. */
const synBudgetMs = 2200;
let receiver: Receiver;
let full: Fault;
let silent: Fault;
let deaf: Fault;
let server: Fault;
const at = ({ port }: { port: number }, path: string) => `http://127.0.0.1:${port}/${path}`;

beforeAll(async () => {
  receiver = await startReceiver();
  full = await startFullListener();
  silent = await startSilentServer();
  deaf = await startSilentServer({ isDeaf: true });
  server = await startHttpServer();
});

afterAll(() => {
  for (const each of [receiver, full, silent, deaf, server]) each?.close();
});

/** Runs the calls with the hook and ends the program when they have all settled. */
async function runCalls(lists: Step[][], flags: string[] = [], more: string[] = []): Promise<AppRun> {
  const hook = withHook(receiver.url);
  const args = [JSON.stringify(lists), ...more];
  const app = startApp(appFile('evidence.cjs'), { args, flags: [...flags, ...hook.flags], env: hook.env });
  await app.line('end');
  await Promise.all(lists.flat().map(({ url }) => tcpOf(new URL(url).pathname.slice(1))));
  app.child.kill('SIGTERM');
  return app.ended;
}

async function tcpOf(path: string): Promise<Record<string, unknown>> {
  const span = await receiver.waitFor((each) => isCallTo(each, path));
  const own = Object.entries(span.attributes).filter(([name]) => name.startsWith('sockeye.tcp.'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('sockeye.tcp.'.length), value]));
}

function isCallTo({ kind, attributes }: ReceivedSpan, path: string): boolean {
  return kind === 'client' && String(attributes['url.full']).endsWith(`/${path}`);
}

describe('with koffi', () => {
  let run: AppRun;

  beforeAll(async () => {
    const twice = [
      { address: '127.0.0.1', family: 4 },
      { address: '::ffff:127.0.0.1', family: 6 },
    ];
    run = await runCalls([
      [{ url: at(server, 'fine') }, { client: 'fetch', url: at(server, 'fine-fetch'), budgetMs: 30_000 }],
      [{ url: at(server, 'fine-again') }],
      [{ url: at(server, 'hang-reused'), budgetMs: 300 }],
      [
        { url: at(full, 'syn'), budgetMs: synBudgetMs },
        { client: 'fetch', url: at(full, 'syn-fetch'), budgetMs: synBudgetMs },
        { url: `http://two.test:${full.port}/two`, budgetMs: synBudgetMs, addresses: twice },
        { url: at({ port: closedPort }, 'refused') },
        { client: 'fetch', url: at({ port: closedPort }, 'refused-fetch'), budgetMs: 30_000 },
        { url: at(silent, 'silent'), budgetMs: 300 },
        { client: 'fetch', url: at(silent, 'silent-fetch'), budgetMs: 300 },
        { client: 'fetch', url: at(server, 'stall-fetch'), budgetMs: 300 },
        { url: at(deaf, 'upload'), budgetMs: 1500, bodyBytes: 16_000_000 },
        { url: at(server, 'late') },
      ],
    ]);
  });

  it.each(['syn', 'syn-fetch'])('a SYN that nothing answers was sent again (%s)', async (path) => {
    const tcp = await tcpOf(path);
    expect(tcp).toMatchObject({ source: 'tcp_info', state: 'SYN_SENT', unacked: 1, segments_in: 0 });
    expect(tcp['retransmits']).toBeGreaterThanOrEqual(1);
    expect(tcp['total_retransmits']).toBeGreaterThanOrEqual(1);
    expect(tcp).toMatchObject({ bytes_sent: 0, bytes_acked: 0, bytes_received: 0 });
    expect(tcp).not.toHaveProperty('send_window');
    expect(tcp).not.toHaveProperty('last_data_received_ms');
  });

  it('of several addresses, each attempt tells how often its SYN was sent again', async () => {
    const { attributes } = await receiver.waitFor((each) => isCallTo(each, 'two'));
    expect(attributes['sockeye.connect.attempts']).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ timeout \d+ms retransmits=0$/),
      expect.stringMatching(/^\[::ffff:127\.0\.0\.1\]:\d+ (open|ECANCELED) \d+ms retransmits=[1-9]$/),
    ]);
  });

  it.each(['refused', 'refused-fetch'])('a refusal is a segment that came back (%s)', async (path) => {
    const tcp = await tcpOf(path);
    expect(tcp).toMatchObject({ source: 'tcp_info', state: 'CLOSE', segments_in: 1, total_retransmits: 0 });
  });

  it.each(['silent', 'silent-fetch'])('a request that arrived and was not answered (%s)', async (path) => {
    const tcp = await tcpOf(path);
    expect(tcp).toMatchObject({ state: 'ESTABLISHED', unacked: 0, bytes_received: 0, unread: 0 });
    expect(tcp['bytes_sent']).toBeGreaterThan(50);
    expect(tcp['bytes_acked']).toBe(tcp['bytes_sent']);
    expect(tcp).not.toHaveProperty('scope');
  });

  it('an upload that the peer does not read is held back by its window', async () => {
    const tcp = await tcpOf('upload');
    expect(tcp).toMatchObject({ state: 'ESTABLISHED', send_window: 0 });
    expect(tcp['not_sent']).toBeGreaterThan(0);
    expect(tcp['bytes_acked']).toBeLessThan(16_000_000);
    expect(tcp['rwnd_limited_us']).toBeGreaterThan(500_000);
  });

  it('an answer that stalls tells how long ago its last bytes came', async () => {
    const tcp = await tcpOf('stall-fetch');
    expect(tcp['bytes_received']).toBeGreaterThan(50);
    expect(tcp['last_data_received_ms']).toBeGreaterThan(0);
  });

  it('a connection that was used before has the bytes of this call alone, and no counters of earlier ones', async () => {
    const tcp = await tcpOf('hang-reused');
    expect(tcp).toMatchObject({ source: 'tcp_info', state: 'ESTABLISHED', bytes_received: 0 });
    expect(tcp['bytes_sent']).toBeLessThan(250);
    expect(tcp['bytes_acked']).toBe(tcp['bytes_sent']);
    expect(tcp).not.toHaveProperty('total_retransmits');
    expect(tcp).not.toHaveProperty('segments_in');
  });

  it('a slow call that succeeds carries it too', async () => {
    const tcp = await tcpOf('late');
    expect(tcp).toMatchObject({ source: 'tcp_info', state: 'ESTABLISHED', unacked: 0 });
    expect(tcp['bytes_received']).toBeGreaterThan(0);
  });

  it('fast calls that succeed carry nothing, and the library is not loaded for them', async () => {
    for (const path of ['fine', 'fine-fetch', 'fine-again']) expect(await tcpOf(path)).toEqual({});
    expect(run.stdout.split('\n').slice(0, 4)).toEqual([
      'loaded false',
      'loaded false',
      'loaded true',
      'loaded true',
    ]);
    expect(run.stderr).toBe('');
  });
});

describe('without koffi', () => {
  it('the row in /proc tells the same, once a second, and a span says what it lacks', async () => {
    const { stdout, stderr } = await runCalls(
      [
        [
          { url: at(full, 'syn-proc'), budgetMs: synBudgetMs },
          { url: at(full, 'syn-beside'), budgetMs: synBudgetMs },
        ],
        [{ url: at(server, 'fine-proc') }],
        [{ url: at(silent, 'silent-proc'), budgetMs: 1200 }],
      ],
      ['--no-addons'],
    );
    const both = [await tcpOf('syn-proc'), await tcpOf('syn-beside')];
    const [tooSoon, syn] = both.toSorted((a, b) => String(a['source']).localeCompare(String(b['source'])));
    const answered = await tcpOf('silent-proc');
    expect(syn).toMatchObject({ source: 'proc', state: 'SYN_SENT', bytes_acked: 0, bytes_received: 0 });
    expect(syn!['retransmits']).toBeGreaterThanOrEqual(1);
    expect(syn!['problem']).toMatch(/^koffi could not be loaded: /);
    expect(tooSoon).toEqual({
      source: 'none',
      problem: expect.stringMatching(/once a second at most$/) as string,
    });
    expect(answered).toMatchObject({ source: 'proc', state: 'ESTABLISHED', bytes_received: 0, unread: 0 });
    expect(answered['bytes_acked']).toBeGreaterThan(50);
    expect(await tcpOf('fine-proc')).toEqual({});
    expect(stdout).toBe('loaded false\nloaded false\nloaded false\nend\n');
    expect(stderr).toBe('');
  });

  it('and without /proc the span says that there is no evidence, and why', async () => {
    const root = appFile('../../../');
    // Newer Node asks for the network too.
    const network = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];
    await runCalls(
      [[{ url: at(full, 'syn-blind'), budgetMs: 300 }]],
      ['--permission', `--allow-fs-read=${root}`, '--disable-warning=SecurityWarning', ...network],
      ['blind'],
    );
    expect(await tcpOf('syn-blind')).toEqual({
      source: 'none',
      problem: expect.stringMatching(/^koffi could not be loaded: .*; .*ERR_ACCESS_DENIED$/) as string,
    });
  });
});
