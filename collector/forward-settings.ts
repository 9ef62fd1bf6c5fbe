/**
 * Where spans are forwarded to, as people write it: a URL, or in the configuration file an object with more.
 *
 *     forward:
 *       - grpc://tempo:4317
 *       - url: https://otlp.example.com/otlp
 *         token-file: /run/secrets/example-token
 *         signals: [traces]
 */
import { BlockList, isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { createSecureContext } from 'node:tls';
import { SIGNALS, type Signal } from './decode/otlp-pieces.ts';
import type { Destination } from './forward/destination.ts';
import { BadValue, parseDuration, type Address } from './settings.ts';

/** What was got says no secret. */
export class BadDestination extends Error {
  override readonly name = 'BadDestination';
  constructor(got: string, expected: string) {
    super(`got ${got}, expected ${expected}`);
  }
}

const URL_EXPECTED =
  'grpc://HOST:PORT, grpcs://HOST:PORT (TLS), or for OTLP over HTTP http://HOST:PORT or https://HOST, with a path where there is one';
const KEYS = [
  'url',
  'name',
  'signals',
  'headers',
  'token-file',
  'tls-ca',
  'tls-cert',
  'tls-key',
  'timeout',
  'compression',
];
const TIMEOUT = '10s';
const TIMEOUT_MS_MAX = 600_000;
const NAME = /^[\x21-\x7e][\x20-\x7e]{0,99}$/;
const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const HEADER_VALUE = /^[\x20-\x7e]{0,4096}$/;
/** As grpc-js takes them; those of `-bin` hold bytes. */
const GRPC_HEADER_NAME = /^(?!.*-bin$)[0-9a-z_.-]+$/;
/** What the protocol itself says. */
const OWN_HEADERS =
  /^(content-(type|length|encoding)|transfer-encoding|(proxy-)?connection|keep-alive|upgrade|http2-settings|host|te|:.*|grpc-.*)$/;

type Written = Readonly<Record<string, unknown>>;

/** Several, of which no two are the same. As `parseDestination`. */
export function parseDestinations(
  texts: readonly string[],
  readFile: (key: string, path: string) => Buffer,
): Destination[] {
  const destinations = texts.map((text) => parseDestination(text, readFile));
  const names = destinations.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return destinations;
  throw new BadDestination(`${twice} twice`, 'names of their own, by the key name');
}

/** `text` is a URL, or a JSON object. `readFile` gives the bytes of a file that a key names, or throws its own. Throws BadDestination. */
export function parseDestination(text: string, readFile: (key: string, path: string) => Buffer): Destination {
  const written = text.startsWith('{') ? parseObject(text) : { url: text };
  const unknown = Object.keys(written).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw new BadDestination(`the unknown key "${unknown}"`, KEYS.join(', '));
  const text1 = (key: string): string | null => {
    const value = written[key] ?? null;
    if (value === null) return null;
    if (typeof value === 'string' && value !== '') return value;
    throw new BadDestination(`${key} that is no text`, 'a text that is not empty');
  };
  const file = (key: string): Buffer | null => {
    const path = text1(key);
    return path === null ? null : readFile(key, path);
  };
  const address = parseUrl(text1('url'));
  const name = text1('name') ?? address.url;
  if (!NAME.test(name)) throw new BadDestination('a name that cannot be shown', '1 to 100 ASCII characters');
  const tls = { ca: file('tls-ca'), cert: file('tls-cert'), key: file('tls-key') };
  checkTls(address.isTls, tls);
  const { user, ...rest } = address;
  const headers = { ...parseHeaders(written['headers'] ?? {}, address.protocol) };
  const credentials = [user, tokenOf(file('token-file'))].filter((value) => value !== null);
  if (credentials.length + Number('authorization' in headers) > 1)
    throw new BadDestination(
      'several of credentials in the URL, token-file and an authorization header',
      'one',
    );
  if (credentials.length > 0) headers['authorization'] = credentials[0]!;
  return {
    ...rest,
    ...tls,
    name,
    headers,
    timeoutMs: parseTimeout(written['timeout'] ?? TIMEOUT),
    signals: parseSignals(written['signals'] ?? null, address.path),
    compression: parseCompression(written['compression'] ?? 'gzip'),
  };
}

function parseObject(text: string): Written {
  try {
    return JSON.parse(text) as Written;
  } catch {
    // What the parser says of it quotes it.
    throw new BadDestination(
      'a text with { at its beginning that is no JSON',
      'a URL, or {"url": "…"} with more keys',
    );
  }
}

/** Of a URL that cannot be used: no more than its scheme, as anything else may be a secret. */
function parseUrl(text: string | null) {
  if (text === null) throw new BadDestination('no url', URL_EXPECTED);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new BadDestination('a text that is no URL', URL_EXPECTED);
  }
  const scheme = url.protocol.slice(0, -1);
  const protocol = { grpc: 'grpc', grpcs: 'grpc', http: 'http', https: 'http' }[scheme] as
    'grpc' | 'http' | undefined;
  if (protocol === undefined) throw new BadDestination(`a URL of ${scheme}:`, URL_EXPECTED);
  const isTls = scheme.endsWith('s');
  if (url.hostname === '' || url.search !== '' || url.hash !== '')
    throw new BadDestination('a URL without host, or with ? or #', URL_EXPECTED);
  if (protocol === 'grpc' && url.port === '')
    throw new BadDestination(`${scheme}://${url.hostname} without port`, URL_EXPECTED);
  const path = url.pathname.replace(/\/+$/, '');
  if (protocol === 'grpc' && path !== '') throw new BadDestination('a URL of gRPC with a path', URL_EXPECTED);
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  if (port === 0) throw new BadDestination('port 0', URL_EXPECTED);
  return {
    protocol,
    isTls,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    path,
    url: `${scheme}://${url.host}${path}`,
    user: basicOf(url),
  };
}

function basicOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return null;
  try {
    const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(user).toString('base64')}`;
  } catch {
    throw new BadDestination('a user or password with a % that stands for nothing', '%25 for each % in them');
  }
}

function tokenOf(file: Buffer | null): string | null {
  if (file === null) return null;
  const token = file.toString('utf8').trim();
  if (!/^[\x21-\x7e]{1,4096}$/.test(token))
    throw new BadDestination(
      'a token that cannot be sent',
      'visible ASCII characters, no spaces, in token-file',
    );
  return `Bearer ${token}`;
}

function checkTls(isTls: boolean, { ca, cert, key }: Pick<Destination, 'ca' | 'cert' | 'key'>): void {
  if (!isTls) {
    if (ca !== null || cert !== null || key !== null)
      throw new BadDestination('TLS files and a URL without TLS', 'grpcs:// or https://');
    return;
  }
  if ((cert === null) !== (key === null))
    throw new BadDestination('one of tls-cert and tls-key', 'both or none');
  try {
    createSecureContext({ ca: ca ?? undefined, cert: cert ?? undefined, key: key ?? undefined });
  } catch (error) {
    const [message] = (error as Error).message.split('\n', 1);
    throw new BadDestination(`TLS files: ${message}`, 'PEM, and a key that fits the certificate');
  }
}

function parseHeaders(value: unknown, protocol: Destination['protocol']): Record<string, string> {
  const expected = 'names and texts such as {x-scope-orgid: shop}';
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new BadDestination('headers that are none', expected);
  const headers: Record<string, string> = {};
  for (const [name, content] of Object.entries(value)) {
    const lower = name.toLowerCase();
    if (!HEADER_NAME.test(name) || OWN_HEADERS.test(lower))
      throw new BadDestination(`the header "${name}"`, 'one that OTLP has no use of its own for');
    if (protocol === 'grpc' && !GRPC_HEADER_NAME.test(lower))
      throw new BadDestination(
        `the header "${name}" for gRPC`,
        'a name of letters, digits and _ . - that does not end in -bin',
      );
    if (!HEADER_VALUE.test(String(content)) || typeof content === 'object')
      throw new BadDestination(
        `a value of the header "${name}" that cannot be sent`,
        'a text of ASCII characters',
      );
    headers[lower] = String(content);
  }
  return headers;
}

function parseTimeout(value: unknown): number {
  try {
    const ms = parseDuration(String(value));
    if (ms <= TIMEOUT_MS_MAX) return ms;
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
  }
  throw new BadDestination(`the timeout "${String(value)}"`, 'a duration such as 10s, at most 10m');
}

/** All, unless it is said otherwise: also by a URL that is one signal's. */
function parseSignals(value: unknown, path: string): readonly Signal[] {
  const ofPath = SIGNALS.filter((signal) => path.endsWith(`/v1/${signal}`));
  if (value === null) return ofPath.length > 0 ? ofPath : SIGNALS;
  const list = Array.isArray(value) ? value : [value];
  const signals = SIGNALS.filter((signal) => list.includes(signal));
  if (signals.length !== list.length || signals.length === 0)
    throw new BadDestination(`signals ${JSON.stringify(value)}`, `a list of ${SIGNALS.join(', ')}`);
  if (ofPath.length > 0 && signals.join() !== ofPath.join())
    throw new BadDestination(
      `signals ${signals.join(', ')} and a URL for ${ofPath.join()}`,
      'those of the URL',
    );
  return signals;
}

function parseCompression(value: unknown): 'gzip' | 'none' {
  if (value === 'gzip' || value === 'none') return value;
  throw new BadDestination(`compression ${JSON.stringify(value)}`, 'gzip or none');
}

/** Whether what is sent there would come back, as far as can be seen; of longer ways round nothing can. */
export function isOneOf(destination: Destination, ownPorts: readonly Address[]): boolean {
  return ownPorts.some((own) => isOwnAddress(destination, own));
}

function isOwnAddress({ host, port }: Destination, own: Address): boolean {
  if (port !== own.port) return false;
  const [name, ownName] = [plainHost(host), plainHost(own.host)];
  if (name === ownName || isIn(listOf([ownName]), name)) return true;
  const isEverywhere = isIn(EVERYWHERE, ownName);
  if (isLoopback(name) && (isEverywhere || isLoopback(ownName))) return true;
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const reached = listOf(addresses.map(({ address }) => address));
  return isEverywhere && (name === plainHost(hostname()) || isIn(reached, name));
}

/** One way of writing for each host: `0`, `127.1` and `[0:0::1]` are addresses, in names neither case nor a last dot counts. */
function plainHost(host: string): string {
  const text = host.replace(/^\[|\]$|%.*$/g, '');
  const url = URL.parse(`http://${text.includes(':') ? `[${text}]` : text}`);
  return (url?.hostname ?? text.toLowerCase()).replace(/^\[|\]$|\.$/g, '');
}

const EVERYWHERE = listOf(['0.0.0.0', '::']);
const LOOPBACK = listOf(['::1']);
LOOPBACK.addSubnet('127.0.0.0', 8);

/** Who connects to everywhere reaches this machine. */
function isLoopback(name: string): boolean {
  return /(^|\.)localhost$/.test(name) || isIn(LOOPBACK, name) || isIn(EVERYWHERE, name);
}

function listOf(names: readonly string[]): BlockList {
  const list = new BlockList();
  for (const name of names) if (isIP(name) !== 0) list.addAddress(name, familyOf(name));
  return list;
}

/** Also of a v4 address that is written as one of v6. */
function isIn(list: BlockList, name: string): boolean {
  return isIP(name) !== 0 && list.check(name, familyOf(name));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
