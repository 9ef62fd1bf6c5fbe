import { describe, expect, test } from 'vitest';
import { helpText, readConfig } from '../../collector/config.ts';
import { SETTINGS } from '../../collector/settings.ts';
import { errorOf, file } from './settings-file.ts';

test('without any setting, everything listens on loopback and keeps 7 days or 20 GB', () => {
  expect(readConfig([], {})).toEqual({
    otlpGrpc: { host: '127.0.0.1', port: 4317 },
    otlpHttp: { host: '127.0.0.1', port: 4318 },
    web: { host: '127.0.0.1', port: 4319 },
    zipkin: null,
    jaegerHttp: null,
    jaegerGrpc: null,
    dataFolder: './sockeye-data',
    keepMs: 7 * 24 * 3600 * 1000,
    keepBytes: 20e9,
    maxRequestBytes: 64 * 1024 * 1024,
    maxQueueBytes: 128 * 1024 * 1024,
    token: null,
    tls: null,
    tlsCertFile: null,
    corsOrigins: [],
    hostNames: [],
    forward: [],
    forwardQueueBytes: 1e9,
    allowPurge: false,
    zipkinKeys: ['environment', 'http.host'],
    warnings: [],
  });
  expect(Object.isFrozen(readConfig([], {}))).toBe(true);
});

test('a flag beats the environment, which beats the file, which beats the default', () => {
  const path = file('order.yaml', 'keep: 1d\nkeep-bytes: 1GB\nweb: 127.0.0.1:1\n');
  const config = readConfig(['--keep', '3d', '--config', path], {
    SOCKEYE_KEEP: '2d',
    SOCKEYE_KEEP_BYTES: '2GB',
  });
  expect(config.keepMs).toBe(3 * 86_400_000);
  expect(config.keepBytes).toBe(2e9);
  expect(config.web.port).toBe(1);
  expect(config.otlpGrpc.port).toBe(4317);
});

test('Zipkin has a port of its own where it is asked for', () => {
  expect(readConfig(['--zipkin', '0.0.0.0:9411', '--token', 't'], {})).toMatchObject({
    zipkin: { host: '0.0.0.0', port: 9411 },
    warnings: [expect.stringContaining('the token travels unencrypted to 0.0.0.0:9411')],
  });
  const [variable] = readConfig([], { SOCKEYE_ZIPKIN: '127.0.0.1:0' }).warnings;
  expect(variable).toBeUndefined();
});

test('Jaeger’s receivers have ports of their own where they are asked for', () => {
  expect(
    readConfig(['--jaeger-http', '0.0.0.0:14268'], { SOCKEYE_JAEGER_GRPC: '127.0.0.1:14250' }),
  ).toMatchObject({
    jaegerHttp: { host: '0.0.0.0', port: 14268 },
    jaegerGrpc: { host: '127.0.0.1', port: 14250 },
    warnings: [expect.stringContaining('anyone who reaches 0.0.0.0:14268 can')],
  });
});

test('keys that Zipkin completes are separated by commas; nothing is none', () => {
  expect(readConfig(['--zipkin-keys', ' env, region,,env '], {}).zipkinKeys).toEqual(['env', 'region']);
  expect(readConfig(['--zipkin-keys='], {}).zipkinKeys).toEqual([]);
});

test('the file may be named by the environment', () => {
  expect(readConfig([], { SOCKEYE_CONFIG: file('env.yaml', 'allow-purge: true') }).allowPurge).toBe(true);
});

test('an empty variable is an unset one, an empty file sets nothing', () => {
  expect(readConfig(['--config', file('empty.yaml', '')], { SOCKEYE_KEEP: '' }).keepMs).toBe(7 * 86_400_000);
});

