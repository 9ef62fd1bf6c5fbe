/**
 * What an error says: which kind of failure it is and in which phase of the call it happened. By its words or by its
 * HTTP or gRPC status. Measured phases beat these: a text is read only where nothing was measured.
 */
import { ERROR_WORDS, type Failure } from './error-words.ts';

export type { Failure };

/** Words of an error beyond this are not read: names of 1 MB exist. */
const TEXT_CHARS_MAX = 2_000;

/** Anything below contains one of these; most errors contain none, and are done after one search. */
const WORTH_READING =
  /time|deadline|refuse|reset|hang|closed|close|unreach|resol|host|address|dns|tls|ssl|cert|handshake|cancel|abort|pipe|eof|EAI_|ENOT|ENODATA|ESERV|ECONN|EADDR|FILE|UND_ERR|HTTP2_|57014|1205|upstream|unavailable|LB pick|pool|other side|socket|connect|broken|starttls|too many open|terminated|prematurely/i;

/** null when the words tell of no give-up: the call was answered, and the answer was an error. */
export function failureOfText(text: string): Failure | null {
  const head = text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
  if (!WORTH_READING.test(head)) return null;
  return ERROR_WORDS.find(({ words }) => words.test(head)) ?? null;
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
