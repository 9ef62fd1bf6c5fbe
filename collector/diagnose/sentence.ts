/** A verdict in one plain sentence: who gave up on whom, after how long, and what had not happened by then. */
import { operationOf } from '../span.ts';
import { allAttempts, otherwiseWords } from './attempts.ts';
import type { Case } from './case.ts';
import { headBytesOf, retransmitsOf, tcpValue } from './evidence.ts';
import { errorText, httpStatusOf } from './outcome.ts';
import { belowWords, strainMeanwhileMs, wasBlocked } from './rules/application.ts';
import { isEstablished, lateTimer } from './rules/client.ts';
import { tlsAlertWords } from './tls-words.ts';
import type { TraceNode } from './tree.ts';
import type { Phase } from './verdict.ts';

export function writeSentence(of: Case): string {
  const { call, failure, giveUp, origin } = of;
  const hasFailed = call !== null && failure !== null && origin.type === 'edge';
  if (hasFailed && isOfGiveUp(of, call)) return ownFailure(of, call);
  const isCall = giveUp.node.span.kind === 'client';
  // What the origin is, is told anyway.
  const isTold = isCall || of.callGivenUp === null || of.callGivenUp === call;
  const whatFor = isTold ? '' : `, waiting for ${of.targetOfGiveUp}`;
  const after = `after ${seconds(giveUp.elapsedMs)}${triesWords(of.attempts, giveUp.atMs)}`;
  const who = `${giveUp.node.service} ${endWords(of, isCall)} ${after}${whatFor}`;
  // What failed later was still going on.
  if (hasFailed && failure.atMs <= giveUp.atMs) return `${who}: ${ownFailure(of, call)}`;
  return `${who}: ${whereTheTimeWent(of)}.`;
}

/** Who was answered that the time was over did not give up: somebody else's timer fired. */
function endWords(of: Case, isCall: boolean): string {
  const { giveUp } = of;
  if (giveUp.kind !== 'gateway') return `gave up${isCall ? ` on ${targetOf(of)}` : ''}`;
  return isCall
    ? `was answered ${statusWords(giveUp.node)} by ${targetOf(of)}`
    : `answered ${statusWords(giveUp.node)}`;
}

/** The call, or one of its attempts, is what was given up. */
function isOfGiveUp({ giveUp, origin }: Case, call: TraceNode): boolean {
  return giveUp.node === call || origin.calls.includes(giveUp.node);
}

/** The call at the origin failed itself. */
function ownFailure(of: Case, call: TraceNode): string {
  const { failure, peer, origin } = of;
  const caller = call.service;
  const elapsedMs = failure?.elapsedMs ?? 0;
  const after = `after ${seconds(elapsedMs)}${triesWords(origin.calls, failure?.atMs ?? 0)}`;
  switch (failure?.kind) {
    case 'refused':
      return `${caller} was turned away by ${peer} ${after}: the connection was refused.`;
    case 'reset':
      return `${caller} lost its connection to ${peer} ${after}: ${cutWords(of, call)}.`;
    case 'unreachable':
      return `${caller} could not reach ${peer} ${after}: no connection was possible.`;
    case 'unresolved':
      return `${caller} could not resolve the name of ${peer} ${after}.`;
    case 'tls':
      return `${caller} could not set up TLS with ${peer} ${after}: ${tlsAlertWords(errorText(call.span)) ?? 'the handshake failed'}.`;
    case 'gateway':
      return gatewaySentence(call, peer, after);
    default:
      return `${caller} gave up on ${peer} ${after}: ${neverHappened(of, call)}.`;
  }
}

function triesWords(tries: readonly TraceNode[], atMs: number): string {
  const attempts = allAttempts(tries);
  const [first] = attempts.all;
  if (first === undefined || tries.length < 2) return '';
  const together = seconds(atMs - first.startMs);
  return ` (the last of ${attempts.all.length} attempts in ${together}${otherwiseWords(attempts)})`;
}

function gatewaySentence(call: TraceNode, peer: string, after: string): string {
  const isUnable = httpStatusOf(call.span) === 503;
  const meaning = isUnable ? 'it could not serve the request' : 'nothing behind it answered';
  return `${call.service} was answered ${statusWords(call)} by ${peer} ${after}: ${meaning}.`;
}

function statusWords({ span }: TraceNode): string {
  const status = httpStatusOf(span);
  return status === null ? "with a gateway's error" : String(status);
}

const DURING: Record<Phase | 'none', string> = {
  queue: 'it was cut before it could be used',
  dns: 'it was cut before it could be used',
  connect: 'it was cut while connecting',
  tls: 'it was cut during the TLS handshake',
  send: 'it was cut while the request was being sent',
  wait: 'it was cut before any answer came',
  receive: 'it was cut in the middle of the answer',
  none: 'it was cut',
};

function cutWords({ phase }: Case, call: TraceNode): string {
  return phase === 'wait' && hasReceived(call) ? 'it was cut before an answer was read' : DURING[phase];
}

/** Whose bytes they are is another question. */
function hasReceived({ span }: TraceNode): boolean {
  return (tcpValue(span.attributes, 'bytes_received') ?? 0) > 0;
}