describe('values', () => {
  test.each([
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['0.0.0.0:65535', { host: '0.0.0.0', port: 65535 }],
    ['[::1]:4317', { host: '[::1]', port: 4317 }],
    ['localhost:4317', { host: 'localhost', port: 4317 }],
  ])('address %s', (text, expected) => {
    expect(readConfig(['--otlp-grpc', text], {}).otlpGrpc).toEqual(expected);
  });

  test.each([
    '',
    '4317',
    ':4317',
    'localhost',
    'localhost:',
    'a b:1',
    '::1:4317',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    'http://a:1',
  ])('address "%s" is refused', (text) => {
    expect(errorOf([`--otlp-grpc=${text}`])).toContain(`--otlp-grpc: got "${text}", expected HOST:PORT`);
  });

  test.each([
    ['1ms', 1],
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['2w', 1_209_600_000],
  ])('duration %s', (text, ms) => {
    expect(readConfig(['--keep', text], {}).keepMs).toBe(ms);
  });

  test.each(['0s', '7', '7 days', '-1d', '1e3s', '999999999999999w'])('duration %s is refused', (text) => {
    expect(errorOf(['--keep', text])).toContain(`--keep: got "${text}", expected a duration such as 7d`);
  });

  test.each([
    ['1', 1],
    ['20GB', 20e9],
    ['20 gb', 20e9],
    ['1.5MiB', 1_572_864],
    ['3KiB', 3072],
  ])('bytes %s', (text, bytes) => {
    expect(readConfig(['--keep-bytes', text], {}).keepBytes).toBe(bytes);
  });

  test.each(['0', '-1', '1XB', 'GB', '1e9', '0.1B', '99999TiB9'])('bytes %s is refused', (text) => {
    expect(errorOf(['--keep-bytes', text])).toContain(
      `--keep-bytes: got "${text}", expected a number of bytes`,
    );
  });

  test('the largest request has bounds, and the queue must hold it', () => {
    expect(readConfig(['--max-request-bytes', '1KiB'], {}).maxRequestBytes).toBe(1024);
    expect(errorOf(['--max-request-bytes', '1023'])).toContain('expected from 1KiB to 512MB');
    expect(readConfig(['--max-queue-bytes', '64MiB'], {}).maxQueueBytes).toBe(64 * 2 ** 20);
    expect(errorOf(['--max-queue-bytes', '67108863'])).toContain(
      'expected at least --max-request-bytes (67108864)',
    );
  });

  test('repeatable ones are lists: in flags, in the environment, in the file', () => {
    const origins = ['https://a.example', 'http://localhost:3000'];
    expect(
      readConfig(
        origins.flatMap((origin) => ['--cors', origin]),
        {},
      ).corsOrigins,
    ).toEqual(origins);
    expect(readConfig([], { SOCKEYE_CORS: origins.join(', ') }).corsOrigins).toEqual(origins);
    const path = file('cors.yaml', `cors: [${origins.join(', ')}]\nhost-name: Sockeye.internal`);
    expect(readConfig(['--config', path], {})).toMatchObject({
      corsOrigins: origins,
      hostNames: ['sockeye.internal'],
    });
  });

  test('of a flag given twice that is no list, the last counts', () => {
    expect(readConfig(['--keep', '1d', '--keep', '2d'], {}).keepMs).toBe(2 * 86_400_000);
  });

  test('a switch needs no value and takes one', () => {
    expect(readConfig(['--allow-purge'], {}).allowPurge).toBe(true);
    expect(readConfig(['--allow-purge=false'], { SOCKEYE_ALLOW_PURGE: '1' }).allowPurge).toBe(false);
    expect(errorOf(['--allow-purge=maybe'])).toBe('--allow-purge: got "maybe", expected true or false');
  });
});

