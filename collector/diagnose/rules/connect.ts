/** A7, B, C1, C7, F7: the connection was refused, impossible, or never completed. */
import { numberAttribute, textAttribute } from '../../span.ts';
import type { Case, Finding } from '../case.ts';
import {
  attributeFact,
  errorFact,
  formatMs,
  retransmitFact,
  retransmitsOf,
  tcpFact,
  tcpValue,
} from '../evidence.ts';
import { errorText } from '../outcome.ts';
import { isDatabaseCall } from './application.ts';
import { IP_ADDRESS, peerAddress, peerLabel, type TraceNode } from '../tree.ts';
import type { Evidence } from '../verdict.ts';

/** The first SYN is sent again after this; before, silence means nothing. */
const FIRST_SYN_RETRANSMIT_MS = 1_000;

/** The host of the client had no port or descriptor left. */
export function ownLimits({ call }: Case): Finding | null {
  if (call === null || call.outcome.giveUp === null) return null;
  const text = errorText(call.span);
  if (!/EADDRNOTAVAIL|cannot assign requested address|\bE[MN]FILE\b|too many open files/i.test(text))
    return null;
  return { confidence: 'proven', suspects: [{ code: 'F7' }], evidence: [errorFact(call)] };
}

export function refusedConnection({ call, failure, server, tree, isPlainService }: Case): Finding | null {
  if (call === null || failure?.kind !== 'refused') return null;
  const evidence = [
    errorFact(call),
    tcpFact(call, 'segments_in', 'TCP segments that came back'),
    ...addressFacts(call, tree.nodes),
  ];
  const segmentsIn = tcpValue(call.span.attributes, 'segments_in');
  if (segmentsIn === 0) {
    const against = 'a closed port answers with a reset, and no segment came back';
    return { confidence: 'likely', suspects: [{ code: 'B4' }, { code: 'C7', against }], evidence };
  }
  // An RPC that reports "unavailable" though its server has a span was not refused at the door.
  if (server !== null) {
    return { confidence: 'possible', suspects: [{ code: 'C7' }, { code: 'E6' }, { code: 'C9' }], evidence };
  }
  const isNoGateway = isPlainService || isDatabaseCall(call.span);
  const suspects = ['C7', 'B4', 'C9', ...(isNoGateway ? [] : ['E2']), 'D4'].map((code) => ({ code }));
  return { confidence: 'possible', suspects, evidence };
}

export function unreachableHost({ call, failure, tree }: Case): Finding | null {
  if (call === null || failure?.kind !== 'unreachable') return null;
  const against = 'most rules that reject say "refused" or "prohibited", not "unreachable"';
  return {
    confidence: 'likely',
    suspects: [{ code: 'A7' }, { code: 'B4', against }, { code: 'D4' }],
    evidence: [
      errorFact(call),
      ...addressFacts(call, tree.nodes),
      attributeFact(call, 'network.peer.address', 'the address that was tried'),
    ],
  };
}

/** No answer to the SYN: the client cannot tell who swallowed it. */
export function silentConnect(of: Case): Finding | null {
  const { call, phase, phaseMs, phaseOpen } = of;
  if (call === null || phase !== 'connect') return null;
  if (!phaseOpen) return lateConnect({ call, phaseMs });
  const { attributes } = call.span;
  const retransmits = retransmitsOf(attributes);
  const evidence = [
    attributeFact(call, 'sockeye.phase.connect_ms', `the connect was open for ${formatMs(phaseMs ?? 0)}`),
    tcpFact(call, 'state', 'state of the connection'),
    retransmits === null ? null : retransmitFact(call, 'SYN retransmits'),
    tcpFact(call, 'segments_in', 'TCP segments that came back'),
    errorFact(call),
    ...addressFacts(call, of.tree.nodes),
  ];
  const sidecar = attributeFact(
    call,
    'sockeye.sidecar',
    'a mesh proxy stands between: what is seen ends there',
  );
  // What the call went on to see after its caller had left counts too.
  const silentMs = numberAttribute(attributes, 'sockeye.phase.connect_ms') ?? call.endMs - call.startMs;
  const tooEarly = silentMs < FIRST_SYN_RETRANSMIT_MS && (retransmits ?? 0) === 0;
  const against = tooEarly
    ? 'given up before the first SYN would have been sent again: nothing is proven'
    : undefined;
  const silent = ['B1', 'C1', 'B3', 'A7', 'B2', 'D4', 'A5', 'B6'];
  const suspects = silent.map((code) => (against === undefined ? { code } : { code, against }));
  return {
    confidence: 'possible',
    suspects: tooEarly ? [{ code: 'F1' }, ...suspects] : suspects,
    ...(tooEarly ? { favoured: 'F1' } : {}),
    evidence: [...evidence, sidecar],
  };
}

/** What the name stood for in this call, and in another that found somebody there. */
function addressFacts(call: TraceNode, nodes: readonly TraceNode[]): (Evidence | null)[] {
  const { host } = peerAddress(call.span);
  const tried = addressOf(call);
  if (host === null || tried === null || IP_ADDRESS.test(host)) return [];
  const peer = peerLabel(call.span);
  const answered = nodes.find(
    (node) =>
      node.span.kind === 'client' &&
      node.outcome.outcome === 'ok' &&
      (addressOf(node) ?? tried) !== tried &&
      peerLabel(node.span) === peer,
  );
  return [
    attributeFact(call, 'network.peer.address', `the address that was tried for ${host}`),
    answered === undefined
      ? null
      : attributeFact(
          answered,
          'network.peer.address',
          `the address at which another call of ${answered.service} to ${peer} was answered`,
        ),
  ];
}

const addressOf = ({ span }: TraceNode) => textAttribute(span.attributes, 'network.peer.address');

function lateConnect({
  call,
  phaseMs,
}: Pick<Case, 'phaseMs'> & { call: NonNullable<Case['call']> }): Finding {
  return {
    confidence: 'possible',
    suspects: [{ code: 'A5' }, { code: 'A1' }, { code: 'C1' }],
    favoured: 'A5',
    evidence: [
      attributeFact(call, 'sockeye.phase.connect_ms', `connected, after ${formatMs(phaseMs ?? 0)}`),
      retransmitFact(call, 'retransmits on the way'),
    ],
  };
}
