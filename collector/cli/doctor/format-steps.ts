/**
 * The steps of `sockeye doctor` as lines:
 *
 *     ✓ dns        1.2 ms  10.0.3.7, 10.0.3.8, by 10.0.0.2
 *     ✓ connect    0.4 ms  10.0.3.7: round trip 0.3 ms
 *     ✕ connect  10.001 s  10.0.3.8: no reply, 6 SYN retransmits
 *
 * Pure. Whatever a peer sent is printable.
 */
import { formatMs } from '../../diagnose/evidence.ts';
import { tlsAlertWords } from '../../diagnose/tls-words.ts';
import { paragraph, printable, type Terminal } from '../terminal.ts';
import { counted, size } from '../words.ts';
import { kernelWordOf, type KernelWord } from './judge.ts';
import type { AskedServer, Certificate, Failure, LookupFacts, Step, TlsFacts } from './reports.ts';
import type { EndedStep } from './run-probe.ts';

/** `passed over`: an address that nobody on this host could call, beside others that answer. */
export type Mark = 'fine' | 'fault' | 'passed over';

const SIGNS: Record<Mark, string> = { fine: '✓', fault: '✕', 'passed over': '–' };
const NAME_COLUMNS = 9;
const MS_COLUMNS = 8;
const DAY_MS = 86_400_000;
/** Who renews certificates by machine does so before. */
const SOON_DAYS = 14;
const NAMES_CHARACTERS_MAX = 200;

export interface Asked {
  readonly method: string;
  /** Without its query, which may hold secrets. */
  readonly path: string;
}

export function formatStep(
  step: EndedStep,
  mark: Mark,
  asked: Asked,
  { columns, paint }: Terminal,
  nowMs: number,
): string[] {
  const style = mark === 'fine' ? 'fine' : mark === 'fault' ? 'error' : 'quiet';
  const name = step.step.padEnd(NAME_COLUMNS);
  const head = `  ${SIGNS[mark]} ${name}${formatMs(step.ms).padStart(MS_COLUMNS)}  `;
  const lines = linesOf(step, mark, asked, nowMs).flatMap((text, index) =>
    paragraph(printable(text), columns, index === 0 ? head : ' '.repeat(head.length)),
  );
  const [first = '', ...rest] = lines;
  return [first.replace(SIGNS[mark], paint(style, SIGNS[mark])), ...rest];
}

function linesOf(step: EndedStep, mark: Mark, asked: Asked, nowMs: number): string[] {
  const kernel = kernelWordOf(step.span?.attributes);
  const { address, failure, lookup, tls, answer, heard } = step;
  switch (step.step) {
    case 'dns':
      return lookup === undefined ? [] : lookupLines(lookup, failure);
    case 'connect':
      return [
        `${address}: ${mark === 'passed over' ? 'no way there from this host' : connectWords(failure, kernel)}`,
      ];
    case 'tls':
      return tlsLines(step, tls, kernel, nowMs);
    case 'http2':
      return [`${address}: ${failure === null ? 'speaks HTTP/2' : failureWords(failure)}`];
    case 'listen':
      if (failure !== null) return [`${address}: ${failureWords(failure)}${retransmitWords(kernel)}`];
      return [
        heard === undefined || heard.said === ''
          ? `${address}: says nothing first, as most protocols`
          : `${address}: speaks first: ${heard.said.trimEnd()}`,
      ];
    case 'request': {
      const request = `${asked.method} ${asked.path}`;
      if (answer === undefined)
        return [`${request}: ${failure === null ? '' : failureWords(failure)}${retransmitWords(kernel)}`];
      const { status, reason, location, server, firstByteMs, bodyBytes, isRestUnread } = answer;
      const more = bodyBytes > 0 ? ' so far and still arriving' : ' and more';
      const rest = isRestUnread ? `${more}, not read to its end` : '';
      return [
        `${request}: ${status} ${reason}${server === '' ? '' : `, by ${server}`}${location === '' ? '' : `, to ${location} (not followed)`}`,
        `first byte after ${formatMs(firstByteMs)}, ${size(bodyBytes)}${rest}${failure === null ? '' : `; ${failureWords(failure)}`}${retransmitWords(kernel)}`,
      ];
    }
  }
}

function lookupLines({ addresses, servers, isInHostsFile, asked }: LookupFacts, failure: Failure | null) {
  const by = isInHostsFile
    ? 'from /etc/hosts'
    : servers.length === 0
      ? 'no server of names is configured'
      : `${failure === null ? 'by' : 'servers:'} ${servers.join(', ')}`;
  const found = addresses.map(({ address }) => address).join(', ');
  return [`${failure === null ? found : failureWords(failure)} (${by})`, ...asked.map(serverWords)];
}

/** What resolvers say, by the names that Node has for it. */
const SERVER_WORDS: Readonly<Record<string, string>> = {
  ETIMEOUT: 'does not answer',
  ENOTFOUND: 'answers that there is no such name',
  ENODATA: 'answers that the name has no address',
  ESERVFAIL: 'answers that it failed (SERVFAIL)',
  EREFUSED: 'refuses to answer',
  ECONNREFUSED: 'is not there: its port is closed, or it cannot be reached',
};

