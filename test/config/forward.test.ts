/** Where spans are forwarded to. */
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../collector/config.ts';
import { errorOf, file } from './settings-file.ts';

describe('where spans are forwarded to', () => {
  const forwardOf = (args: string[], environment: NodeJS.ProcessEnv = {}) =>
    readConfig(args, environment).forward;
  const fromFile = (content: string) => forwardOf(['--config', file('forward.yaml', content)]);
  const errorOfFile = (content: string) => errorOf(['--config', file('forward.yaml', content)]);

  test('is nowhere by default', () => {
    expect(readConfig([], {})).toMatchObject({ forward: [], forwardQueueBytes: 1e9 });
  });

  test.each([
    ['grpc://tempo:4317', { protocol: 'grpc', isTls: false, host: 'tempo', port: 4317, path: '' }],
    ['grpcs://[::1]:443', { protocol: 'grpc', isTls: true, host: '::1', port: 443 }],
    ['http://10.0.0.1:4318/', { protocol: 'http', isTls: false, host: '10.0.0.1', port: 4318, path: '' }],
    ['https://otlp.example/a/b', { protocol: 'http', isTls: true, port: 443, path: '/a/b' }],
    ['https://otlp.example/v1/logs', { path: '/v1/logs', signals: ['logs'] }],
  ])('%s', (url, expected) => {
    const all = {
      signals: ['traces', 'metrics', 'logs'],
      compression: 'gzip',
      timeoutMs: 10_000,
      headers: {},
    };
    expect(forwardOf(['--forward', url])).toMatchObject([{ ...all, ...expected }]);
  });

  test('several, by flag, environment and file', () => {
    const urls = ['grpc://a:1', 'http://b:2'];
    const names = (destinations: readonly { name: string }[]) => destinations.map(({ name }) => name);
    expect(names(forwardOf(['--forward', urls[0]!, '--forward', urls[1]!]))).toEqual(urls);
    expect(names(forwardOf([], { SOCKEYE_FORWARD: urls.join(', ') }))).toEqual(urls);
    expect(names(fromFile(`forward: [${urls.join(', ')}]`))).toEqual(urls);
    expect(names(fromFile('forward: grpc://a:1'))).toEqual(['grpc://a:1']);
  });

  test('as JSON in the environment, whose commas separate nothing', () => {
    const [a, b] = [
      '{"url": "http://a", "signals": ["traces", "logs"], "headers": {"x!y": "1"}}',
      '{"url":"grpc://b:2"}',
    ];
    const [first, second] = forwardOf([], { SOCKEYE_FORWARD: `${a}, ${b}` });
    expect(first).toMatchObject({ name: 'http://a', signals: ['traces', 'logs'], headers: { 'x!y': '1' } });
    expect(second).toMatchObject({ name: 'grpc://b:2' });
  });

  test('more of it stands in the file', () => {
    const token = file('forward-token', 's3cret\n');
    expect(
      fromFile(
        `forward:
          - url: https://otlp.example/otlp
            name: example
            token-file: ${token}
            headers: { X-Scope-OrgID: shop }
            timeout: 30s
            signals: [logs, traces]
            compression: none
          - url: http://me:p%40ss@other:80`,
      ),
    ).toMatchObject([
      {
        name: 'example',
        url: 'https://otlp.example/otlp',
        timeoutMs: 30_000,
        compression: 'none',
        headers: { 'x-scope-orgid': 'shop', authorization: 'Bearer s3cret' },
        signals: ['traces', 'logs'],
      },
      {
        name: 'http://other',
        headers: { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
      },
    ]);
  });

  test.each([
    ['forward: tempo:4317', 'got a URL of tempo:, expected grpc://HOST:PORT'],
    ['forward: 4317', 'got a text that is no URL, expected grpc://HOST:PORT'],
    ['forward: grpc://tempo', 'got grpc://tempo without port'],
    ['forward: grpc://tempo:4317/v1/traces', 'got a URL of gRPC with a path'],
    ['forward: http://tempo:4318/?a=b', 'got a URL without host, or with ? or #'],
    [
      'forward: [[http://a]]',
      'got something else, expected a text, an object with a url, or a list of these',
    ],
    ['forward: {urls: http://a}', 'got the unknown key "urls", expected url, name, signals'],
    ['forward: {name: a}', 'got no url, expected grpc://HOST:PORT'],
    [
      'forward: {url: http://a, signals: [spans]}',
      'got signals ["spans"], expected a list of traces, metrics',
    ],
    ['forward: {url: http://a/v1/logs, signals: traces}', 'got signals traces and a URL for logs'],
    ['forward: {url: http://a, timeout: long}', 'got the timeout "long", expected a duration such as 10s'],
    ['forward: {url: http://a, compression: br}', 'got compression "br", expected gzip or none'],
    ['forward: {url: http://a, headers: {te: x}}', 'got the header "te"'],
    ['forward: {url: grpc://a:1, headers: {keep-alive: x}}', 'got the header "keep-alive"'],
    [
      'forward: {url: grpc://a:1, headers: {X-Trace-Bin: x}}',
      'got the header "X-Trace-Bin" for gRPC, expected a name of letters, digits and _ . - that does not end in -bin',
    ],
    ['forward: {url: grpcs://a:1, headers: {"x!y": x}}', 'got the header "x!y" for gRPC'],
    ['forward: https://u:pa%ss@a', 'got a user or password with a % that stands for nothing, expected %25'],
    ["forward: '{url: https://a}'", 'got a text with { at its beginning that is no JSON, expected a URL'],
    ['forward: {url: http://a, tls-ca: /nowhere.pem}', 'tls-ca: got ENOENT'],
    ['forward: [http://a, http://a/]', 'got http://a twice, expected names of their own'],
    ['forward: {url: "http://a:b@c", headers: {authorization: d}}', 'got several of credentials'],
  ])('is refused: %s', (content, message) => {
    expect(errorOfFile(content)).toContain(`key forward`);
    expect(errorOfFile(content)).toContain(message);
  });

  test('secrets are not shown, where they are refused either', () => {
    const contents = [
      'forward: {url: "ftp://me:s3cret@a"}',
      'forward: {url: "grpc://me:s3cret@a"}',
      'forward: {url: "http://me:s3cret@a?x"}',
      'forward: {url: http://a, headers: {x-key: "s3cret\\u0007"}}',
      'forward: {url: http://a, headers: [s3cret]}',
      'forward: [[s3cret]]',
    ];
    for (const content of contents) expect(errorOfFile(content), content).not.toContain('s3cret');
    const json = '{"url": "https://me:s3cret@a", "headers": {"x-key": "s3cret"';
    expect(errorOf(['--forward', json])).not.toContain('s3cret');
    const errorOfVariable = () => readConfig([], { SOCKEYE_FORWARD: json });
    expect(errorOfVariable).toThrow(/^SOCKEYE_FORWARD: got a text with \{ at its beginning that is no JSON/);
    expect(errorOfVariable).not.toThrow('s3cret');
    expect(errorOf(['--forward', 'me:s3cret@a:4317'])).not.toContain('s3cret');
  });

  test.each([
    ['grpc://0.0.0.0:4317'],
    ['grpc://0:4317'],
    ['grpc://LOCALHOST.:4317'],
    ['grpc://[::]:4317'],
    ['grpc://[0:0::1]:4317'],
    ['grpc://127.1:4317'],
    ['http://[::ffff:127.0.0.1]:4318'],
    ['grpc://[::ffff:127.0.0.1]:4317'],
    ['http://sockeye.localhost:4318'],
    ['http://127.0.0.1:4318', '--otlp-http', '[::1]:4318'],
    ['http://[::ffff:10.1.2.3]:4318', '--otlp-http', '10.1.2.3:4318'],
    ['grpc://[::ffff:127.0.0.1]:5000', '--otlp-grpc', '[::]:5000'],
    ['grpc://Shop.Example:5000', '--otlp-grpc', 'shop.example.:5000'],
  ])('this collector itself is refused, however it is written: %s', (url, ...flags) => {
    expect(errorOf([...flags, '--forward', url])).toContain(
      'this collector itself, expected another backend',
    );
  });

  test.each([
    ['grpc://10.0.0.1:4317'],
    ['grpc://128.0.0.1:4317'],
    ['grpc://localhost.example:4317'],
    ['grpc://notlocalhost:4317'],
    ['grpc://0.0.0.0:4317', '--otlp-grpc', '10.1.2.3:4317'],
    ['grpc://[fe80::1]:4317', '--otlp-grpc', '[fe80::2%2]:4317'],
  ])('another backend is not: %s', (url, ...flags) => {
    expect(forwardOf([...flags, '--forward', url])).toHaveLength(1);
  });

  test('this collector itself is refused', () => {
    const message = 'this collector itself, expected another backend';
    expect(errorOf(['--forward', 'grpc://localhost:4317'])).toContain(message);
    expect(errorOf(['--forward', 'http://127.0.0.1:4318/v1/traces'])).toContain(message);
    const everywhere = ['--otlp-grpc', '0.0.0.0:5000'];
    expect(errorOf([...everywhere, '--forward', `grpc://${hostname()}:5000`])).toContain(message);
    expect(forwardOf([...everywhere, '--forward', 'grpc://localhost:4317'])).toHaveLength(1);
    expect(forwardOf(['--otlp-grpc', '127.0.0.1:0', '--forward', 'grpc://localhost:4317'])).toHaveLength(1);
  });
});