describe('what is refused says the name, what was got and what is expected', () => {
  test.each([
    [['--bogus'], 'unknown flag: got --bogus, expected one of those in --help'],
    [['--__proto__', 'x'], 'unknown flag: got --__proto__, expected one of those in --help'],
    [['--toString=x'], 'unknown flag: got --toString, expected one of those in --help'],
    [['serve'], 'argument: got "serve", expected a flag; see --help'],
    [['-h'], 'argument: got "-h", expected a flag; see --help'],
    [['--'], 'argument: got "--", expected a flag; see --help'],
    [['--keep'], '--keep: got no value, expected DURATION'],
    [['--data', '--web'], '--data: got no value, expected DIR'],
    [['--data='], '--data: got "", expected a value that is not empty'],
    [['--store', 'mysql'], '--store: got "mysql", expected sqlite'],
    [['--cors', 'example.com'], '--cors: got "example.com", expected an origin such as'],
    [
      ['--cors', 'https://a.example/path'],
      '--cors: got "https://a.example/path", expected an origin such as',
    ],
    [['--token', 'two words'], '--token: got a token that cannot be sent, expected 1 to 1024 visible ASCII'],
    [
      ['--token', 'a', '--token-file', 'b'],
      '--token-file: got a token by --token or SOCKEYE_TOKEN too, expected one of them',
    ],
    [['--tls-cert', '/nowhere.pem'], '--tls-key: got no file, expected the key of --tls-cert'],
    [['--tls-key', '/nowhere.pem'], '--tls-cert: got no file'],
    [['--config', '/nowhere.yaml'], '--config: got ENOENT: no such file or directory'],
    [['--token-file', '/nowhere'], '--token-file: got ENOENT: no such file or directory'],
  ])('%j', (args, message) => {
    expect(errorOf(args)).toContain(message);
  });

  test('a ClickHouse store, which comes later', () => {
    expect(errorOf(['--store', 'clickhouse://localhost:8123'])).toBe(
      '--store: got "clickhouse://localhost:8123", expected sqlite; ClickHouse is not available yet',
    );
  });

  test('also where a flag overrules it', () => {
    expect(errorOf(['--web', '127.0.0.1:0'], { SOCKEYE_WEB: '4319' })).toContain('SOCKEYE_WEB: got "4319"');
    const path = file('overruled.yaml', 'keep: long');
    expect(errorOf(['--config', path, '--keep', '1d'])).toContain('key keep: got "long"');
  });

  test('in the environment', () => {
    expect(errorOf([], { SOCKEYE_WEB: '4319' })).toContain('SOCKEYE_WEB: got "4319", expected HOST:PORT');
  });

  test.each([
    ['kep: 7d', 'got the unknown key "kep", expected the flags of --help without dashes'],
    ['config: other.yaml', 'got the unknown key "config"'],
    ['__proto__: 1', 'got the unknown key "__proto__"'],
    ['keep: [1d, 2d]', 'key keep: got ["1d","2d"], expected one value (DURATION)'],
    ['cors: {a: b}', 'key cors: got {"a":"b"}, expected a text or a list of texts'],
    ['keep: 7', 'key keep: got "7", expected a duration'],
    ['- keep', 'got ["keep"], expected keys and values such as "keep: 7d"'],
    ['just text', 'got "just text", expected keys and values'],
    ['keep: "7d', 'expected YAML such as "keep: 7d"'],
    ['keep: 1d\nkeep: 2d', 'expected YAML such as "keep: 7d"'],
  ])('in the file: %s', (content, message) => {
    const path = file('bad.yaml', content);
    const error = errorOf(['--config', path]);
    expect(error).toContain(path);
    expect(error).toContain(message);
  });

  test('TLS files that are no PEM', () => {
    const path = file('not.pem', 'hello');
    expect(errorOf(['--tls-cert', path, '--tls-key', path])).toMatch(/^TLS files: got .+, expected PEM/);
  });
});

describe('the token', () => {
  test('may stand in a file, with a line end', () => {
    expect(readConfig(['--token-file', file('token', 's3cret\n')], {}).token).toBe('s3cret');
  });

  test('of an empty file is refused, without being shown', () => {
    expect(errorOf(['--token-file', file('empty-token', '\n')])).toContain('got a token that cannot be sent');
  });
});

test('variables that are unknown are named, but for those of others', () => {
  const { warnings } = readConfig([], {
    SOCKEYE_KEEEP: '3d',
    SOCKEYE_KEEP: '3d',
    SOCKEYE_SDK: '1',
    SOCKEYE_SERVICE_HOST: '10.0.0.1',
    SOCKEYE_PORT_4317_TCP_ADDR: '10.0.0.1',
  });
  expect(warnings).toEqual([expect.stringMatching(/^SOCKEYE_KEEEP: got an unknown variable, expected/)]);
});

describe('a non-loopback address', () => {
  test('without a token warns and names the risk', () => {
    const { warnings } = readConfig(['--web', '0.0.0.0:4319', '--otlp-grpc', '[::]:4317'], {});
    expect(warnings).toEqual([
      'anyone who reaches [::]:4317, 0.0.0.0:4319 can read and write all traces; set --token-file, or bind to 127.0.0.1',
    ]);
  });

  test('with a token but without TLS warns that the token can be read', () => {
    const { warnings } = readConfig(['--web', '10.0.0.1:4319', '--token', 'x'], {});
    expect(warnings).toEqual([expect.stringContaining('the token travels unencrypted to 10.0.0.1:4319')]);
  });

  test.each(['127.0.0.1:1', '127.9.9.9:1', 'localhost:1', '[::1]:1'])(
    '%s is loopback and stays quiet',
    (web) => {
      expect(readConfig(['--web', web], {}).warnings).toEqual([]);
    },
  );
});

test.each(Object.entries(SETTINGS))('the help names --%s and its default', (name, setting) => {
  const lines = helpText().split('\n');
  const line = lines.find((line) => line.startsWith(`  --${name} `)) ?? '';
  expect(line).toContain(setting.about);
  expect(line.includes(`default ${setting.fallback}`)).toBe(
    setting.fallback !== null && setting.takes !== '',
  );
});