function serverWords({ server, ms, addresses, code }: AskedServer): string {
  const words =
    code === '' ? `answers ${addresses.slice(0, 4).join(', ')}` : (SERVER_WORDS[code] ?? `fails: ${code}`);
  return `asked by itself, ${server} ${words} (${formatMs(ms)})`;
}

function connectWords(failure: Failure | null, kernel: KernelWord): string {
  if (failure === null) {
    const trip = kernel.roundTripMs === null ? '' : `, round trip ${formatMs(kernel.roundTripMs)}`;
    return `connected${trip}${retransmitWords(kernel)}`;
  }
  const back = kernel.segmentsIn === null ? '' : `, ${counted(kernel.segmentsIn, 'segment')} came back`;
  const again = kernel.retransmits === null ? '' : `, ${counted(kernel.retransmits, 'SYN retransmit')}`;
  return `${failureWords(failure)}${failure.isTimeout ? again : ''}${back}`;
}

function retransmitWords({ retransmits }: KernelWord): string {
  return retransmits === null || retransmits === 0 ? '' : `, ${counted(retransmits, 'retransmit')}`;
}

const CODE_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ECONNRESET: 'cut by the peer',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name could not be looked up',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for other names',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is signed by itself, and not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'the CA of the certificate is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the CA of the certificate is not known here, or a part of its chain is not sent',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the CA of the certificate is not known here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not speak TLS on this port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer offers only versions of TLS that are not taken here',
  ERR_HTTP2_ERROR: 'the peer does not speak HTTP/2 on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the peer does not speak TLS on this port',
};

/** Of answers that are HTTP/1 and break its rules, by the codes of Node's parser. */
const PARSER_WORDS: Readonly<Record<string, string>> = {
  HPE_INVALID_CONSTANT: 'the answer is no HTTP/1',
  HPE_INVALID_VERSION: 'the answer is of no version of HTTP/1',
  HPE_HEADER_OVERFLOW: 'the head of the answer is larger than Node takes (16 KiB)',
  HPE_INVALID_STATUS: 'the answer has no valid status',
  HPE_INVALID_HEADER_TOKEN: 'a header of the answer has a character that none may have',
  HPE_INVALID_CONTENT_LENGTH: 'the answer says no valid length of its body',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'the answer says the length of its body twice, or beside chunks',
  HPE_INVALID_TRANSFER_ENCODING: 'the answer says no valid encoding of its body',
  HPE_INVALID_CHUNK_SIZE: 'a chunk of the answer has no valid size',
  HPE_INVALID_EOF_STATE: 'the connection ended before the answer did',
};

/** In words, with the code that can be searched for. */
export function failureWords({ code, message, isTimeout }: Failure): string {
  if (isTimeout) return message;
  const line = message.split('\n')[0]!;
  if (code.startsWith('HPE_')) {
    const rule = line.replace(/^Parse Error: /, '');
    return `${PARSER_WORDS[code] ?? `the answer breaks HTTP/1: ${rule}`} (${code})`;
  }
  const words = CODE_WORDS[code] ?? tlsAlertWords(code);
  return words === null ? line : `${words} (${code})`;
}

function tlsLines(
  { address, failure }: EndedStep,
  tls: TlsFacts | undefined,
  kernel: KernelWord,
  nowMs: number,
): string[] {
  const spoken = [tls?.version, tls?.alpn].filter(Boolean).join(', ');
  const first =
    failure === null
      ? `${spoken}${retransmitWords(kernel)}`
      : `${address}: ${failureWords(failure)}${retransmitWords(kernel)}`;
  return tls?.certificate ? [first, ...certificateLines(tls.certificate, nowMs)] : [first];
}

function certificateLines(certificate: Certificate, nowMs: number): string[] {
  const { subject, names, issuer, isSelfSigned, validFromUnixMs, validToUnixMs } = certificate;
  const plain = names.replaceAll('DNS:', '').replaceAll('IP Address:', '');
  const shown = plain.length > NAMES_CHARACTERS_MAX ? `${plain.slice(0, NAMES_CHARACTERS_MAX)}…` : plain;
  return [
    `certificate ${subject === '' ? '' : `of ${subject} `}for ${shown || 'no name'}, ${isSelfSigned ? 'signed by itself' : `signed by ${issuer}`}`,
    validity(validFromUnixMs, validToUnixMs, nowMs),
  ];
}

function validity(fromMs: number, toMs: number, nowMs: number): string {
  const day = (ms: number) =>
    Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : 'a day unknown';
  const days = (ms: number) => counted(Math.floor(ms / DAY_MS), 'day');
  if (fromMs > nowMs) return `not valid before ${day(fromMs)}`;
  if (toMs < nowMs) return `expired ${day(toMs)}, ${days(nowMs - toMs)} ago`;
  const left = toMs - nowMs;
  return `valid until ${day(toMs)}, for ${days(left)}${left < SOON_DAYS * DAY_MS ? ' only' : ''}`;
}

/** `connect to 10.0.3.8 … 3 s`, while it is waited for. */
export function sayWaiting(step: Step, address: string, ms: number): string {
  const what = {
    dns: 'looking up the name',
    connect: 'connecting to',
    tls: 'TLS with',
    request: 'asking',
    http2: 'asking for HTTP/2',
    listen: 'listening to',
  };
  return `${what[step]}${address === '' ? '' : ` ${address}`} … ${Math.floor(ms / 1000)} s`;
}
