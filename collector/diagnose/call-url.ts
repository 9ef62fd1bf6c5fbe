/**
 * The URL that a call asked for, as a check may ask for it again: in single quotes, without user and password, and with
 * secret-looking values of its query replaced. Pure.
 */
import { textAttribute, type Span } from '../span.ts';
import { peerAddress } from './tree.ts';

/** A longer one is cut down to its path, and then to its host. */
const URL_CHARS_MAX = 300;
const SECRET_KEY =
  /token|secret|passw|pwd|api[-_]?key|access[-_]?key|auth|signature|^sig$|^key$|credential|session|jwt|^code$/i;
/** Standard ports need not be named. */
const TLS_PORTS = new Set(['443', '8443']);

/** null when the spans do not say where the call went. `server` is the other side of the call, where it has a span. */
export function callUrl(call: Span, server: Span | null): string | null {
  const url = sentUrl(call) ?? composedUrl(call, server);
  if (url === null) return null;
  url.username = '';
  url.password = '';
  url.hash = '';
  url.search = redactQuery(url.search);
  if (url.href.length > URL_CHARS_MAX) url.search = '';
  if (url.href.length > URL_CHARS_MAX) url.pathname = '/';
  // Whatever else a shell reads is text between single quotes.
  return url.href.length > URL_CHARS_MAX ? null : `'${url.href.replaceAll("'", '%27')}'`;
}

function sentUrl({ attributes }: Span): URL | null {
  const url = URL.parse(textAttribute(attributes, 'url.full') ?? textAttribute(attributes, 'http.url') ?? '');
  return url !== null && isHttp(url) ? url : null;
}

/** From its parts; the path may be known to the server alone. */
function composedUrl(call: Span, server: Span | null): URL | null {
  const { host, port } = peerAddress(call);
  if (host === null) return null;
  const isTls =
    textAttribute(call.attributes, 'url.scheme') === 'https' ||
    call.attributes.has('sockeye.phase.tls_ms') ||
    TLS_PORTS.has(port ?? '');
  const path = pathOf(call) ?? (server === null ? null : pathOf(server)) ?? '/';
  const authority = host.includes(':') ? `[${host}]` : host;
  const url = URL.parse(`${isTls ? 'https' : 'http'}://${authority}${port === null ? '' : `:${port}`}`);
  // A host that is no name makes another URL than was meant.
  if (url === null || !isHttp(url) || url.username !== '' || url.pathname !== '/') return null;
  return URL.parse(path.startsWith('/') ? path : '/', url.origin);
}

function pathOf({ attributes }: Span): string | null {
  const target = textAttribute(attributes, 'http.target');
  const path = textAttribute(attributes, 'url.path') ?? target;
  const query = textAttribute(attributes, 'url.query');
  return path !== null && query !== null && path !== target ? `${path}?${query}` : path;
}

const HOST = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[0-9a-f:.]+\])$/i;

/** URLs may have hosts that no name and no address looks like. */
function isHttp({ protocol, hostname }: URL): boolean {
  return /^https?:$/.test(protocol) && HOST.test(hostname);
}

function redactQuery(search: string): string {
  return search
    .replace(/^\?/, '')
    .split('&')
    .map((pair) => {
      const [key = ''] = pair.split('=', 1);
      return pair.includes('=') && SECRET_KEY.test(key) ? `${key}=REDACTED` : pair;
    })
    .join('&');
}
