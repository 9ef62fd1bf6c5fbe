/**
 * What someone put into the search box: a query, a trace id, or a line from a log. From a line, the host, port,
 * time and phase that it names, and the incident they point to. Pure.
 *
 *   2026-11-22T14:03:22Z dial tcp 10.0.3.7:8443: connect: … getsockopt: connection timed out
 *   └─ when                       └─ host  └─ port                        └─ words of an error
 */
import type { Incident } from '../../collector/serve/wire.ts';
import { queryOf } from './plain-words.ts';

export type SearchInput =
  | { readonly kind: 'empty' }
  | { readonly kind: 'query'; readonly q: string }
  | { readonly kind: 'trace'; readonly traceId: string }
  | { readonly kind: 'error'; readonly error: PastedError };

export interface PastedError {
  readonly host: string | null;
  readonly port: number | null;
  readonly atUnixMs: number | null;
  /** `ETIMEDOUT`, `DEADLINE_EXCEEDED`, `504`: the word it was recognised by. */
  readonly symptom: string;
  readonly phase: string | null;
  /** The kinds of give-up that the line can come from; null where it does not say. */
  readonly kinds: readonly Incident['kind'][] | null;
  /** `/checkout`, where the line names one. */
  readonly path: string | null;
  /** `TimeoutError`, `ECONNRESET`: what spans say in `error.type` and exceptions in their own. */
  readonly errorType: string | null;
}

/** Symptom words of Node, Go, Java, Python, .NET, gRPC, proxies; with the phase, where the word itself says it. */
const SYMPTOMS: readonly (readonly [RegExp, string | null])[] = [
  [/\bdial (?:tcp|udp)\d?\b.*(?:lookup|no such host)/i, 'dns'],
  [
    /\b(?:EAI_AGAIN|ENOTFOUND|UnknownHostException|no such host|Name or service not known|getaddrinfo)\b/i,
    'dns',
  ],
  [/\bdial (?:tcp|udp)\d?\b|\bgetsockopt: connection\b/i, 'connect'],
  [
    /\bconnect (?:ETIMEDOUT|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)\b|\bECONNREFUSED\b|\bUND_ERR_CONNECT_TIMEOUT\b/,
    'connect',
  ],
  [
    /\b(?:connect timed out|connection timed out|connection refused|ConnectTimeout(?:Error|Exception)?|No route to host)\b/i,
    'connect',
  ],
  [/\bTLS handshake timeout\b/i, 'tls'],
  [/\bUND_ERR_HEADERS_TIMEOUT\b|\bawaiting (?:response )?headers\b/i, 'wait'],
  [/\bUND_ERR_BODY_TIMEOUT\b|\bwhile reading body\b/i, 'receive'],
  [/\b(?:pool|acquir\w*)\b.*\b(?:timeout|timed out)\b|\bUH\b.*no healthy upstream/i, 'queue'],
  [/\b(?:ETIMEDOUT|ESOCKETTIMEDOUT|ECONNRESET|ECONNABORTED|EHOSTUNREACH|ENETUNREACH|EPIPE)\b/, null],
  [/\b(?:DEADLINE_EXCEEDED|context deadline exceeded|UNAVAILABLE)\b/i, null],
  [
    /\bsocket hang up\b|\b(?:Read|Socket)Timeout\w*\b|\bTimeoutError\b|\bAbortError\b|\bTimeoutException\b/i,
    null,
  ],
  [/\b(?:timed out|timeout|deadline exceeded|connection reset)\b/i, null],
  // Of no known kind, but a log's word for a failure.
  [/\b\w*(?:Error|Exception)\b|\b(?:ERROR|ERR|FATAL|CRITICAL|PANIC|SEVERE)\b|\bgave up\b/, null],
  [/\b50[234]\b.*\b(?:gateway|unavailable|upstream)\b|\bupstream (?:request|connect)\b/i, null],
];

/** What the words of a line say of the kind, first match. Node says `socket hang up` of a timer's end, too. */
const KINDS: readonly (readonly [RegExp, readonly Incident['kind'][]])[] = [
  [/\b(?:ENOTFOUND|no such host|UnknownHostException|Name or service not known)\b/i, ['unresolved']],
  [/\bEAI_AGAIN\b|\bgetaddrinfo\b|\bdial (?:tcp|udp)\d?: lookup\b/i, ['unresolved', 'timeout']],
  [/\bECONNREFUSED\b|\brefused\b/i, ['refused']],
  [/\b(?:EHOSTUNREACH|ENETUNREACH|no route to host|(?:host|network) is unreachable)\b/i, ['unreachable']],
  [/\bsocket hang up\b/i, ['reset', 'timeout']],
  [/\b(?:ECONNRESET|EPIPE|connection reset|broken pipe)\b/i, ['reset']],
  [/\b504\b|\bgateway time-?out\b|\bupstream request timeout\b/i, ['timeout', 'gateway']],
  [
    /\b(?:E(?:SOCKET)?TIMEDOUT|UND_ERR_\w+_TIMEOUT|DEADLINE_EXCEEDED)\b|\b(?:timed[ -]out|time-?out|deadline exceeded)\b|Timeout(?:Error|Exception)\b/i,
    ['timeout'],
  ],
];

