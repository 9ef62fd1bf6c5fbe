/**
 * Every setting of the collector as one table: name, what it takes, default, meaning.
 *
 * Flags, environment variables, keys of the configuration file, the help text and the check of the documentation all
 * come from it. `--otlp-grpc` is `SOCKEYE_OTLP_GRPC` in the environment and `otlp-grpc` in the file.
 */

/** A value that cannot be used; the message is what was expected instead. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Setting<T = unknown> {
  /** What stands for the value in the help text; '' for a switch, which takes none. */
  readonly takes: string;
  /** As it would be written; null when there is none. */
  readonly fallback: string | null;
  readonly about: string;
  /** Throws BadValue. */
  readonly parse: (text: string) => T;
  readonly repeatable?: true;
  /** In the file, a value may be an object. */
  readonly structured?: true;
}

export const SETTINGS = {
  'otlp-grpc': {
    takes: 'HOST:PORT',
    fallback: '127.0.0.1:4317',
    about: 'where OTLP over gRPC is received',
    parse: parseAddress,
  },
  'otlp-http': {
    takes: 'HOST:PORT',
    fallback: '127.0.0.1:4318',
    about: 'where OTLP over HTTP is received: /v1/traces, protobuf or JSON',
    parse: parseAddress,
  },
  web: {
    takes: 'HOST:PORT',
    fallback: '127.0.0.1:4319',
    about: 'the web page and all HTTP APIs',
    parse: parseAddress,
  },
  zipkin: {
    takes: 'HOST:PORT',
    fallback: null,
    about: 'the Zipkin API at the root of a port of its own: spans are received there too',
    parse: parseAddress,
  },
  'jaeger-http': {
    takes: 'HOST:PORT',
    fallback: null,
    about: 'where spans of Jaeger are received by thrift over HTTP; Jaeger has it on port 14268',
    parse: parseAddress,
  },
  'jaeger-grpc': {
    takes: 'HOST:PORT',
    fallback: null,
    about: 'where spans of Jaeger are received by gRPC; Jaeger has it on port 14250',
    parse: parseAddress,
  },
  data: { takes: 'DIR', fallback: './sockeye-data', about: 'data folder', parse: parseText },
  store: { takes: 'KIND', fallback: 'sqlite', about: 'where spans are kept: sqlite', parse: parseStore },
  keep: {
    takes: 'DURATION',
    fallback: '7d',
    about: 'how long spans are kept, counted from their arrival',
    parse: parseDuration,
  },
  'keep-bytes': {
    takes: 'BYTES',
    fallback: '20GB',
    about: 'how large the store may grow; then the oldest spans go',
    parse: parseBytes,
  },
  'max-request-bytes': {
    takes: 'BYTES',
    fallback: '64MiB',
    about: 'largest request, decompressed',
    parse: parseRequestBytes,
  },
  'max-queue-bytes': {
    takes: 'BYTES',
    fallback: '128MiB',
    about: 'requests in flight; beyond it senders are told to retry',
    parse: parseBytes,
  },
  token: {
    takes: 'TOKEN',
    fallback: null,
    about: 'what every request must show as Authorization: Bearer TOKEN',
    parse: parseToken,
  },
  'token-file': {
    takes: 'FILE',
    fallback: null,
    about: 'file that holds the token; unlike --token it stays out of the process list',
    parse: parseText,
  },
  'tls-cert': { takes: 'FILE', fallback: null, about: 'TLS certificate, PEM', parse: parseText },
  'tls-key': { takes: 'FILE', fallback: null, about: 'key of the TLS certificate, PEM', parse: parseText },
  'tls-client-ca': {
    takes: 'FILE',
    fallback: null,
    about: 'CA that senders and browsers must have a certificate of, PEM',
    parse: parseText,
  },
  cors: {
    takes: 'ORIGIN',
    fallback: null,
    about: 'origin whose pages may use OTLP over HTTP and the API',
    parse: parseOrigin,
    repeatable: true,
  },
  'host-name': {
    takes: 'NAME',
    fallback: null,
    about: 'name, beside the bound address and localhost, that the Host header may give',
    parse: parseHostName,
    repeatable: true,
  },
  forward: {
    takes: 'URL',
    fallback: null,
    about: 'another backend that gets every span too: grpc://, grpcs://, http:// or https://HOST:PORT',
    parse: parseText,
    repeatable: true,
    structured: true,
  },
  'forward-queue-bytes': {
    takes: 'BYTES',
    fallback: '1GB',
    about: 'what waits on disk for backends, compressed; beyond it the oldest goes',
    parse: parseBytes,
  },
  'allow-purge': {
    takes: '',
    fallback: 'false',
    about: 'allows POST /api/purge, which deletes everything',
    parse: parseSwitch,
  },
  'zipkin-keys': {
    takes: 'KEYS',
    fallback: 'environment,http.host',
    about: 'attributes, separated by commas, whose values the Zipkin API completes',
    parse: parseKeys,
  },
  config: { takes: 'FILE', fallback: null, about: 'configuration file, YAML', parse: parseText },
} as const satisfies { readonly [name: string]: Setting };

