/** What an error says about how a call ended: its true type, and whether a timer ended it, whose, and how long it was. Pure. */

export type Timer =
  | 'http_timeout'
  | 'socket_timeout'
  | 'abort_signal'
  | 'abort'
  | 'undici_headers'
  | 'undici_body'
  | 'undici_connect'
  | 'grpc_deadline'
  | 'kernel'
  | 'app';

export interface Timeout {
  timer: Timer;
  /** Absent when nothing says how long the caller was willing to wait. */
  budgetMs: number | undefined;
}

export interface Failure {
  /** The value of `error.type`. */
  type: string;
  message: string;
  timeout: Timeout | undefined;
}

/** What the hook saw besides the error itself. */
export interface Circumstances {
  /** Whether this program ended the call, rather than the peer or the kernel. */
  endedHere: boolean;
  /** Whether its agent said that there is no connection for it. */
  neverConnected: boolean;
  /** The idle timer that ran out with nothing moving since. */
  idleTimer: Timeout | undefined;
  /** What the caller set undici's timers of this request to. */
  undiciBudgetsMs: Partial<Record<Timer, number>>;
  /** The program's own timer in whose callback it ended the call, with its delay where that is known. */
  ownTimer: { delayMs: number | undefined } | undefined;
  /** The timer behind an abort, by its reason. */
  timerOfReason: (reason: unknown) => Timeout | undefined;
  /** The timer behind the abort that made the program end the call, in whatever way. */
  abort?: Timeout | undefined;
}

const undiciTimers: Record<string, Timer> = {
  UND_ERR_CONNECT_TIMEOUT: 'undici_connect',
  UND_ERR_HEADERS_TIMEOUT: 'undici_headers',
  UND_ERR_BODY_TIMEOUT: 'undici_body',
};

const speaksOfTimeout = /time[d\s-]*out/i;
/** The answer of a proxy, quoted by an agent: it was the proxy that waited. */
const isProxyAnswer = /\b(?:408|504)\b|gateway time/i;

interface ErrorFacts {
  name: string | undefined;
  code: string | undefined;
  message: string;
  errno: unknown;
  cause: unknown;
  /** Of an AggregateError. */
  errors: unknown[];
}

const nothing: ErrorFacts = {
  name: undefined,
  code: undefined,
  message: '',
  errno: undefined,
  cause: undefined,
  errors: [],
};

/** The facts of anything that may have been thrown; reading them never throws, whatever the object does. */
export function readError(error: unknown): ErrorFacts {
  try {
    // The text of a function is code.
    if (typeof error === 'function') return nothing;
    if (typeof error !== 'object' || error === null) return { ...nothing, message: String(error) };
    const { name, code, message, errno, cause } = error as Record<string, unknown>;
    return {
      name: typeof name === 'string' ? name : undefined,
      code: typeof code === 'string' && code !== '' ? code : undefined,
      message: typeof message === 'string' ? message : '',
      errno,
      cause,
      errors: error instanceof AggregateError ? Array.from(error.errors) : [],
    };
  } catch {
    return nothing;
  }
}

/** `error.type`: the code where there is one, else the name, never the bare `Error`. An abort's reason goes before the abort. */
function typeOf({ name, code, message, cause }: ErrorFacts): string {
  // undici calls it an abort when a proxy opens no tunnel.
  const isAbort = (code === 'ABORT_ERR' || name === 'AbortError') && !message.startsWith('Proxy response');
  if (isAbort) {
    const reason = readError(cause);
    if (reason.name === 'TimeoutError') return 'TimeoutError';
    return 'AbortError';
  }
  return code ?? (name === undefined || name === 'Error' ? '_OTHER' : name);
}

/** The timer that ended the call, if one did. */
function timeoutOf(error: unknown, facts: ErrorFacts, circumstances: Circumstances): Timeout | undefined {
  const { name, code, message } = facts;
  const { endedHere, neverConnected, idleTimer, undiciBudgetsMs, ownTimer, timerOfReason, abort } =
    circumstances;
  const unknown = (timer: Timer): Timeout => ({ timer, budgetMs: undefined });
  const type = typeOf(facts);
  const aborted = timerOfReason(error) ?? timerOfReason(facts.cause) ?? abort;
  if (aborted) return aborted;
  if (type === 'TimeoutError' && (name === 'AbortError' || error instanceof DOMException)) {
    return unknown('abort_signal');
  }
  if (code !== undefined && Object.hasOwn(undiciTimers, code)) {
    const stated = /timeout: (\d+)\s*ms/.exec(message)?.[1];
    const timer = undiciTimers[code]!;
    return { timer, budgetMs: stated === undefined ? undiciBudgetsMs[timer] : Number(stated) };
  }
  if (isKernelTimeout(facts)) return unknown('kernel');
  // The timer of the DNS resolver, or of an agent, which runs in this program.
  if (code === 'ETIMEOUT') return { timer: 'app', budgetMs: ownTimer?.delayMs };
  if (endedHere) {
    if (idleTimer) return idleTimer;
    // A request library's own timer says it in the error's name, code or message.
    const isSaid = [code, name, message].some((text) => text && speaksOfTimeout.test(text));
    const budgetMs = ownTimer?.delayMs ?? (isSaid ? delayIn(message) : undefined);
    if (ownTimer) return { timer: isAbortByText(type, facts) ? 'abort' : 'app', budgetMs };
    if (isSaid) return { timer: 'app', budgetMs };
  }
  // As does that of an agent, which has nothing else to say it with.
  if (neverConnected && speaksOfTimeout.test(message) && !isProxyAnswer.test(message)) return unknown('app');
  return endedHere || type === 'AbortError' ? unknown('abort') : undefined;
}

/** Of `timeout of 200ms exceeded`. */
function delayIn(message: string): number | undefined {
  const [, digits] = /\b(\d+)\s?ms\b/.exec(message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** Node's own, with a reason that is nobody's in particular. */
function isAbortByText(type: string, { cause }: ErrorFacts): boolean {
  return type === 'AbortError' && cause !== undefined && Object(cause) !== cause;
}

/** ETIMEDOUT with a system error number; of several addresses tried, the last one decides: only it was left to the kernel. */
function isKernelTimeout(facts: ErrorFacts): boolean {
  const { code, errno } = facts.errors.length === 0 ? facts : readError(facts.errors.at(-1));
  return code === 'ETIMEDOUT' && typeof errno === 'number';
}

/** Met by the system: one of the addresses that were tried, or the only one. */
export function isOfSystem(error: unknown): boolean {
  const { errors, errno } = readError(error);
  return errors.length > 0 || typeof errno === 'number';
}

/** Describes how a call failed. */
export function describeFailure(error: unknown, circumstances: Circumstances): Failure {
  const facts = readError(error);
  const timeout = timeoutOf(error, facts, circumstances);
  // What is no error has no type of its own.
  const isBareAbort = timeout?.timer === 'abort' && facts.name === undefined && facts.code === undefined;
  const type = isBareAbort ? 'AbortError' : typeOf(facts);
  // An AggregateError has a code and no message of its own.
  const parts = facts.errors.map((part) => readError(part).message);
  const message = facts.message || parts.join('; ') || type;
  return { type, message, timeout };
}
