/**
 * What an error's words say: which kind of failure it is and in which phase of the call it happened.
 *
 * Most traces come from services without our hook, so the texts of Node, Go, Java, Python, .NET, Ruby, PHP, Rust
 * and Envoy are known here. Measured phases beat these: a text is read only where nothing was measured.
 */
import type { GiveUpKind, Phase } from './verdict.ts';

export interface Failure {
  readonly kind: GiveUpKind;
  /** null: the words fit every phase. */
  readonly phase: Phase | null;
  /** What enforced the limit, where the words tell; `peer` is a timer of the other side. */
  readonly timer: string | null;
}

/** Words of an error beyond this are not read: names of 1 MB exist. */
const TEXT_CHARS_MAX = 2_000;

/** Anything below contains one of these; most errors contain none, and are done after one search. */
const WORTH_READING =
  /time|deadline|refuse|reset|hang|closed|close|unreach|resol|host|address|dns|tls|ssl|cert|handshake|cancel|abort|pipe|eof|EAI_|ENOT|ENODATA|ESERV|ECONN|EADDR|FILE|UND_ERR|57014|1205|upstream|unavailable|LB pick|pool|other side|socket|connect|broken|starttls|too many open|terminated|prematurely/i;

type Row = readonly [pattern: RegExp, kind: GiveUpKind, phase: Phase | null, timer?: string];

