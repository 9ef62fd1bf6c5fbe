/** `sockeye timeouts` against a real collector: what it lists, what it says where there is nothing, and what is refused. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../collector/config.ts';
import { startCollector, type Collector } from '../serve/start-collector.ts';
import { TRACE_ID } from '../serve/shop-trace.ts';
import { CONTROLS, hostileTrace, send, sendShopTrace, sockeye, widest } from './shop.ts';

const TOKEN = 'a-secret-of-tests';
let collector: Collector;
let guarded: Collector;
beforeAll(async () => {
  [collector, guarded] = await Promise.all([startCollector(), startCollector('--token', TOKEN)]);
  await sendShopTrace(collector.url);
});
afterAll(() => Promise.all([collector.close(), guarded.close()]));
const timeouts = (...args: string[]) => sockeye(['timeouts', ...args], { SOCKEYE_URL: collector.url });

test('an incident stands with its edge, phase, state, cause, counts, times and a trace to look at', async () => {
  const { code, stdout, stderr } = await timeouts();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^1 incident in the last 1h at http:.*\n/);
  expect(stdout).toMatch(/checkout → payments · connect +new\n/);
  expect(stdout).toMatch(/possible: .* \(B\d\), or \d+ other causes/s);
  expect(stdout).toMatch(/1 timeout, 100 % of its calls; hits POST \/buy of gateway/);
  expect(stdout).toMatch(/first \d\d:\d\d:\d\d, last \d\d:\d\d:\d\d/);
  expect(stdout).toContain(`sockeye trace ${TRACE_ID}`);
  expect(widest(stdout)).toBeLessThanOrEqual(80);
});

test('--json is what the API answers', async () => {
  const { stdout } = await timeouts('--json', '--since', '30m');
  const said = JSON.parse(stdout) as { incidents: object[] };
  const answer = (await (await fetch(`${collector.url}/api/timeouts?from=now-30m`)).json()) as typeof said;
  expect(said.incidents.length).toBe(1);
  expect({ ...said, incidents: said.incidents.map((one) => ({ ...one, series: [] })) }).toEqual({
    ...answer,
    incidents: answer.incidents.map((one) => ({ ...one, series: [] })),
  });
});

test('where there is none, it says what was looked at', async () => {
  const over = await timeouts('--state', 'resolved', '--since', '15m');
  expect(over).toMatchObject({ code: 0, stderr: '' });
  expect(over.stdout.replaceAll('\n', ' ')).toMatch(
    /No resolved incidents in the last 15m at .*: \d+ calls checked/,
  );
  const early = await timeouts('--since', '1s');
  expect(early.stdout).toMatch(/No incidents in the last 1s/);
});

test('a token is taken from a flag or the environment', async () => {
  const url = ['--url', guarded.url];
  expect(await timeouts(...url)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('SOCKEYE_TOKEN') as string,
  });
  expect(await timeouts(...url, '--token', TOKEN)).toMatchObject({ code: 0 });
  expect(await sockeye(['timeouts', ...url], { SOCKEYE_TOKEN: TOKEN })).toMatchObject({ code: 0 });
  expect(await sockeye(['timeouts', ...url, '--token', TOKEN], { SOCKEYE_TOKEN: 'another' })).toMatchObject({
    code: 0,
  });
});

test('names that would steer a terminal are written out', async () => {
  const other = await startCollector();
  try {
    await send(other.url, hostileTrace());
    await expect
      .poll(async () => (await sockeye(['timeouts', '--url', other.url])).stdout)
      .toContain('1 incident');
    const { stdout } = await sockeye(['timeouts', '--url', other.url]);
    expect(stdout).toContain('\\u001b[2J');
    expect(stdout).not.toMatch(CONTROLS);
    expect('\u001b').toMatch(CONTROLS);
  } finally {
    await other.close();
  }
});

test('what is wrong is said, with what was expected and what to do', async () => {
  const cases: [args: string[], code: number, message: RegExp][] = [
    [
      ['--url', 'http://127.0.0.1:9999'],
      1,
      /got a refused connection at http:\/\/127\.0\.0\.1:9999, expected a running collector\n.*sockeye serve/,
    ],
    [['--url', 'ftp://x'], 2, /--url: got "ftp:\/\/x", expected the web address of a collector/],
    [['--since', 'yesterday'], 2, /--since: got "yesterday", expected a duration such as/],
    [['--limit', '0'], 2, /--limit: got "0", expected a number from 1 to 1000/],
    [['--state', 'bad'], 2, /state .* Got bad, expected one of new, ongoing, resolved/],
    [
      ['--nonsense'],
      2,
      /timeouts: got Unknown option '--nonsense', expected the flags of sockeye timeouts --help/,
    ],
    [['more'], 2, /timeouts: got Unexpected argument 'more'/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await timeouts(...args);
    expect(ended, args.join(' ')).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(message);
  }
  expect(await timeouts('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--since') as string,
  });
});

test('TLS: a certificate of our own is trusted when Node is told to, and what is wrong is said', async () => {
  const file = (name: string) => resolve('test/main', name);
  const flags = ['--tls-cert', file('localhost.cert.pem'), '--tls-key', file('localhost.key.pem')];
  const secure = await startCollector(...flags);
  try {
    const url = secure.url.replace('127.0.0.1', 'localhost');
    const trusting = { SOCKEYE_URL: url, NODE_EXTRA_CA_CERTS: file('localhost.cert.pem') };
    expect(await sockeye(['timeouts'], trusting)).toMatchObject({ code: 0, stderr: '' });
    const strange = await timeouts('--url', url);
    expect(strange).toMatchObject({ code: 1, stdout: '' });
    expect(strange.stderr).toMatch(
      /got .*CERT.*, expected a certificate that is trusted here.*NODE_EXTRA_CA_CERTS/,
    );
    const plain = await timeouts('--url', url.replace('https:', 'http:'));
    expect(plain.stderr).toMatch(/expected a running collector; with TLS its address begins with https:/);
    const other = await timeouts('--url', collector.url.replace('http:', 'https:'));
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toMatch(/expected a running collector; without TLS its address begins with http:/);
  } finally {
    await secure.close();
  }
});

test('a collector ignores the variable of commands without a word', () => {
  expect(readConfig([], { SOCKEYE_URL: 'http://127.0.0.1:4319' }).warnings).toEqual([]);
});

test('another program at that address is not taken for a collector', async () => {
  const server = createServer(({ url = '' }, response) =>
    response
      .writeHead(url.startsWith('/missing') ? 404 : 200, { 'content-type': 'text/html' })
      .end('\u001b[2Jnot here'),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const [path, status] of [
      ['/missing', 404],
      ['', 200],
    ] as const) {
      const { code, stderr } = await timeouts('--url', `${url}${path}`);
      expect(code).toBe(1);
      expect(stderr).toContain(
        `got status ${status} with text/html from ${url}${path}, expected the API of a collector`,
      );
    }
  } finally {
    server.close();
  }
});