export function readSearch(text: string): SearchInput {
  const trimmed = text.trim();
  if (trimmed === '') return { kind: 'empty' };
  // Below 16 digits, `face` or `2026` is more likely a word than an id.
  if (/^[0-9a-f]{16,32}$/i.test(trimmed)) return { kind: 'trace', traceId: trimmed.toLowerCase() };
  if (!looksLikeQuery(trimmed)) {
    const traceId =
      /\b00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b/i.exec(trimmed)?.[1] ?? namedTraceId(trimmed);
    if (traceId !== undefined) return { kind: 'trace', traceId: traceId.toLowerCase() };
    const error = readError(trimmed);
    if (error) return { kind: 'error', error };
  }
  return { kind: 'query', q: queryOf(trimmed) };
}

/** `trace_id=4bf9…`, `"traceId":"4bf9…"` in a log line. */
function namedTraceId(text: string): string | undefined {
  return /\btrace[_.-]?id"?\s*[=:]\s*"?([0-9a-f]{32})\b/i.exec(text)?.[1];
}

const QUERY_TERM =
  /^[-(]*(?:(?:trace\.)?[a-z_][\w./-]*(?::|[<>~]=?|>=|<=)(?:[^\s"]|"[^"]*")*|OR|"[^"]*"\)?)\)*$/i;

const FIELD_TERM =
  /^[-(]*(?:service|operation|duration|status|timeout|phase|cause|edge|trace\.\w+)(?::|[<>~])\S/;

/**
 * Every word is a term of the query language, and none has the form `word: ` of prose. Without a time, a term that
 * only a query has is enough: what else is wrong with it is for the query to say.
 */
function looksLikeQuery(text: string): boolean {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  if (readTime(text) === null && words.some((word) => FIELD_TERM.test(word))) return true;
  return words.length > 0 && words.every((word) => QUERY_TERM.test(word) && !/[:=]$/.test(word));
}

function readError(text: string): PastedError | null {
  const symptom = SYMPTOMS.map(([pattern, phase]) => ({ match: pattern.exec(text), phase })).find(
    (candidate) => candidate.match,
  );
  const { host, port } = readAddress(text);
  const atUnixMs = readTime(text);
  // An address or a time with words around it is a pasted line too; a lone word is a search.
  const isLine = /\s/.test(text) && ((host !== null && port !== null) || atUnixMs !== null);
  if (!symptom?.match && !isLine) return null;
  return {
    host,
    port,
    atUnixMs,
    symptom: symptom?.match?.[0] ?? (host === null ? 'its time' : `${host}:${port}`),
    phase: symptom?.phase ?? null,
    kinds: KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? null,
    path: readPath(text),
    errorType: ERROR_TYPE.exec(text)?.[0] ?? null,
  };
}

/** The bare `Error` says nothing, nor does a level in capitals. */
const ERROR_TYPE =
  /\b(?:[A-Z]\w*(?:Error|Exception)|(?:E|UND_ERR_)(?!RROR\b)[A-Z][A-Z_]{3,}|DEADLINE_EXCEEDED)\b/;

/** The path of a request: of a URL, or one that stands alone. Not that of a source file in a stack. */
function readPath(text: string): string | null {
  const found =
    /\bhttps?:\/\/[^\s/"]+(\/[\w.~%/-]+)|(?<![^\s"'=(:[])(\/[\w.~%-]+(?:\/[\w.~%-]*)*)(?!\S*:\d)/.exec(text);
  const path = found?.[1] ?? found?.[2] ?? null;
  return path === null || /\.(?:[cm]?[jt]s|py|rb|go|java|php|cs|log)$/.test(path) ? null : path;
}

const IPV4 = String.raw`(?:\d{1,3}\.){3}\d{1,3}`;
const HOST = String.raw`[a-z0-9](?:[\w-]*[a-z0-9])?(?:\.[a-z0-9](?:[\w-]*[a-z0-9])?)*`;

function readAddress(text: string): { host: string | null; port: number | null } {
  // `10.0.0.2:51234->10.0.3.7:8443`: the target is behind the arrow.
  const target = text.replace(/\S+->/g, ' ');
  const url =
    /\b(?:https?|grpc|tcp|postgres(?:ql)?|redis|mysql|amqp|mongodb):\/\/(?:[^\s/@]*@)?(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?/i.exec(
      target,
    );
  const found =
    // The name that was looked up, not the resolver behind it.
    new RegExp(`\\blookup (${HOST})\\b`, 'i').exec(target) ??
    // Node writes IPv6 addresses without brackets.
    /\bE[A-Z]{4,} ([0-9a-f]*:[0-9a-f:]*:[0-9a-f]*):(\d{1,5})\b/i.exec(target) ??
    /\[([0-9a-f]*:[0-9a-f:.]+)\]:(\d{1,5})\b/i.exec(target) ??
    new RegExp(`(?<![\\d.])(${IPV4}):(\\d{1,5})\\b`).exec(target) ??
    url ??
    new RegExp(`(?<![\\w.:/-])(${HOST}):(\\d{2,5})(?![\\w:.-]*\\d:)\\b`, 'i').exec(withoutTimes(target)) ??
    new RegExp(`\\b(?:EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|host|address)[ =:]+"?(${HOST})`, 'i').exec(target) ??
    new RegExp(`(?<![\\d.])(${IPV4})(?![\\d.])`).exec(target);
  if (!found?.[1]) return { host: null, port: null };
  const port = Number(found[2]);
  return {
    host: found[1].replace(/^\[|\]$/g, '').toLowerCase(),
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : null,
  };
}

const ISO_TIME =
  /\b\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?/;

function withoutTimes(text: string): string {
  return text.replace(ISO_TIME, ' ').replace(/\b\d\d:\d\d:\d\d(?:[.,]\d+)?/g, ' ');
}

/** The instant a line was written; a time without a zone is taken as this browser's. */
function readTime(text: string): number | null {
  const match = ISO_TIME.exec(text);
  if (match) {
    const iso = match[0]
      .replaceAll('/', '-')
      .replace(',', '.')
      .replace(/(\.\d{3})\d+/, '$1')
      .replace(/^(\S+) (\d)/, '$1T$2')
      .replace(/ ?UTC$/, 'Z')
      .replace(/ (?=[+-])/, '');
    const time = Date.parse(iso);
    return Number.isNaN(time) ? null : time;
  }
  const epoch = /(?<![\d.])(1[5-9]\d{8}|2[0-4]\d{8})(?:\.\d+)?(\d{3})?(?![\d.])/.exec(text);
  return epoch ? Number(epoch[1]) * 1000 + Number(epoch[2] ?? 0) : null;
}

/** How far an incident's first and last sight may lie from the line's time: clocks and log buffers differ. */
const NEAR_MS = 5 * 60e3;

/**
 * The incidents that share the line's host or name and do not contradict it in port, kind of error or time; best
 * first, which is in its phase where it says one.
 */
export function matchIncidents(error: PastedError, incidents: readonly Incident[]): Incident[] {
  if (error.host === null) return [];
  const host = error.host;
  return incidents
    .filter((incident) => namesHost(incident, host, error.port))
    .filter((incident) => hasPort(incident, error.port) && isOfKind(incident, error))
    .filter(
      (incident) =>
        error.atUnixMs === null ||
        (Date.parse(incident.firstSeen) - NEAR_MS <= error.atUnixMs &&
          error.atUnixMs <= Date.parse(incident.lastSeen) + NEAR_MS),
    )
    .toSorted(
      (a, b) =>
        Number(b.phase === error.phase) - Number(a.phase === error.phase) ||
        Date.parse(b.lastSeen) - Date.parse(a.lastSeen),
    );
}

/** The peer of a call's span is who was called; that of an origin inside a service is who called it. */
const PEER_KEYS = {
  address: ['network.peer.address', 'peer', 'net.peer.name', 'net.peer.ip'],
  port: ['network.peer.port', 'net.peer.port'],
};

function isAt({ edge }: Incident, of: 'address' | 'port', key: string): boolean {
  return key === `server.${of}` || (edge.includes('->') && PEER_KEYS[of].includes(key));
}

function namesHost(incident: Incident, host: string, port: number | null): boolean {
  const callee = (incident.edge.split('->')[1] ?? '').toLowerCase();
  const withPort = port === null ? host : `${host}:${port}`;
  if (callee === host || callee === withPort || callee === host.split('.')[0]) return true;
  return incident.shared.some(
    ({ key, value }) => isAt(incident, 'address', key) && [host, withPort].includes(value.toLowerCase()),
  );
}

/** Many services share an address, on a laptop all of them. An incident that knows no port contradicts none. */
function hasPort(incident: Incident, port: number | null): boolean {
  const { shared, differs } = incident;
  const ports = [...shared, ...differs].filter(({ key }) => isAt(incident, 'port', key));
  return port === null || ports.length === 0 || ports.some(({ value }) => value === String(port));
}

/** A name is looked up in one phase alone; that a peer is silent, refuses or hangs up are different faults. */
function isOfKind(incident: Incident, { kinds, phase }: PastedError): boolean {
  if (phase === 'dns' && incident.phase !== 'dns') return false;
  return kinds === null || kinds.includes(incident.kind);
}

/** The search that finds calls to the same place: the caller's span names the host by name or by address. */
export function errorQuery(error: PastedError): string {
  const terms: string[] = [];
  if (error.host !== null) {
    const host = /[\s:()"]/.test(error.host) ? `"${error.host}"` : error.host;
    terms.push(`(server.address:${host} OR network.peer.address:${host})`);
  }
  if (error.port !== null) terms.push(`(server.port:${error.port} OR network.peer.port:${error.port})`);
  terms.push('(timeout:true OR status:error)');
  return terms.join(' ');
}
