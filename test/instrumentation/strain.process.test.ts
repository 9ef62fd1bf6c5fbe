/** What a process did to itself during a call that failed or was slow: real busy loops, garbage, quotas and full threads. */
import { spawnSync } from 'node:child_process';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHttpServer, startSilentServer, type Fault } from './faults.ts';
import { startReceiver, type ReceivedSpan, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook, type RunningApp } from './run-app.ts';

let receiver: Receiver;
let service: RunningApp;
let url: string;
let silent: Fault;
let server: Fault;

beforeAll(async () => {
  receiver = await startReceiver();
  silent = await startSilentServer();
  server = await startHttpServer();
  const { flags, env } = withHook(receiver.url);
  service = startApp(appFile('strained.cjs'), {
    flags,
    env: { ...env, OTEL_RESOURCE_ATTRIBUTES: 'service.version=7.8.9' },
  });
  url = `http://127.0.0.1:${(await service.line('port ')).slice(5)}`;
});

afterAll(async () => {
  service?.child.kill('SIGKILL');
  for (const each of [receiver, silent, server]) each?.close();
  await service?.ended;
});

/** Strains the service in one way while it calls; gives the span of that call. */
async function callUnder(strain: string, { port }: Fault, path: string): Promise<ReceivedSpan> {
  const to = `http://127.0.0.1:${port}/${path}-${strain}`;
  await fetch(`${url}/${strain}?to=${encodeURIComponent(to)}`).then((answer) => answer.text());
  return receiver.waitFor(({ kind, attributes }) => kind === 'client' && attributes['url.full'] === to);
}

const processOf = ({ attributes }: ReceivedSpan, name: string) =>
  Number(attributes[`sockeye.process.${name}_ms`]);

describe('a call that failed', () => {
  it('says how long the event loop was blocked meanwhile', async () => {
    const span = await callUnder('block', silent, 'hang');
    expect(span.error).toBe(true);
    expect(processOf(span, 'event_loop_blocked')).toBeGreaterThan(550);
    expect(processOf(span, 'event_loop_blocked')).toBeLessThanOrEqual(span.durationMs + 1);
    expect(processOf(span, 'event_loop_blocked_cpu')).toBeGreaterThan(60);
  });

  it('says that its thread computed nothing in a block in which it waited', async () => {
    const span = await callUnder('sleep', silent, 'hang');
    expect(processOf(span, 'event_loop_blocked')).toBeGreaterThan(550);
    expect(processOf(span, 'event_loop_blocked_cpu')).toBeLessThan(60);
  });

  it('says that it was not, beside a peer that is silent', async () => {
    const span = await callUnder('quiet', silent, 'hang');
    expect(processOf(span, 'event_loop_blocked')).toBeLessThan(span.durationMs * 0.75);
    expect(span.attributes).toHaveProperty(['sockeye.process.gc_ms']);
  });

  it('says how long garbage was collected', async () => {
    const span = await callUnder('collect', silent, 'hang');
    expect(processOf(span, 'gc')).toBeGreaterThan(20);
    expect(processOf(span, 'gc')).toBeLessThanOrEqual(processOf(span, 'event_loop_blocked') + 50);
  });

  it('because the program was blocked while its answer lay in the kernel has both on its span', async () => {
    const span = await callUnder('deaf', server, 'late');
    expect(span.attributes).toMatchObject({
      'sockeye.timeout.phase': 'wait',
      'sockeye.timeout.timer': 'http_timeout',
      // The server has answered, and closed its side.
      'sockeye.tcp.state': 'CLOSE_WAIT',
    });
    expect(span.attributes['sockeye.tcp.unread']).toBeGreaterThan(0);
    expect(processOf(span, 'event_loop_blocked')).toBeGreaterThan(1200);
  });
});

describe('a server span', () => {
  it('that failed tells how old the process is, and its version', async () => {
    await fetch(`${url}/fail`);
    const span = await receiver.waitFor(({ attributes }) => attributes['url.path'] === '/fail');
    expect(span.attributes).toMatchObject({ 'service.version': '7.8.9', 'error.type': '500' });
    expect(span.attributes['process.uptime_ms']).toBeGreaterThan(0);
    expect(span.attributes).toHaveProperty(['sockeye.process.event_loop_blocked_ms']);
  });

  it.each([
    ['block', 300, Infinity],
    ['sleep', 0, 60],
  ])('that was slow in a %s tells how long its thread computed', async (strain, least, most) => {
    await fetch(`${url}/${strain}-long`);
    const span = await receiver.waitFor(({ attributes }) => attributes['url.path'] === `/${strain}-long`);
    expect(processOf(span, 'event_loop_blocked')).toBeGreaterThan(1000);
    expect(processOf(span, 'event_loop_blocked_cpu')).toBeGreaterThanOrEqual(least);
    expect(processOf(span, 'event_loop_blocked_cpu')).toBeLessThan(most);
  });

  it('that was quick and did not fail tells nothing of it', async () => {
    await fetch(`${url}/fine`);
    const span = await receiver.waitFor(({ attributes }) => attributes['url.path'] === '/fine');
    const told = Object.keys(span.attributes).filter((key) => /^(sockeye\.)?process\.|service\./.test(key));
    expect(told).toEqual([]);
  });
});

