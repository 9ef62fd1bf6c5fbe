/** A, B5, C: the connection stood; the handshake of TLS, the request or the answer did not get through it. */
import type { Attributes } from '../../span.ts';
import type { Case, Finding, Suspect } from '../case.ts';
import {
  attributeFact,
  errorFact,
  formatMs,
  headBytesOf,
  retransmitFact,
  retransmitsOf,
  spanFact,
  tcpFact,
  tcpValue,
  tcpValueNow,
} from '../evidence.ts';
import { isSameClock } from '../clock-skew.ts';
import type { TraceNode } from '../tree.ts';
import type { Evidence } from '../verdict.ts';
import { isSurelySpread } from '../normals.ts';
import { isDatabaseCall } from './application.ts';
import { normalFact } from './whole-trace.ts';

export function stalledTls({ call, failure, phase, phaseMs, phaseOpen }: Case): Finding | null {
  if (call === null || (phase !== 'tls' && failure?.kind !== 'tls')) return null;
  const evidence = [
    errorFact(call),
    attributeFact(
      call,
      'sockeye.phase.tls_ms',
      `the handshake ${phaseOpen ? 'was open for' : 'took'} ${formatMs(phaseMs ?? 0)}`,
    ),
    tcpFact(call, 'unacked', 'segments the peer did not acknowledge'),
    retransmitFact(call, 'retransmits'),
  ];
  if (failure?.kind === 'tls') return { confidence: 'likely', suspects: [{ code: 'C8' }], evidence };
  // A certificate too large for the path is lost where the client cannot see it.
  const silent = [{ code: 'C8' }, { code: 'C3' }, { code: 'A4' }];
  const suspects = allAcknowledged(call.span.attributes)
    ? silent
    : [...silent, { code: 'A2' }, { code: 'A1' }];
  return { confidence: 'possible', suspects, evidence };
}

/** Everything that was sent arrived, and at the first try. */
function allAcknowledged(attributes: Attributes): boolean {
  return tcpValue(attributes, 'unacked') === 0 && retransmitsOf(attributes) === 0;
}

/** Something that was sent, and sent again, had not been acknowledged. */
export function wasResent(attributes: Attributes): boolean {
  const resent = retransmitsOf(attributes) ?? tcpValueNow(attributes, 'retransmits') ?? 0;
  return (tcpValueNow(attributes, 'unacked') ?? 0) > 0 && resent > 0;
}

export function unsentRequest(of: Case): Finding | null {
  const { call, phase, phaseMs, failure } = of;
  if (call === null || phase !== 'send' || failure?.kind === 'reset') return null;
  const evidence = [
    attributeFact(call, 'sockeye.phase.send_ms', `sending was open for ${formatMs(phaseMs ?? 0)}`),
    tcpFact(call, 'send_window', 'the room the peer offered'),
    tcpFact(call, 'not_sent', 'bytes that waited to be sent'),
    errorFact(call),
  ];
  if (failure?.timer === 'peer') {
    const suspects = [{ code: 'A6' }, { code: 'A1' }, { code: 'F3' }, { code: 'E1' }];
    return { confidence: 'possible', suspects, evidence };
  }
  if (tcpValue(call.span.attributes, 'send_window') === 0) {
    return { confidence: 'likely', suspects: [{ code: 'C4' }], evidence };
  }
  const suspects = [{ code: 'C4' }, ...unacknowledged(of), { code: 'A6' }];
  return { confidence: 'possible', suspects, evidence };
}

/** What looks the same while nothing that was sent is acknowledged. */
export function unacknowledged({ call }: Case): Suspect[] {
  const reused = call?.span.attributes.get('sockeye.connection.reused');
  const idle = reused === false ? [] : [{ code: 'B5' }];
  return [
    { code: 'A2' },
    { code: 'A3' },
    { code: 'A4' },
    ...idle,
    ...(reused === true ? [] : [{ code: 'C2' }]),
  ];
}

