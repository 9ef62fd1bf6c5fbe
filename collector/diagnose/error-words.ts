/**
 * The words by which errors are known: those of Node and its libraries, Go, Java, Python, .NET, Ruby, PHP, Rust, Envoy
 * and of databases. The first row that matches counts, so the specific stand before the general.
 */
import type { GiveUpKind, Phase } from './verdict.ts';

export interface Failure {
  readonly kind: GiveUpKind;
  /** null: the words fit every phase. */
  readonly phase: Phase | null;
  /** What enforced the limit, where the words tell; `peer` is a timer of the other side. */
  readonly timer: string | null;
}

export interface ErrorWords extends Failure {
  readonly words: RegExp;
}

export const ERROR_WORDS: readonly ErrorWords[] = [
  // 57014 is both; the words tell which.
  row(['cancelled'], /canceling statement due to user request/),
  // The far side's own timers, passed on in an error.
  row(
    ['timeout', 'wait', 'peer'],
    /\b57014\b/,
    /canceling statement due to (?:statement|lock)/,
    /ER_LOCK_WAIT_TIMEOUT/,
    /Lock wait timeout exceeded/,
    /ER_QUERY_TIMEOUT/,
    /maximum statement execution time exceeded/, // MySQL
    /ER_STATEMENT_TIMEOUT/,
    /max_statement_time exceeded/, // MariaDB
    /MaxTimeMSExpired/,
    /operation exceeded time limit/,
  ),
  row(['gateway', 'wait', 'peer'], /upstream connect error.*(?:timeout|timed out)/),
  row(
    ['gateway', 'wait', 'peer'],
    /upstream request timeout/,
    /stream timeout/,
    /504 Gateway/,
    /gateway time-?out/,
  ),
  row(['gateway', 'wait'], /upstream connect error/, /no healthy upstream/, /overflow\b.*upstream/),
  // Waiting for a connection from a pool.
  row(
    ['timeout', 'queue', 'app'],
    /timeout exceeded when trying to connect/, // pg-pool
    /ResourceRequest timed out/, // generic-pool
    /Timeout acquiring a connection/,
    /KnexTimeoutError/,
    /Connection is not available, request timed out/, // Hikari
    /QueuePool limit/, // SQLAlchemy
    /Timeout waiting for connection from pool/,
    /ConnectionPoolTimeout/,
    /ConnectionRequestTimeoutException/, // Apache HttpClient
    /PoolTimeout/, // httpx
    /pool timed out/,
    /obtaining a connection from the pool/,
    /WaitQueueTimeout/, // MongoDB
    /Timed out while checking out a connection/,
    /could not obtain a connection from the pool/,
    /SequelizeConnectionAcquireTimeout/,
    /Timeout waiting for idle object/,
  ),
  // got names the phase it was in.
  row(['timeout', 'queue'], /Timeout awaiting 'socket'/),
  row(['timeout', 'dns'], /Timeout awaiting 'lookup'/),
  row(['timeout', 'connect'], /Timeout awaiting 'connect'/),
  row(['timeout', 'tls'], /Timeout awaiting 'secureConnect'/),
  row(['timeout', 'send'], /Timeout awaiting 'send'/),
  row(['timeout', 'wait'], /Timeout awaiting 'response'/),
  row(['timeout', 'receive'], /Timeout awaiting 'read'/),
  // Names. The silent resolver before the one that answers "no".
  row(
    ['timeout', 'dns'],
    /lookup .*(?:i\/o timeout|timed out)/,
    /\bETIMEOUT\b/,
    /DNS(?: lookup| resolution)? tim(?:ed out|eout)/,
    /Resolving timed out/,
  ),
  row(
    ['unresolved', 'dns'],
    /\bENOTFOUND\b/,
    /\bEAI_(?:AGAIN|NONAME|NODATA|FAIL)\b/,
    /\bENODATA\b/,
    /\bESERVFAIL\b/,
    /query[A-Z]\w* E\w+/,
    /no such host/,
    /server misbehaving/,
    /UnknownHostException/,
    /Name or service not known/,
    /nodename nor servname/,
    /Temporary failure in name resolution/,
    /No address associated with hostname/,
    /NameResolutionError/,
    /gaierror|getaddrinfo/,

    /Could not resolve host/,

    /(?:DNS|name) resolution failed/,
    /failed to lookup address/,
    /dns error/,

    /Host not found/,
    /SocketError.*not known/,
    /UnresolvedAddressException/,
  ),
  // TLS. Its time-outs first.
  row(
    ['timeout', 'tls'],
    /TLS handshake timeout/,
    /SSL connection timeout/,
    /handshake(?: operation)? timed out/,
    /SSL_connect.*timed out/,
  ),
  row(
    ['tls', 'tls'],
    /SSLHandshakeException/,
    /SSL_?Error/,

    /SSLException/,
    /ERR_TLS/,
    /ERR_SSL/,
    /\bEPROTO\b/,
    /CERTIFICATE_VERIFY_FAILED/,
    /certificate verify failed/,
    /SELF_SIGNED_CERT/,

    /CERT_HAS_EXPIRED/,
    /UNABLE_TO_(?:VERIFY|GET_ISSUER)/,
    /x509:/,
    /tls: /,
    /gave HTTP response to HTTPS client/,
    /wrong version number/,
    /AuthenticationException.*(?:certificate|SSL)/,
    /before secure TLS connection was established/,
    /invalid peer certificate/,
    /SSL certificate problem/,
  ),
  // The call's own name beats "connection timed out", which is only the words for ETIMEDOUT.
  row(
    ['timeout', 'send'],
    /write: (?:connection|operation) timed out/,
    /write ETIMEDOUT/,
    /WriteTimeout/,
    /Write timed out/,
    /The write operation timed out/,
  ),
  row(
    ['timeout', 'wait'],
    /read: (?:connection|operation) timed out/,
    /read ETIMEDOUT/,
    /\(Read failed\)/,
    /read (?:tcp|udp) .*(?:i\/o timeout|timed out)/,
    /Deadline exceeded after.*remote_addr=/,
  ),
  // Connect. Go fetches the result of a non-blocking connect by getsockopt: still the connect phase.
  row(['timeout', 'connect', 'undici_connect'], /UND_ERR_CONNECT_TIMEOUT/),
  row(
    ['timeout', 'connect'],
    /dial (?:tcp|udp|unix).*(?:i\/o timeout|timed out|deadline exceeded)/,
    /getsockopt: (?:connection|operation) timed out/,
  ),
  row(
    ['timeout', 'connect'],
    /connect ETIMEDOUT/,
    /ERR_SOCKET_CONNECTION_TIMEOUT/,
    /ConnectTimeout/,
    /connect timed out/,
    /Connect(?:ion)? ?timed out(?! while reading)/,
    /ConnectionTimeout/,
    /connection timeout/,
    /timed out (?:trying to connect|while connecting)/,
    /connection attempt failed because the connected party did not properly respond/,
    /Net::OpenTimeout/, // Ruby
    /open TCP connection.*execution expired/,
    /tcp connect error.*timed out/,
    /error trying to connect.*(?:timed out|deadline)/,
    /failed to connect.*(?:timed out|timeout)/,
    /SocketTimeoutException: (?:connect|failed to connect)/,
    /while waiting for connection/,
    /Waiting for LB pick/, // gRPC
    /SQLSTATE\[HY000\] \[2002\].*timed out/,
    /server selection timed out/,
    /Timed out after .* while selecting a server/,
  ),
  row(
    ['refused', 'connect'],
    /ECONNREFUSED/,
    /connection ?refused/,
    /actively refused/,
    /ConnectRefusedException/,
    /No connection established/,
    /failed to connect to all addresses/,
    /Couldn't connect to server/,
    /java\.net\.ConnectException/,
  ),
  row(
    ['unreachable', 'connect'],
    /EHOSTUNREACH/,
    /ENETUNREACH/,
    /EHOSTDOWN/,
    /ENETDOWN/,
    /no route to host/,
    /network is unreachable/,
    /NoRouteToHost/,
    /host is (?:down|unreachable)/,
    /EADDRNOTAVAIL/,
    /cannot assign requested address/,
    /\bE[MN]FILE\b/,
    /too many open files/,
    /unreachable (?:host|network)/,
  ),
  // After the connection stood.
  row(['timeout', 'wait', 'undici_headers'], /UND_ERR_HEADERS_TIMEOUT/),
  row(['timeout', 'receive', 'undici_body'], /UND_ERR_BODY_TIMEOUT/),
  row(['timeout', 'wait', 'socket_timeout'], /ESOCKETTIMEDOUT/),
  row(
    ['timeout', 'wait'],
    /timeout awaiting response/,
    /awaiting headers/,
    /Timeout on reading data from socket/,
    /query read timeout/,
  ),
  row(
    ['timeout', 'receive'],
    /while reading body/,
    /reading (?:the )?body.*(?:timed out|timeout)/,
    /BodyTimeout/,
  ),
  row(
    ['timeout', 'wait'],
    /ReadTimeout/,
    /read timed out/,
    /SocketTimeoutException/,
    /HttpTimeoutException/,
    /The read operation timed out/,
    /Operation timed out after .* with 0 bytes received/,
  ),
  row(
    ['reset'],
    /ECONNRESET/,
    /ECONNABORTED(?![\s\S]*timeout)/,
    /connection ?reset/,
    /socket hang up/,
    /UND_ERR_SOCKET/,
    /other side closed/,
    /forcibly closed by the remote/,
    /RemoteDisconnected/,
    /Remote end closed connection/,
    /connection aborted/,
    /connection was closed/,
    /server closed (?:the )?(?:idle )?connection/,
    /connection closed before message completed/,
    /Connection terminated unexpectedly/,
    /Server disconnected/,
    /NoHttpResponseException/,
    /prematurely closed/,
    /unexpected end of stream/,
    /error reading from server: EOF/,
    /transport is closing/,
    /unexpected EOF/,
    /: EOF$/,
    /EOFError/,
    /IncompleteRead/,
    /Empty reply from server/,
    /Connection dropped/,
    /stream error.*(?:INTERNAL_ERROR|REFUSED_STREAM)/,
    /ERR_STREAM_PREMATURE_CLOSE/,
    /ERR_HTTP2_(?:STREAM|SESSION)_ERROR/,
    /ERR_HTTP2_GOAWAY_SESSION/,
    /connection lost/,
  ),
  row(['reset', 'send'], /\bEPIPE\b/, /broken ?pipe/),
  // Words that fit every phase. A timer before an abort: "aborted due to timeout" is the timer's.
  row(
    ['timeout'],
    /aborted due to timeout/,
    /ETIMEDOUT/,
    /DEADLINE_EXCEEDED/,
    /deadline ?exceeded/,
    /TimeoutError/,
    /TimeoutException/,
    /Timeout::Error/,
    /timeout of \d+ ?ms exceeded/,
    /timed[ _-]?out/,
    /Timeout awaiting/,
    /^timeout$/,
    /Timeout was reached/,
    /i\/o timeout/,
    /Client\.Timeout/,

    /deadline has elapsed/,
    /(?:request|response|operation|query|command) time-?out/,
    /time-?out (?:exceeded|expired|while|waiting)/,
    /execution expired/,
    /socket timeout/,
  ),
  row(
    ['cancelled'],
    /AbortError/,
    /UND_ERR_ABORTED/,
    /ERR_CANCELED/,
    /context canceled/,
    /CancelledError/,
    /CancellationException/,
    /TaskCanceled/,
    /OperationCanceled/,
    /\bCANCELLED\b/,
    /operation was aborted/,
    /request aborted/,
    /ClientDisconnect/,
    /client disconnected/,
  ),
];

function row(
  [kind, phase, timer]: readonly [GiveUpKind, Phase?, string?],
  ...words: readonly RegExp[]
): ErrorWords {
  const pattern = new RegExp(words.map(({ source }) => source).join('|'), 'im');
  return { kind, phase: phase ?? null, timer: timer ?? null, words: pattern };
}