const SPENT_ON: Record<Phase | 'none', string> = {
  queue: 'waiting for a free connection',
  dns: 'looking up the name',
  connect: 'connecting',
  tls: 'the TLS handshake',
  send: 'sending the request',
  wait: 'waiting for an answer',
  receive: 'receiving the answer',
  none: 'the call',
};

function neverHappened(of: Case, call: TraceNode): string {
  const { phase, phaseMs, phaseOpen, failure } = of;
  const late = lateTimer(of);
  if (late !== null) {
    const { blockedMs, budgetMs, lateMs, sentMs } = late;
    const sent = sentMs === null ? 'never sent' : 'sent too late';
    return `its event loop was blocked for ${seconds(blockedMs)}, so that the request was ${sent}, and the timer of ${seconds(budgetMs)} fired ${seconds(lateMs)} late`;
  }
  if (!phaseOpen) return `${seconds(phaseMs ?? 0)} of it went into ${SPENT_ON[phase]}`;
  switch (phase) {
    case 'queue':
      return 'no connection became free';
    case 'dns':
      return 'the name lookup never completed';
    case 'connect':
      return isEstablished(call)
        ? 'the connection stood, but the program had not seen it yet'
        : `the TCP connect never completed${retransmitNote(call)}`;
    case 'tls':
      return 'the TLS handshake never completed';
    case 'send':
      return failure?.timer === 'peer'
        ? 'the server stopped reading the request'
        : 'the request was never fully sent';
    case 'wait':
      return waitNote(call, of.server, failure?.timer === 'peer');
    case 'receive':
      return (tcpValue(call.span.attributes, 'unread') ?? 0) > 0
        ? 'the answer began, and not all of it that had come was read'
        : 'the answer began and never ended';
    default:
      return 'it had not ended';
  }
}

function retransmitNote(call: TraceNode): string {
  const retransmits = retransmitsOf(call.span.attributes);
  if (retransmits === null) return '';
  return ` (${retransmits} SYN retransmit${retransmits === 1 ? '' : 's'}, no reply)`;
}

function waitNote(call: TraceNode, server: TraceNode | null, peerTimer: boolean): string {
  if (peerTimer) return 'the peer ended it by a timer of its own';
  if (call.outcome.giveUp?.phaseKnown !== true)
    return 'no answer came; in which phase it hung was not recorded';
  if (headBytesOf(call) !== null)
    return 'the request was sent, bytes came back, but never the whole head of an answer';
  const { attributes } = call.span;
  if (attributes.get('sockeye.http2.answered') === false)
    return 'the connection was open, but the peer never began to speak HTTP/2';
  const none = noAnswer(call);
  const unacked = tcpValue(attributes, 'unacked');
  const acked = tcpValue(attributes, 'bytes_acked');
  if (unacked !== null && unacked > 0) return `the request was sent but never acknowledged, and ${none}`;
  if (unacked === 0 && acked !== null) return `the request was sent and acknowledged, ${none}`;
  if (server !== null) return `the request arrived, ${none}`;
  return `the request was sent, ${none}, and whether it arrived is not known`;
}

/** That not a byte came, only the kernel knows. */
function noAnswer(call: TraceNode): string {
  if (hasReceived(call)) return 'no answer was read';
  return tcpValue(call.span.attributes, 'bytes_received') === 0 ? 'no first byte came' : 'no answer came';
}

/** The origin lies below the call that was given up, or was still going on. */
function whereTheTimeWent(of: Case): string {
  const { origin, call, peer } = of;
  const used = seconds(origin.usedMs);
  if (origin.type === 'repeated') {
    return `${origin.node.service} made ${origin.calls.length} calls to ${peer} that took ${used} together`;
  }
  if (call === null) {
    const within = `"${operationOf(origin.node.span)}", ${belowWords(origin.node)}`;
    const blockedMs = wasBlocked(of) ? strainMeanwhileMs(of, 'event_loop_blocked_ms') : null;
    const blocked =
      blockedMs === null ? '' : `; its event loop was blocked for ${seconds(blockedMs)} of that`;
    return origin.open
      ? `${origin.node.service} was still in ${within}, ${used} of it${blocked}`
      : `${origin.node.service} spent ${used} of it in ${within}${blocked}`;
  }
  if (!origin.open) return `${used} of it went into ${call.service}'s call to ${peer}${phaseWords(of)}`;
  return `${call.service} was still waiting for ${peer}${phaseWords(of)}`;
}

/** Only a phase that was measured, or that the error named, is spoken of. */
function phaseWords({ call, phase, phaseMs }: Case): string {
  return phaseMs !== null || call?.outcome.giveUp?.phaseKnown === true ? PHASE_WORDS[phase] : '';
}

const PHASE_WORDS: Record<Phase | 'none', string> = {
  queue: ', for a free connection',
  dns: ', looking up its name',
  connect: ', connecting',
  tls: ', in the TLS handshake',
  send: ', sending the request',
  wait: ', for an answer',
  receive: ', receiving the answer',
  none: '',
};

function targetOf({ giveUp, call, peer, targetOfGiveUp }: Case): string {
  return giveUp.node === call ? peer : targetOfGiveUp;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}
