/** `sockeye doctor` against real peers of loopback: where it stops, in whose words, and by what evidence. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:tls';
import { setTimeout } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { runProbe } from '../../collector/cli/doctor/run-probe.ts';
import { judgeStep } from '../../collector/cli/doctor/judge.ts';
import { parseTarget } from '../../collector/cli/doctor/target.ts';
import {
  certificateFile,
  closedPort,
  startFullListener,
  startHttpServer,
  startSilentServer,
} from '../instrumentation/faults.ts';
import {
  examine,
  expiredCertificate,
  listening,
  peer,
  startDoctor,
  startExpired,
  startSpeaker,
} from './doctor-peers.ts';
import { CONTROLS, sockeye, widest } from './shop.ts';

test('each step of a call that works, with what the kernel says of it', async () => {
  const port = await peer(startHttpServer());
  const { code, stdout, stderr } = await sockeye([
    'doctor',
    `http://user:pass@localhost:${port}/a?token=secret`,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^localhost:\d+ · HTTP\n\n/);
  expect(stdout).toMatch(/\n {2}✓ dns +\S+ m?s {2}.*127\.0\.0\.1.*\(from \/etc\/hosts\)\n/);
  expect(stdout).toMatch(/\n {2}✓ connect +\S+ m?s {2}127\.0\.0\.1: connected, round trip \S+ ms\n/);
  expect(stdout).toMatch(/\n {2}✓ request +\S+ m?s {2}GET \/a\?…: 200 OK\n +first byte after \S+ m?s, 6 B\n/);
  expect(stdout).toContain(`✓ Nothing stops it from here: localhost:${port} answers.`);
  expect(stdout).not.toMatch(/secret|pass|evidence/);
  expect(widest(stdout)).toBeLessThanOrEqual(80);
});

test('a certificate, its names and its end; what is not trusted stops it', async () => {
  const port = await peer(startHttpServer('https'));
  const trusting = await examine([`https://127.0.0.1:${port}/`], { NODE_EXTRA_CA_CERTS: certificateFile });
  expect(trusting).toMatchObject({ code: 0, said: { ok: true, missing: null } });
  expect(trusting.step('tls')).toMatchObject({ tls: { version: 'TLSv1.3', alpn: 'http/1.1' } });
  expect(trusting.step('request')).toMatchObject({ answer: { status: 200, bodyBytes: 6 } });

  const { code, said, step, verdict } = await examine([`https://127.0.0.1:${port}/`]);
  expect({ code, stoppedAt: said.stoppedAt }).toEqual({ code: 1, stoppedAt: 'tls' });
  expect(step('tls')).toMatchObject({
    failure: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    tls: { certificate: { subject: 'loopback for tests' } },
  });
  expect(verdict).toMatchObject({ phase: 'tls', cause: 'C8', giveUp: { kind: 'tls' } });

  // It is for the address alone.
  const named = await startDoctor([`https://localhost:${port}/`], { NODE_EXTRA_CA_CERTS: certificateFile })
    .ended;
  expect(named.code).toBe(1);
  expect(named.stdout.replaceAll(/\s+/g, ' ')).toContain(
    'the certificate is for other names (ERR_TLS_CERT_ALTNAME_INVALID)',
  );
});

test('an expired certificate', async () => {
  const port = await peer(startExpired());
  const { code, stdout } = await startDoctor([`https://localhost:${port}/`], {
    NODE_EXTRA_CA_CERTS: expiredCertificate,
  }).ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/the certificate has expired\s+\(CERT_HAS_EXPIRED\)/);
  expect(stdout).toMatch(/expired 2021-01-01, [\d,]+ days ago/);
  expect(stdout).toMatch(/✕ doctor could not set up TLS with localhost/);
});

test('TLS that never comes about, and one that the peer does not speak', async () => {
  const silent = await peer(startSilentServer());
  const stalled = await examine([`https://127.0.0.1:${silent}/`, '--timeout', '1s']);
  expect(stalled).toMatchObject({ code: 1, said: { stoppedAt: 'tls' } });
  expect(stalled.step('tls')).toMatchObject({ failure: { isTimeout: true, message: 'no TLS within 1 s' } });
  expect(stalled.verdict).toMatchObject({
    phase: 'tls',
    cause: 'C8',
    confidence: 'possible',
    giveUp: { kind: 'timeout', timer: 'app', budgetMs: 1000 },
  });
  expect(stalled.verdict!.evidence).toContainEqual(
    expect.objectContaining({ source: 'client-kernel', attribute: 'sockeye.tcp.unacked', value: 0 }),
  );

  const plain = await peer(startHttpServer());
  const wrong = await examine([`127.0.0.1:${plain}`, '--tls']);
  expect(wrong.step('tls')).toMatchObject({ failure: { code: 'ERR_SSL_WRONG_VERSION_NUMBER' } });
});

test('a peer that ends TLS by an alert: in words, the same at each run', async () => {
  const server = {
    key: readFileSync('test/instrumentation/tls/key.pem'),
    cert: readFileSync(certificateFile),
  };
  const trusting = { NODE_EXTRA_CA_CERTS: certificateFile };
  const mutual = { ...server, requestCert: true, rejectUnauthorized: true };
  const demanding = await peer(listening(createTlsServer(mutual)));
  const { code, said, step, verdict } = await examine([`https://127.0.0.1:${demanding}/`], trusting);
  expect({ code, stoppedAt: said.stoppedAt }).toEqual({ code: 1, stoppedAt: 'request' });
  expect(step('request')!.failure).toEqual({
    code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    message: 'tlsv13 alert certificate required',
    isTimeout: false,
  });
  expect(verdict).toMatchObject({ cause: 'C8', giveUp: { kind: 'tls' } });
  expect(verdict!.sentence).toMatch(/: the peer demands a client certificate\.$/);
  expect(JSON.stringify(said)).not.toContain('SSL routines');

  const speaksOther = await peer(listening(createTlsServer({ ...server, ALPNProtocols: ['spdy'] })));
  const other = await startDoctor([`https://127.0.0.1:${speaksOther}/`], trusting).ended;
  expect(other.code).toBe(1);
  expect(other.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    /✕ tls .*the peer speaks none of the protocols that were offered \(ALPN\) \(ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL\)/,
  );
  expect(other.stdout).not.toContain('SSL routines');
});

test('a refused connection', async () => {
  const { code, said, verdict, step } = await examine([`127.0.0.1:${closedPort}`]);
  expect({ code, stoppedAt: said.stoppedAt }).toEqual({ code: 1, stoppedAt: 'connect' });
  expect(step('connect')).toMatchObject({
    failure: { code: 'ECONNREFUSED' },
    kernel: { 'sockeye.tcp.segments_in': 1 },
  });
  expect(verdict).toMatchObject({ phase: 'connect', cause: 'C7', giveUp: { kind: 'refused' } });
  expect(said.steps).toHaveLength(1);
});

test.skipIf(process.platform !== 'linux')(
  'a full listen queue of this host: its own kernel counted that',
  { timeout: 30_000 },
  async () => {
    const port = await peer(startFullListener());
    const { code, verdict, step } = await examine([`127.0.0.1:${port}`, '--timeout', '2500ms']);
    expect(code).toBe(1);
    expect(step('connect')).toMatchObject({ failure: { isTimeout: true } });
    expect(verdict).toMatchObject({ phase: 'connect', cause: 'C1', confidence: 'likely' });
    expect(verdict!.sentence).toMatch(/the TCP connect never completed \(\d SYN retransmits?, no reply\)/);
    expect(verdict!.evidence).toContainEqual(
      expect.objectContaining({ source: 'host', attribute: 'sockeye.host.tcp.listen_overflows' }),
    );
  },
);

test('a server that never answers, one that breaks off, one whose answer says so', async () => {
  const port = await peer(startHttpServer());
  const url = `http://127.0.0.1:${port}`;
  const hanging = await examine([`${url}/hang`, '--timeout', '1s']);
  expect(hanging).toMatchObject({ code: 1, said: { stoppedAt: 'request' } });
  expect(hanging.verdict).toMatchObject({ phase: 'wait', cause: 'C3', giveUp: { kind: 'timeout' } });
  expect(hanging.verdict!.sentence).toContain('the request was sent and acknowledged, no first byte came');

  const stalling = await examine([`${url}/stall`, '--timeout', '1s']);
  expect(stalling.step('request')).toMatchObject({ answer: { status: 200, bodyBytes: 5 } });
  expect(stalling.verdict).toMatchObject({ phase: 'receive', cause: 'G5' });

  const failing = await peer(
    listening(
      createHttpServer((request, response) => response.writeHead(Number(request.url!.slice(1))).end()),
    ),
  );
  const gateway = await examine([`http://127.0.0.1:${failing}/504`]);
  expect(gateway).toMatchObject({ code: 1, verdict: { giveUp: { kind: 'gateway' } } });
  const own = await startDoctor([`http://127.0.0.1:${failing}/500`]).ended;
  expect(own.code).toBe(1);
  expect(own.stdout).toMatch(/was reached, and answered 500/);
  expect((await examine([`http://127.0.0.1:${failing}/404`])).code).toBe(0);
});

test('a bare port: who speaks first, who waits, who closes at once', async () => {
  const hostile = '220 \u001b[2J\u009b31mready\r\n';
  const speaker = await startDoctor([`127.0.0.1:${await peer(startSpeaker(hostile))}`]).ended;
  expect(speaker.code).toBe(0);
  expect(speaker.stdout).toContain('speaks first: 220 \\u001b[2J\\u009b31mready\n');
  expect(speaker.stdout).not.toMatch(CONTROLS);

  const waiting = await examine([`127.0.0.1:${await peer(startSilentServer())}`]);
  expect(waiting).toMatchObject({ code: 0, said: { ok: true } });
  expect(waiting.step('listen')).toMatchObject({ heard: { said: '', isClosed: false } });

  const closing = await examine([`127.0.0.1:${await peer(startSpeaker(null))}`]);
  expect(closing).toMatchObject({ code: 1, said: { stoppedAt: 'listen' } });
  expect(closing.verdict).toMatchObject({ giveUp: { kind: 'reset' } });
});

test('of gRPC, whether the peer speaks HTTP/2', async () => {
  const speaks = await startDoctor([`grpc://127.0.0.1:${await peer(listening(createHttp2Server()))}`]).ended;
  expect(speaks.code).toBe(0);
  expect(speaks.stdout).toMatch(/✓ http2 .* 127\.0\.0\.1: speaks HTTP\/2\n/);
  const other = await startDoctor([`grpc://127.0.0.1:${await peer(startHttpServer())}`]).ended;
  expect(other.code).toBe(1);
  expect(other.stdout).toMatch(/the peer does not speak HTTP\/2 on this port/);
  const silent = await examine([`grpc://127.0.0.1:${await peer(startSilentServer())}`, '--timeout', '1s']);
  expect(silent).toMatchObject({ code: 1, said: { stoppedAt: 'http2' } });
  expect(silent.verdict).toMatchObject({ phase: 'wait', cause: 'C3', giveUp: { kind: 'timeout' } });
  const closing = await examine([`grpc://127.0.0.1:${await peer(startSpeaker(null))}`]);
  expect(closing).toMatchObject({ code: 1, verdict: { giveUp: { kind: 'reset' } } });
});

test('the method and headers that were asked for, and no trace context', async () => {
  const asked: unknown[] = [];
  const port = await peer(
    listening(
      createHttpServer(({ method, headers, url }, response) => {
        asked.push({ method, url, headers });
        response.end();
      }),
    ),
  );
  const { code, stdout } = await startDoctor(
    [
      `http://u:p@127.0.0.1:${port}/x?y=1`,
      '--method',
      'HEAD',
      '--header',
      'X-Key: hidden',
      '--header',
      'x-key: more',
    ],
    { HTTP_PROXY: 'http://me:pw@127.0.0.1:1', NODE_USE_ENV_PROXY: '1' },
  ).ended;
  expect(code).toBe(0);
  const headers = { 'x-key': 'hidden, more', authorization: `Basic ${btoa('u:p')}` };
  expect(asked).toEqual([
    { method: 'HEAD', url: '/x?y=1', headers: expect.objectContaining(headers) as unknown },
  ]);
  expect(asked[0]).not.toHaveProperty('headers.traceparent');
  expect(stdout).toContain('Goes direct; other programs may go by HTTP_PROXY=http://…@127.0.0.1:1.');
  expect(stdout).not.toMatch(/hidden|pw/);
});

test('without koffi it says which evidence is missing', async () => {
  const port = await peer(startSilentServer());
  const { said, verdict } = await examine([`http://127.0.0.1:${port}/`, '--timeout', '1s'], {
    NODE_OPTIONS: '--no-addons',
  });
  expect(said.missing).toMatch(/kernel evidence/);
  expect(verdict).toMatchObject({ phase: 'wait', giveUp: { kind: 'timeout' } });
});

test('without the hook its own measurements are judged', async () => {
  const port = await peer(startSilentServer());
  const target = parseTarget(`http://127.0.0.1:${port}/`, false);
  const order = { target, timeoutMs: 1_000, method: 'GET', headers: [], hook: null };
  const ended = [];
  for await (const report of runProbe(order, new AbortController().signal))
    if (report.kind === 'ended') ended.push(report);
  expect(ended.map(({ step, span }) => ({ step, span }))).toEqual([
    { step: 'connect', span: null },
    { step: 'request', span: null },
  ]);
  expect(judgeStep(ended[0]!, target, () => [])).toBeNull();
  expect(judgeStep(ended[1]!, target, () => [])).toMatchObject({
    phase: 'wait',
    giveUp: { kind: 'timeout' },
  });
});

test.skipIf(process.platform !== 'linux')('an interrupt ends it and the probe', async () => {
  const port = await peer(startSilentServer());
  const { child, ended, output } = startDoctor([`http://127.0.0.1:${port}/`], {}, [], true);
  await vi.waitUntil(() => output().includes('✓ connect'), { timeout: 10_000 });
  const [probe] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
  expect(Number(probe)).toBeGreaterThan(0);
  // As a terminal does, which sends it to both.
  process.kill(Number(probe), 'SIGINT');
  await setTimeout(200);
  process.kill(-child.pid!, 'SIGINT');
  expect(await ended).toMatchObject({ code: 130, stderr: '' });
  await expect.poll(() => existsSync(`/proc/${probe}/cwd`)).toBe(false);
});

test('what is wrong is said, with what was expected', async () => {
  const cases: [args: string[], message: RegExp][] = [
    [[], /got nothing, expected a URL or HOST:PORT/],
    [['a:1', 'b:2'], /got 2 targets/],
    [['https://me:secret@bad:99999/'], /got "https:\/\/…@bad:99999\/", expected a URL/],
    [['payments:1', '--method', 'GET'], /--method: got it with HOST:PORT, expected a URL/],
    [['http://payments/', '--method', 'G T'], /--method: got "G T"/],
    [['http://payments/', '--header', 'secret'], /--header: got one that is none/],
    [['payments:1', '--timeout', 'soon'], /--timeout: got "soon"/],
    [['payments:1', '--timeout', '11m'], /--timeout: got "11m", expected 100ms to 10m/],
    [['payments:1', '--bogus'], /expected the flags of sockeye doctor --help/],
  ];
  const all = await Promise.all(cases.map(([args]) => sockeye(['doctor', ...args])));
  for (const [index, ended] of all.entries()) {
    expect(ended, cases[index]![0].join(' ')).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(cases[index]![1]);
    expect(ended.stderr).not.toContain('secret');
  }
  const help = await sockeye(['doctor', '--help']);
  expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('doctor URL|HOST:PORT') as string });
});