/** The request was out and no head of an answer came. */
export function silentPeer(of: Case): Finding | null {
  const { call, server, phase } = of;
  if (call === null || phase !== 'wait') return null;
  const hasBegun = headBytesOf(call) !== null;
  if (server !== null && !hasBegun) return aroundTheServer(of, call, server);
  const { attributes } = call.span;
  const evidence = [
    attributeFact(call, 'sockeye.phase.wait_ms', 'time spent waiting for an answer'),
    ...kernelFacts(call),
    attributeFact(call, 'sockeye.http2.answered', 'whether the peer began to speak HTTP/2'),
    errorFact(call),
    server === null ? spanFact(call, `no span of ${of.peer} was recorded below this call`) : null,
  ];
  if (hasBegun) {
    const against = 'bytes of an answer came';
    const silent = ['C3', 'C5'].map((code) => ({ code, against, ...ruledOutByBytes(of) }));
    const slow = ['G5', 'G3', 'G2', 'A1', 'A6', 'A3', 'A4'].map((code) => ({ code }));
    return { confidence: 'possible', suspects: [...slow, ...silent], favoured: 'G5', evidence };
  }
  if (wasResent(attributes)) {
    return { confidence: 'possible', suspects: unacknowledged(of), evidence };
  }
  // Before the peer speaks the protocol, no handler of its has the request.
  const handling = attributes.get('sockeye.http2.answered') === false ? [] : ['G3', 'G2'];
  const silent: Suspect[] = ['C3', 'C5', ...handling, 'A4'].map((code) => ({ code }));
  const suspects = allAcknowledged(attributes)
    ? silent
    : [...silent, ...unacknowledged(of).filter(({ code }) => code !== 'A4')];
  if (isDatabaseCall(call.span)) {
    return { confidence: 'possible', suspects: [...suspects, { code: 'G4' }], favoured: 'G2', evidence };
  }
  if (of.phaseMs === null && call.outcome.giveUp?.phaseKnown !== true) {
    const reason = `no phases of the call were recorded, and no span of ${of.peer}: it is not instrumented, or its spans have not arrived, were sampled out or dropped`;
    return {
      confidence: 'unknown',
      suspects: [...suspects, { code: 'B1' }, { code: 'D1' }],
      reason,
      evidence,
    };
  }
  return { confidence: 'possible', suspects, evidence };
}

export function kernelFacts(call: TraceNode): (Evidence | null)[] {
  return [
    tcpFact(call, 'bytes_acked', 'bytes the peer acknowledged'),
    tcpFact(call, 'unacked', 'segments the peer did not acknowledge'),
    retransmitFact(call, 'retransmits'),
    receivedFact(call),
  ];
}

/** Silent for less than this share of the wait, a peer that had begun to answer was not what was waited for. */
const SILENT_SHARE = 0.5;

/** A process that sends the bytes of an answer responds. */
function ruledOutByBytes({ call, phaseMs, giveUp }: Case): Pick<Suspect, 'against' | 'isRuledOut'> {
  const silentMs = call === null ? null : tcpValue(call.span.attributes, 'last_data_received_ms');
  if (silentMs === null || silentMs >= SILENT_SHARE * (phaseMs ?? giveUp.elapsedMs)) return {};
  return { against: `bytes of the answer came ${formatMs(silentMs)} before the give-up`, isRuledOut: true };
}

function receivedFact(call: TraceNode): Evidence | null {
  if (headBytesOf(call) !== null) return tcpFact(call, 'bytes_received', 'bytes of an answer that had come');
  const some = (tcpValue(call.span.attributes, 'bytes_received') ?? 0) > 0;
  const text = `bytes that had come${some ? ', not known to be of an answer' : ''}`;
  return tcpFact(call, 'bytes_received', text);
}

