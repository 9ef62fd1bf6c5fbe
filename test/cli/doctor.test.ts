/** What `sockeye doctor` is pointed at, and how its steps read. */
import { expect, test } from 'vitest';
import { conclusion } from '../../collector/cli/doctor/conclude.ts';
import { failureWords, formatStep } from '../../collector/cli/doctor/format-steps.ts';
import { judgeStep } from '../../collector/cli/doctor/judge.ts';
import { proxyFor } from '../../collector/cli/doctor/proxies.ts';
import type { EndedStep } from '../../collector/cli/doctor/run-probe.ts';
import { labelOf, parseTarget } from '../../collector/cli/doctor/target.ts';
import { plain } from '../../collector/cli/terminal.ts';
import { withoutSecrets } from '../../collector/cli/doctor/without-secrets.ts';
import { CONTROLS } from './shop.ts';

const terminal = { columns: 80, paint: plain };
const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

test('a URL, or a host and a port', () => {
  const read = (text: string, isTls = false) => parseTarget(text, isTls);
  expect(read('https://payments/health?x=1')).toEqual({
    http: { path: '/health?x=1', credentials: null },
    isHttp2: false,
    isTls: true,
    host: 'payments',
    isAddress: false,
    port: 443,
  });
  expect(read('http://me:s%40@[::1]:80/')).toMatchObject({
    http: { path: '/', credentials: 'me:s@' },
    host: '::1',
    isAddress: true,
    port: 80,
  });
  expect(read('payments:5432')).toMatchObject({ http: null, isTls: false, host: 'payments', port: 5432 });
  expect(read('[::1]:6379', true)).toMatchObject({ isTls: true, host: '::1', isAddress: true });
  expect(read('grpc://pay:50051')).toMatchObject({ http: null, isHttp2: true, isTls: false, port: 50051 });
  expect(read('grpcs://[::1]:443/')).toMatchObject({ isHttp2: true, isTls: true, host: '::1' });
  expect(labelOf(read('[::1]:6379'))).toBe('[::1]:6379');
  for (const [text, expected] of [
    ['payments', /got "payments", expected a URL such as/],
    ['ftp://payments/', /got "ftp:\/\/payments\/", expected a URL/],
    ['https://', /expected a URL/],
    ['grpc://payments', /expected a URL .*or grpc:\/\/HOST:PORT/],
    ['grpc://payments:1/method', /expected a URL/],
    ['::1:80', /expected a URL/],
    ['payments:8080/path', /expected a URL/],
    ['me@payments:80', /expected a URL/],
    ['http://%zz:x@payments/', /got "http:\/\/…@payments\/"/],
    ['payments:0', /got port 0 in "payments:0", expected a port from 1 to 65535/],
    ['payments:65536', /got port 65536/],
    ['\u001b[2J:80', /\\u001b/],
  ] as const)
    expect(() => read(text), text).toThrow(expected);
  expect(() => read('http://payments/', true)).toThrow(/--tls: got it with a URL of http:/);
});

test('the proxy that other programs would take', () => {
  const target = parseTarget('https://pay.internal/', false);
  expect(proxyFor(target, {})).toBeNull();
  expect(proxyFor(target, { HTTP_PROXY: 'http://p:1' })).toBeNull();
  expect(proxyFor(target, { https_proxy: 'http://me:secret@p:3128' })).toBe('https_proxy=http://…@p:3128');
  expect(proxyFor(parseTarget('http://pay/', false), { HTTP_PROXY: 'http://px:3128/?key=SECRET' })).toBe(
    'HTTP_PROXY=http://px:3128/?…',
  );
  expect(proxyFor(target, { ALL_PROXY: 'socks5://p:1' })).toBe('ALL_PROXY=socks5://p:1');
  for (const exceptions of ['*', '.internal', 'a, pay.internal'])
    expect(proxyFor(target, { HTTPS_PROXY: 'http://p:1', NO_PROXY: exceptions }), exceptions).toBeNull();
  expect(proxyFor(target, { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'internal.other' })).not.toBeNull();
  expect(proxyFor(parseTarget('pay:443', false), { HTTPS_PROXY: 'http://p:1' })).toBeNull();
});