/** The first row that matches counts: the specific stand before the general. */
const ROWS: readonly Row[] = [
  // The far side's own timers, passed on in an error.
  [
    /\b57014\b|canceling statement due to (?:statement|lock|user)|ER_LOCK_WAIT_TIMEOUT|Lock wait timeout exceeded|ER_QUERY_TIMEOUT|MaxTimeMSExpired|operation exceeded time limit/i,
    'timeout',
    'wait',
    'peer',
  ],
  [/upstream connect error.*(?:timeout|timed out)/i, 'gateway', 'connect', 'peer'],
  [/upstream request timeout|stream timeout|504 Gateway|gateway time-?out/i, 'gateway', 'wait', 'peer'],
  [/upstream connect error|no healthy upstream|overflow\b.*upstream/i, 'gateway', 'wait'],

  // Waiting for a connection from a pool.
  [
    /timeout exceeded when trying to connect|ResourceRequest timed out|Timeout acquiring a connection|KnexTimeoutError|Connection is not available, request timed out|QueuePool limit|Timeout waiting for connection from pool|ConnectionPoolTimeout|ConnectionRequestTimeoutException|PoolTimeout|pool timed out|obtaining a connection from the pool|WaitQueueTimeout|Timed out while checking out a connection|could not obtain a connection from the pool|SequelizeConnectionAcquireTimeout|Timeout waiting for idle object/i,
    'timeout',
    'queue',
    'app',
  ],

  // got names the phase it was in.
  [/Timeout awaiting 'socket'/, 'timeout', 'queue'],
  [/Timeout awaiting 'lookup'/, 'timeout', 'dns'],
  [/Timeout awaiting 'connect'/, 'timeout', 'connect'],
  [/Timeout awaiting 'secureConnect'/, 'timeout', 'tls'],
  [/Timeout awaiting 'send'/, 'timeout', 'send'],
  [/Timeout awaiting 'response'/, 'timeout', 'wait'],
  [/Timeout awaiting 'read'/, 'timeout', 'receive'],

  // Names. The silent resolver before the one that answers "no".
  [
    /lookup .*(?:i\/o timeout|timed out)|\bETIMEOUT\b|DNS(?: lookup| resolution)? tim(?:ed out|eout)|Resolving timed out/i,
    'timeout',
    'dns',
  ],
  [
    /\bENOTFOUND\b|\bEAI_(?:AGAIN|NONAME|NODATA|FAIL)\b|\bENODATA\b|\bESERVFAIL\b|query[A-Z]\w* E\w+|no such host|server misbehaving|UnknownHostException|Name or service not known|nodename nor servname|Temporary failure in name resolution|No address associated with hostname|NameResolutionError|gaierror|getaddrinfo|Could not resolve host|DNS resolution failed|Name resolution failed|failed to lookup address|dns error|No such host is known|Host not found|SocketError.*not known|UnresolvedAddressException/i,
    'unresolved',
    'dns',
  ],

  // TLS. Its time-outs first.
  [
    /TLS handshake timeout|SSL connection timeout|handshake(?: operation)? timed out|SSL_connect.*timed out/i,
    'timeout',
    'tls',
  ],
  [
    /SSLHandshakeException|SSLError|SSL_ERROR|SSLException|ERR_TLS|ERR_SSL|\bEPROTO\b|CERTIFICATE_VERIFY_FAILED|certificate verify failed|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT|CERT_HAS_EXPIRED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|x509:|tls: |gave HTTP response to HTTPS client|wrong version number|AuthenticationException.*(?:certificate|SSL)|before secure TLS connection was established|invalid peer certificate|SSL certificate problem/i,
    'tls',
    'tls',
  ],

  // The call's own name beats "connection timed out", which is only the words for ETIMEDOUT.
  [
    /write: (?:connection|operation) timed out|write ETIMEDOUT|WriteTimeout|Write timed out|The write operation timed out/i,
    'timeout',
    'send',
  ],
  [
    /read: (?:connection|operation) timed out|read ETIMEDOUT|\(Read failed\)|read (?:tcp|udp) .*(?:i\/o timeout|timed out)|Deadline exceeded after.*remote_addr=/i,
    'timeout',
    'wait',
  ],

  // Connect. Go fetches the result of a non-blocking connect by getsockopt: still the connect phase.
  [/UND_ERR_CONNECT_TIMEOUT/, 'timeout', 'connect', 'undici_connect'],
  [
    /dial (?:tcp|udp|unix).*(?:i\/o timeout|timed out|deadline exceeded)|getsockopt: (?:connection|operation) timed out/i,
    'timeout',
    'connect',
  ],
  [
    /connect ETIMEDOUT|ERR_SOCKET_CONNECTION_TIMEOUT|ConnectTimeout|connect timed out|Connect(?:ion)? ?timed out(?! while reading)|ConnectionTimeout|connection timeout|timed out (?:trying to connect|while connecting)|connection attempt failed because the connected party did not properly respond|Net::OpenTimeout|open TCP connection.*execution expired|tcp connect error.*timed out|error trying to connect.*(?:timed out|deadline)|failed to connect.*(?:timed out|timeout)|SocketTimeoutException: (?:connect|failed to connect)|while waiting for connection|Waiting for LB pick|SQLSTATE\[HY000\] \[2002\].*timed out|server selection timed out|Timed out after .* while selecting a server/i,
    'timeout',
    'connect',
  ],
  [
    /ECONNREFUSED|[Cc]onnection refused|actively refused|ConnectionRefusedError|Connect(?:ion)?RefusedException|No connection established|failed to connect to all addresses|Couldn't connect to server|java\.net\.ConnectException/,
    'refused',
    'connect',
  ],
  [
    /EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|no route to host|network is unreachable|NoRouteToHostException|host is (?:down|unreachable)|EADDRNOTAVAIL|cannot assign requested address|\bE[MN]FILE\b|too many open files|unreachable (?:host|network)/i,
    'unreachable',
    'connect',
  ],

  // After the connection stood.
  [/UND_ERR_HEADERS_TIMEOUT/, 'timeout', 'wait', 'undici_headers'],
  [/UND_ERR_BODY_TIMEOUT/, 'timeout', 'receive', 'undici_body'],
  [/ESOCKETTIMEDOUT/, 'timeout', 'wait', 'socket_timeout'],
  [
    /timeout awaiting response|awaiting headers|Timeout on reading data from socket|query read timeout/i,
    'timeout',
    'wait',
  ],
  [/while reading body|reading (?:the )?body.*(?:timed out|timeout)|BodyTimeout/i, 'timeout', 'receive'],
  [
    /ReadTimeout|[Rr]ead timed out|SocketTimeoutException|HttpTimeoutException|The read operation timed out|Operation timed out after .* with 0 bytes received/,
    'timeout',
    'wait',
  ],
  [
    /ECONNRESET|ECONNABORTED(?!.*timeout)|[Cc]onnection reset|socket hang up|UND_ERR_SOCKET|other side closed|forcibly closed by the remote|ConnectionResetError|RemoteDisconnected|Remote end closed connection|[Cc]onnection aborted|[Cc]onnection was closed|server closed (?:the )?(?:idle )?connection|server closed the connection|connection closed before message completed|Connection terminated unexpectedly|Server disconnected|NoHttpResponseException|prematurely closed|unexpected end of stream|error reading from server: EOF|transport is closing|unexpected EOF|: EOF$|EOFError|IncompleteRead|Empty reply from server|Connection dropped|stream error.*(?:INTERNAL_ERROR|REFUSED_STREAM)|ERR_STREAM_PREMATURE_CLOSE|ERR_HTTP2_STREAM_ERROR|connection lost/,
    'reset',
    null,
  ],
  [/\bEPIPE\b|[Bb]roken pipe|BrokenPipe/, 'reset', 'send'],

  // Words that fit every phase. A timer before an abort: "aborted due to timeout" is the timer's.
  [
    /aborted due to timeout|ETIMEDOUT|DEADLINE_EXCEEDED|[Dd]eadline ?[Ee]xceeded|TimeoutError|TimeoutException|Timeout::Error|timeout of \d+ ?ms exceeded|timed[ _-]?out|Timeout awaiting|^timeout$|Timeout was reached|i\/o timeout|HttpClient\.Timeout|Client\.Timeout|deadline has elapsed|(?:request|response|operation|query|command) time-?out|time-?out (?:exceeded|expired|while|waiting)|execution expired|socket timeout/im,
    'timeout',
    null,
  ],
  [
    /AbortError|UND_ERR_ABORTED|ERR_CANCELED|context canceled|CancelledError|CancellationException|TaskCanceled|OperationCanceled|\bCANCELLED\b|operation was aborted|request aborted|ClientDisconnect|client disconnected/i,
    'cancelled',
    null,
  ],
];