/** The server's span is there, and most of the time went into the call around it. */
function aroundTheServer(
  of: Case,
  call: NonNullable<Case['call']>,
  server: NonNullable<Case['server']>,
): Finding {
  const { giveUp } = of;
  const { attributes } = call.span;
  const beforeMs = Math.min(server.startMs, giveUp.atMs) - call.startMs;
  const afterMs = Math.min(call.endMs, giveUp.atMs) - server.endMs;
  const wasLost = wasResent(attributes) && tcpValue(attributes, 'bytes_acked') === 0;
  const cameLate = isSameClock(call, server) && server.startMs >= giveUp.atMs;
  const layUnread = cameLate && !wasLost;
  const evidence = [
    spanFact(
      call,
      `the call took ${formatMs(Math.min(call.endMs, giveUp.atMs) - call.startMs)} of the caller's time`,
    ),
    ...kernelFacts(call),
    cameLate ? spanFact(server, lateWords(of, call, server, layUnread), server.startMs - call.startMs) : null,
    server.ended
      ? spanFact(server, `its server worked for ${formatMs(server.endMs - server.startMs)}`)
      : spanFact(server, 'its server had not ended'),
    attributeFact(server, 'sockeye.client.left_ms', 'how long after its start the client left'),
    isSurelySpread(of.known) ? normalFact(server, of.known) : null,
  ];
  if (beforeMs >= afterMs) {
    const silent = [{ code: 'C5' }, { code: 'C3' }, { code: 'C9' }];
    if (!wasResent(attributes)) {
      // What the kernel over there has at once was not held up on the way.
      const far = allAcknowledged(attributes) ? [] : [{ code: 'A5' }, { code: 'A1' }];
      return {
        confidence: 'possible',
        suspects: [...silent, ...far],
        favoured: layUnread ? 'C3' : 'C5',
        evidence,
      };
    }
    // Whatever its process does, a kernel acknowledges what it gets: that it came through at last is of the path.
    if (wasLost) {
      const lost = [...unacknowledged(of), { code: 'A1' }, { code: 'A5' }];
      return { confidence: 'possible', suspects: lost, evidence };
    }
    // It came through at last: a worker that is busy would have let the kernel acknowledge it.
    const isNew = attributes.get('sockeye.connection.reused') === false;
    const suspects = [...silent, { code: 'A5' }, { code: 'A1' }, ...(isNew ? [{ code: 'C2' }] : [])];
    return { confidence: 'possible', suspects, favoured: 'A1', evidence };
  }
  const suspects = [{ code: 'A3' }, { code: 'A4' }, { code: 'A5' }, { code: 'A1' }];
  return { confidence: 'possible', suspects, evidence };
}

function lateWords({ giveUp, peer }: Case, call: TraceNode, server: TraceNode, layUnread: boolean): string {
  const lateMs = server.startMs - giveUp.atMs;
  const until = layUnread
    ? 'until then the request lay unread'
    : 'nothing of the request had come through before';
  return `${peer} began with it ${formatMs(server.startMs - call.startMs)} after the call did, ${formatMs(lateMs)} after the give-up: ${until}`;
}

/** The answer began and did not end. */
export function stalledAnswer(of: Case): Finding | null {
  const { call, server, phase, phaseMs, failure, giveUp } = of;
  if (call === null || phase !== 'receive' || failure?.kind === 'reset') return null;
  const evidence = [
    attributeFact(call, 'sockeye.phase.receive_ms', `receiving was open for ${formatMs(phaseMs ?? 0)}`),
    tcpFact(call, 'bytes_received', 'bytes that had come'),
    tcpFact(call, 'last_data_received_ms', 'since the last of them'),
    server !== null && wasStillAnswering(call, server)
      ? spanFact(server, `${server.service} had not ended its answer`)
      : null,
    errorFact(call),
  ];
  const layUnread =
    (tcpValue(call.span.attributes, 'unread') ?? 0) > 0 && server !== null && server.endMs < giveUp.atMs;
  if (layUnread && isSameClock(call, server)) {
    // The loop that is blocked has a rule of its own; a program may simply not have asked for the rest.
    return {
      confidence: 'unknown',
      suspects: [{ code: 'F3' }, { code: 'G5' }, { code: 'A6' }],
      reason: `bytes of the answer lay with ${call.service}, which had not read them: what kept it from reading is not recorded`,
      evidence: [
        tcpFact(call, 'unread', 'bytes that had arrived and that the program had not read'),
        spanFact(server, `${server.service} had ended its answer`),
        ...evidence,
      ],
    };
  }
  const suspects = [
    { code: 'G5' },
    { code: 'A1' },
    { code: 'A6' },
    { code: 'A3' },
    { code: 'A4' },
    { code: 'C3', ...ruledOutByBytes(of) },
    // By its own clock the server had ended: that clock may be behind.
    ...(layUnread ? [{ code: 'F3' }] : []),
  ];
  return { confidence: 'possible', suspects, favoured: 'G5', evidence };
}

/** When the client's call ended: by one clock, or because the server saw the client leave. */
function wasStillAnswering(call: TraceNode, server: TraceNode): boolean {
  if (!server.ended || server.span.attributes.has('sockeye.client.left_ms')) return true;
  return isSameClock(call, server) && server.endMs >= call.endMs;
}