export type SettingName = keyof typeof SETTINGS;

export function environmentName(name: string): string {
  return `SOCKEYE_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** `HOST:PORT` as written back; a v6 host keeps its brackets. */
export function formatAddress({ host, port }: Address): string {
  return `${host}:${port}`;
}

function parseAddress(text: string): Address {
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:[\]/@]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) {
    throw new BadValue(
      'HOST:PORT such as 127.0.0.1:4317 or [::1]:4317, port 0 to 65535 (0 picks a free one)',
    );
  }
  return { host: match[1]!, port };
}

const DURATION_UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

export function parseDuration(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d|w)$/.exec(text) ?? [];
  const ms = Number(number) * (DURATION_UNIT_MS[unit] ?? 0);
  if (!(ms >= 1) || !Number.isSafeInteger(Math.round(ms))) {
    throw new BadValue('a duration such as 7d, 12h or 30m (ms, s, m, h, d, w)');
  }
  return Math.round(ms);
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

function parseBytes(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/.exec(text.toLowerCase()) ?? [];
  const bytes = Math.round(Number(number) * (Object.hasOwn(BYTE_UNITS, unit) ? BYTE_UNITS[unit]! : 0));
  if (!(bytes >= 1) || !Number.isSafeInteger(bytes)) {
    throw new BadValue(
      'a number of bytes such as 20GB or 64MiB (kB, MB, GB, TB = powers of 1000; KiB … = of 1024)',
    );
  }
  return bytes;
}

/** Above it, a JSON request would not fit into one string. */
const REQUEST_BYTES_MAX = 512e6;

function parseRequestBytes(text: string): number {
  const bytes = parseBytes(text);
  if (bytes < 1024 || bytes > REQUEST_BYTES_MAX) throw new BadValue('from 1KiB to 512MB');
  return bytes;
}

function parseStore(text: string): 'sqlite' {
  if (text === 'sqlite') return text;
  throw new BadValue(text.startsWith('clickhouse:') ? 'sqlite; ClickHouse is not available yet' : 'sqlite');
}

function parseToken(text: string): string {
  // What a header can carry; anything else could never be sent.
  if (!/^[\x21-\x7e]{1,1024}$/.test(text))
    throw new BadValue('1 to 1024 visible ASCII characters, no spaces');
  return text;
}

function parseOrigin(text: string): string {
  if (text === '*' || /^https?:\/\/[^\s/?#,]+$/.test(text)) return text;
  throw new BadValue('an origin such as https://shop.example or http://localhost:3000, without a path, or *');
}

function parseHostName(text: string): string {
  if (/^[A-Za-z0-9._-]{1,253}$/.test(text)) return text.toLowerCase();
  throw new BadValue('a host name without port, such as sockeye.internal');
}

function parseSwitch(text: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new BadValue('true or false');
}

/** '' is none. */
function parseKeys(text: string): readonly string[] {
  const keys = text.split(',').map((key) => key.trim());
  return [...new Set(keys.filter((key) => key !== ''))];
}

function parseText(text: string): string {
  if (text === '') throw new BadValue('a value that is not empty');
  return text;
}