/** null when the words tell of no give-up: the call was answered, and the answer was an error. */
export function failureOfText(text: string): Failure | null {
  const head = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  if (!WORTH_READING.test(head)) return null;
  for (const [pattern, kind, phase, timer] of ROWS) {
    if (pattern.test(head)) return { kind, phase, timer: timer ?? null };
  }
  return null;
}

/** A gateway's answer instead of the peer's, or a peer's timer; the origin of a 5xx here is behind the hop that sent it. */
export function failureOfHttpStatus(status: number): Failure | null {
  switch (status) {
    case 408:
      return { kind: 'timeout', phase: 'send', timer: 'peer' };
    case 499:
      return { kind: 'cancelled', phase: null, timer: null };
    case 502:
    case 503:
      return { kind: 'gateway', phase: 'wait', timer: null };
    case 504:
    case 524:
      return { kind: 'gateway', phase: 'wait', timer: 'peer' };
    default:
      return null;
  }
}

/** By number or by name; the words of the status refine where in the call it happened. */
export function failureOfGrpcStatus(code: string, text: string): Failure | null {
  const words = failureOfText(text);
  switch (code) {
    case '1':
    case 'CANCELLED':
      return { kind: 'cancelled', phase: null, timer: null };
    case '4':
    case 'DEADLINE_EXCEEDED':
      return { kind: 'timeout', phase: words?.phase ?? null, timer: 'grpc_deadline' };
    case '14':
    case 'UNAVAILABLE':
      return words === null || words.kind === 'cancelled'
        ? { kind: 'refused', phase: 'connect', timer: null }
        : words;
    default:
      return null;
  }
}

const BUDGETS: readonly (readonly [pattern: RegExp, unitMs: number])[] = [
  [/timeout of (\d+(?:\.\d+)?) ?ms exceeded/i, 1],
  [/\((?:read|connect) timeout=(\d+(?:\.\d+)?)\)/i, 1_000],
  [/Timeout awaiting '\w+' for (\d+(?:\.\d+)?) ?ms/i, 1],
  [/deadline exceeded after (\d+(?:\.\d+)?) ?s/i, 1_000],
  [/(?:timed out|timeout) after (\d+(?:\.\d+)?) ?(?:ms|milliseconds)/i, 1],
  [/(?:timed out|timeout) after (\d+(?:\.\d+)?) ?(?:s|seconds)\b/i, 1_000],
  [/HttpClient\.Timeout of (\d+(?:\.\d+)?) seconds/i, 1_000],
];

/** The limit an error text names ("timeout of 3000ms exceeded"); null when it names none. */
export function budgetMsOfText(text: string): number | null {
  const head = text.slice(0, TEXT_CHARS_MAX);
  for (const [pattern, unitMs] of BUDGETS) {
    const match = pattern.exec(head);
    if (match?.[1] !== undefined) return Number(match[1]) * unitMs;
  }
  return null;
}