/** A control group of this machine with a tenth of a CPU; undefined where none can be made. */
function makeGroup(): string | undefined {
  for (const [root, file, quota] of [
    ['/sys/fs/cgroup', 'cpu.max', '10000 100000'],
    ['/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', '10000'],
  ] as const) {
    const folder = join(root, `sockeye-test-${process.pid}`);
    try {
      mkdirSync(folder);
      if (existsSync(join(folder, file))) {
        writeFileSync(join(folder, file), quota);
        return folder;
      }
      rmdirSync(folder);
    } catch {
      // Not allowed here, or the other hierarchy.
    }
  }
  return undefined;
}

const group = makeGroup();
afterAll(() => {
  if (group !== undefined) rmdirSync(group);
});

it.skipIf(group === undefined)(
  'a call of a process out of its CPU quota says how long it was throttled',
  async () => {
    const { flags, env } = withHook(receiver.url);
    const script = `echo $$ > ${group}/cgroup.procs; exec "$0" "$@"`;
    const app = startApp(appFile('strained.cjs'), { starter: ['sh', '-c', script], flags, env });
    try {
      const throttled = `http://127.0.0.1:${(await app.line('port ')).slice(5)}`;
      const to = `http://127.0.0.1:${silent.port}/throttled`;
      await fetch(`${throttled}/block?to=${encodeURIComponent(to)}`).then((answer) => answer.text());
      const span = await receiver.waitFor(
        ({ kind, attributes }) => kind === 'client' && attributes['url.full'] === to,
      );
      expect(processOf(span, 'throttled')).toBeGreaterThan(50);
    } finally {
      app.child.kill('SIGKILL');
      await app.ended;
    }
  },
);

/** Whether a program can be given another /etc/resolv.conf, and that resolver the port of DNS. */
function canReplaceResolver(): boolean {
  try {
    accessSync('/etc/resolv.conf', constants.R_OK);
    return spawnSync('unshare', ['-m', 'true']).status === 0;
  } catch {
    return false;
  }
}

describe.skipIf(!canReplaceResolver())('lookups that nobody answers', () => {
  const address = `127.${100 + (process.pid % 100)}.${(process.pid >> 7) % 250}.53`;
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-resolver-'));
  let resolver: UdpSocket;
  let app: RunningApp;

  beforeAll(async () => {
    resolver = createSocket('udp4');
    await new Promise<void>((resolve) => resolver.bind(53, address, resolve));
    const file = join(folder, 'resolv.conf');
    writeFileSync(file, `nameserver ${address}\n`);
    const { flags, env } = withHook(receiver.url);
    const script = `mount --bind ${file} /etc/resolv.conf && exec "$0" "$@"`;
    const starter = ['unshare', '-m', 'sh', '-c', script];
    app = startApp(appFile('strained.cjs'), { starter, flags, env, args: ['lookups'] });
    await app.line('done');
  });

  afterAll(async () => {
    app?.child.kill('SIGKILL');
    resolver?.close();
    rmSync(folder, { recursive: true });
    await app?.ended;
  });

  it('take the threads that they may have: the third waits for one, and says for how long', async () => {
    const spans = await Promise.all(
      ['one', 'two', 'three'].map((name) =>
        receiver.waitFor(({ attributes }) => String(attributes['url.full']).endsWith(`/${name}`)),
      ),
    );
    for (const span of spans) {
      expect(span.attributes).toMatchObject({ 'sockeye.timeout.phase': 'dns' });
      expect(span.attributes['sockeye.phase.dns_ms']).toBeGreaterThan(1000);
    }
    const waitedMs = spans.map((span) => processOf(span, 'dns_queue') || 0);
    expect(waitedMs.slice(0, 2)).toEqual([0, 0]);
    expect(waitedMs[2]).toBeGreaterThan(1000);
  });
});

it('a call beside the proxy of a mesh says that one stands between', async () => {
  const mesh = createServer();
  // Somebody else who listens there will do.
  await new Promise<void>((resolve) => {
    mesh.once('error', () => resolve()).listen(15_006, '127.0.0.1', resolve);
  });
  const { flags, env } = withHook(receiver.url);
  const app = startApp(appFile('strained.cjs'), { flags, env });
  try {
    const meshed = `http://127.0.0.1:${(await app.line('port ')).slice(5)}`;
    const to = `http://127.0.0.1:${silent.port}/meshed`;
    await fetch(`${meshed}/quiet?to=${encodeURIComponent(to)}`).then((answer) => answer.text());
    const span = await receiver.waitFor(
      ({ kind, attributes }) => kind === 'client' && attributes['url.full'] === to,
    );
    expect(span.attributes['sockeye.sidecar']).toBe('istio');
  } finally {
    app.child.kill('SIGKILL');
    mesh.close();
    await app.ended;
  }
});
