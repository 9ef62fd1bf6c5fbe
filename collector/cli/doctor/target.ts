/** What `sockeye doctor` is pointed at: a URL, or a host and port. Pure. */
import { isIP } from 'node:net';
import { ConfigError } from '../../config.ts';
import { printable } from '../terminal.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface Target {
  /** What is asked behind the connection; null where nothing is: what is asked of a bare port is not known. */
  readonly http: { readonly path: string; readonly credentials: string | null } | null;
  /** Of `grpc:` and `grpcs:` it is asked whether the peer speaks HTTP/2. */
  readonly isHttp2: boolean;
  readonly isTls: boolean;
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly isAddress: boolean;
  readonly port: number;
}

const EXPECTED =
  'a URL such as https://payments:8443/health, HOST:PORT such as payments:5432 or [::1]:6379, or grpc://HOST:PORT';

/** Throws ConfigError. */
export function parseTarget(text: string, isTlsAsked: boolean): Target {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return parseHostPort(text, isTlsAsked);
  if (scheme === 'grpc' || scheme === 'grpcs') {
    const place = text.slice(`${scheme}://`.length).replace(/\/$/, '');
    return { ...parseHostPort(place, isTlsAsked || scheme === 'grpcs'), isHttp2: true };
  }
  if ((scheme !== 'http' && scheme !== 'https') || !URL.canParse(text)) throw notATarget(text);
  if (scheme === 'http' && isTlsAsked)
    throw new ConfigError('--tls: got it with a URL of http:, expected https: in the URL, or HOST:PORT');
  const url = new URL(text);
  const isTls = scheme === 'https';
  const credentials =
    url.username + url.password === ''
      ? null
      : `${decoded(url.username, text)}:${decoded(url.password, text)}`;
  return {
    http: { path: `${url.pathname}${url.search}`, credentials },
    isHttp2: false,
    isTls,
    ...placeOf(url.hostname),
    port: portOf(url.port === '' ? (isTls ? '443' : '80') : url.port, text),
  };
}

function parseHostPort(text: string, isTls: boolean): Target {
  const [, host, port] = /^(\[[\da-f:.]+\]|[^\s:/@?#[\]\\]+):(\d{1,5})$/i.exec(text) ?? [];
  if (host === undefined || port === undefined || !URL.canParse(`http://${host}/`)) throw notATarget(text);
  return {
    http: null,
    isHttp2: false,
    isTls,
    ...placeOf(new URL(`http://${host}/`).hostname),
    port: portOf(port, text),
  };
}

function placeOf(hostname: string): Pick<Target, 'host' | 'isAddress'> {
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, isAddress: isIP(host) !== 0 };
}

function portOf(text: string, whole: string): number {
  const port = Number(text);
  if (port >= 1 && port <= 65_535) return port;
  throw new ConfigError(`doctor: got port ${text} in ${shown(whole)}, expected a port from 1 to 65535`);
}

function decoded(text: string, whole: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notATarget(whole);
  }
}

function notATarget(text: string): ConfigError {
  return new ConfigError(`doctor: got ${shown(text)}, expected ${EXPECTED}`);
}

function shown(text: string): string {
  return `"${printable(withoutSecrets(text))}"`;
}

/** `payments:8443`, `[::1]:6379`. */
export function labelOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