test.each([
  ['http://bob:pw@127.0.0.1:99999/p?token=TT', 'http://…@127.0.0.1:99999/p?…'],
  ['postgres://bob:pw@db:5432/x?password=TT', 'postgres://…@db:5432/x?…'],
  ['postgres://bob:p/w@db:5432/x', 'postgres://…@db:5432/x'],
  ['http://bob:p?w#x@db:5432', 'http://…@db:5432'],
  ['http://bob:p@w@db/', 'http://…@db/'],
  ['bob:pw@127.0.0.1:80', '…@127.0.0.1:80'],
  ['//bob:pw@db/x#y', '…@db/x?…'],
  ['https://login.example/cb?hint=a@b#f', 'https://login.example/cb?…'],
  ['/users/@me?next=a@b', '/users/@me?…'],
  ['payments:5432', 'payments:5432'],
  ['', ''],
])('%s is shown as %s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

test('no message of wrong use tells a password or a query', () => {
  for (const text of [
    'http://bob:pw@127.0.0.1:99999/p?token=TT',
    'postgres://bob:pw@db:5432/x?password=TT',
    'http://bob:pw/TT@db:5432/',
    'bob:pw@127.0.0.1:80',
    'http://bob:pw@db:0/?token=TT',
  ])
    expect(() => parseTarget(text, false), text).toThrow(/^(?!.*(?:pw|TT))doctor: got /);
});

const step = (ended: Partial<EndedStep>): EndedStep => ({
  kind: 'ended',
  step: 'connect',
  address: '10.0.3.8',
  spanId: '',
  startUnixMs: NOW_MS,
  ms: 3_000,
  phases: { connect: 3_000 },
  failure: null,
  span: null,
  ...ended,
});
const format = (ended: EndedStep, mark: 'fine' | 'fault' = 'fault', columns = 80) =>
  formatStep(ended, mark, { method: 'GET', path: '/' }, { columns, paint: plain }, NOW_MS).join('\n');

test('a silent server of names is told from one that says no', () => {
  const lookup = {
    addresses: [],
    servers: ['10.0.0.2', '10.0.0.3'],
    isInHostsFile: false,
    asked: [
      { server: '10.0.0.2', ms: 2_001, addresses: [], code: 'ETIMEOUT' },
      { server: '10.0.0.3', ms: 3, addresses: [], code: 'ENOTFOUND' },
    ],
  };
  const failure = { code: 'EAI_AGAIN', message: 'getaddrinfo EAI_AGAIN pay', isTimeout: false };
  expect(format(step({ step: 'dns', address: '', failure, lookup }))).toBe(
    [
      '  ✕ dns       3.000 s  the name could not be looked up (EAI_AGAIN) (servers:',
      '                       10.0.0.2, 10.0.0.3)',
      '                       asked by itself, 10.0.0.2 does not answer (2.001 s)',
      '                       asked by itself, 10.0.0.3 answers that there is no such',
      '                       name (3 ms)',
    ].join('\n'),
  );
});

test.each([
  ['HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/', 'the answer is no HTTP/1'],
  ['HPE_HEADER_OVERFLOW', 'Parse Error: Header overflow', 'larger than Node takes (16 KiB)'],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', 'Parse Error: …', 'the length of its body twice, or beside chunks'],
  ['HPE_INVALID_CHUNK_SIZE', 'Parse Error: …', 'a chunk of the answer has no valid size'],
  ['HPE_STRICT', 'Parse Error: Expected LF', 'the answer breaks HTTP/1: Expected LF'],
])('%s in words: only what is none is called no HTTP/1', (code, message, words) => {
  const said = failureWords({ code, message, isTimeout: false });
  expect(said).toContain(`${words} (${code})`);
  expect(said.includes('no HTTP/1')).toBe(code === 'HPE_INVALID_CONSTANT');
});

test('a certificate that ends soon, or has not begun', () => {
  const days = (count: number) => NOW_MS + count * 86_400_000 + 1;
  const certificate = {
    subject: 'pay\u001b[2J',
    names: 'DNS:pay, IP Address:10.0.3.8',
    issuer: 'Our CA',
    isSelfSigned: false,
    validFromUnixMs: days(-80),
    validToUnixMs: days(10),
  };
  const tls = (changed: Partial<typeof certificate>) =>
    format(
      step({
        step: 'tls',
        tls: { version: 'TLSv1.3', alpn: 'h2', certificate: { ...certificate, ...changed } },
      }),
      'fine',
      120,
    );
  expect(tls({})).toMatch(
    /TLSv1\.3, h2\n.*certificate of pay\\u001b\[2J for pay, 10\.0\.3\.8, signed by Our CA\n/,
  );
  expect(tls({})).not.toMatch(CONTROLS);
  expect(tls({})).toMatch(/valid until 2026-12-03, for 10 days only$/);
  expect(tls({ validToUnixMs: days(90) })).toMatch(/valid until 2027-02-21, for 90 days$/);
  expect(tls({ validFromUnixMs: days(2) })).toMatch(/not valid before 2026-11-25$/);
});

test('several addresses that fail alike are one verdict, beside one that works none the less', () => {
  const target = parseTarget('payments:8443', false);
  const order = { target, timeoutMs: 3_000, method: 'GET', headers: [], hook: null };
  const failure = { code: 'ETIMEDOUT', message: 'no connection within 3 s', isTimeout: true };
  const findings = ['10.0.3.7', '10.0.3.8', '10.0.3.9'].map((address, index) => {
    const ended = step({ address, ...(index > 0 && { failure }) });
    const verdict = judgeStep(ended, target, () => []);
    return { step: ended, mark: index === 0 ? ('fine' as const) : ('fault' as const), verdict };
  });
  expect(findings[0]!.verdict).toBeNull();
  const text = conclusion(findings, order, { ...terminal, columns: 120 }).join('\n');
  expect(text.match(/⧗/g)).toHaveLength(1);
  expect(text).toMatch(/⧗ 10\.0\.3\.8, 10\.0\.3\.9: doctor gave up on payments:8443 after 3\.000 s/);
  expect(text).toContain('D4'); // which address a name has is in question
  expect(text).toMatch(/No kernel evidence: the package @sockeye\/instrumentation is not installed/);
});
