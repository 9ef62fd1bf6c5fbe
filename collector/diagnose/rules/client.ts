/** F3, F4: the client was busy itself, or waited in its own pool. */
import { numberAttribute, textAttribute } from '../../span.ts';
import type { Case, Finding } from '../case.ts';
import { attributeFact, errorFact, formatMs, spanFact, tcpFact, tcpValue } from '../evidence.ts';
import { readPhases } from '../phases.ts';
import { peerLabel, type TraceNode } from '../tree.ts';
import type { Evidence } from '../verdict.ts';

/** Of the call's time: a loop blocked for less did not decide it. */
const BLOCKED_SHARE = 0.5;
/** Timers are late by less on any busy machine. */
const LATE_MS_MIN = 50;
const LATE_SHARE = 0.1;

/** The answer lay in the kernel while the program was busy. Beside a silent peer a blocked loop only contributes. */
export function blockedClient({ call, giveUp, phase }: Case): Finding | null {
  if (call === null || giveUp.node !== call) return null;
  const blockedMs = numberAttribute(call.span.attributes, 'sockeye.process.event_loop_blocked_ms');
  if (blockedMs === null || blockedMs < BLOCKED_SHARE * giveUp.elapsedMs) return null;
  const late = lateTimer({ call, giveUp });
  const unread = (tcpValue(call.span.attributes, 'unread') ?? 0) > 0;
  const connected = phase === 'connect' && isEstablished(call);
  if (late === null && !unread && !connected) return null;
  return {
    confidence: 'likely',
    suspects: [{ code: 'F3' }],
    evidence: [
      attributeFact(
        call,
        'sockeye.process.event_loop_blocked_ms',
        `the event loop was blocked for ${formatMs(blockedMs)}`,
      ),
      ...(late === null ? [] : lateFacts(call, late)),
      unread ? tcpFact(call, 'unread', 'bytes had arrived that the program had not read') : null,
      connected ? tcpFact(call, 'state', 'the connection was established') : null,
    ],
  };
}

/** Whatever its program knows of it. */
export function isEstablished({ span }: TraceNode): boolean {
  return textAttribute(span.attributes, 'sockeye.tcp.state') === 'ESTABLISHED';
}

interface LateTimer {
  readonly blockedMs: number;
  readonly budgetMs: number;
  readonly lateMs: number;
  /** From the start of the call until its request was sent; null when it never was. */
  readonly sentMs: number | null;
}

/** When its timer fired was decided by its event loop, and before the time was over the request had not even been sent. */
export function lateTimer({ call, giveUp }: Pick<Case, 'call' | 'giveUp'>): LateTimer | null {
  if (call === null || giveUp.node !== call || giveUp.budgetMs === null) return null;
  const wasUp = giveUp.phase === 'send' || giveUp.phase === 'wait' || giveUp.phase === 'receive';
  if (!wasUp && !(giveUp.phase === 'connect' && isEstablished(call))) return null;
  const { budgetMs, elapsedMs } = giveUp;
  const blockedMs = numberAttribute(call.span.attributes, 'sockeye.process.event_loop_blocked_ms') ?? 0;
  const lateMs = elapsedMs - budgetMs;
  if (blockedMs < BLOCKED_SHARE * elapsedMs || lateMs < Math.max(LATE_MS_MIN, LATE_SHARE * budgetMs))
    return null;
  const sent = readPhases(call.span).find(({ phase }) => phase === 'wait' || phase === 'receive');
  const sentMs = sent?.startOffsetMs ?? null;
  return sentMs !== null && sentMs < budgetMs ? null : { blockedMs, budgetMs, lateMs, sentMs };
}

function lateFacts(call: TraceNode, { budgetMs, lateMs, sentMs }: LateTimer): (Evidence | null)[] {
  return [
    sentMs === null
      ? spanFact(call, 'the request had not been sent')
      : spanFact(call, `the request had been sent ${formatMs(sentMs)} after the call began`, sentMs),
    attributeFact(
      call,
      'sockeye.timeout.elapsed_ms',
      `the timer of ${formatMs(budgetMs)} fired ${formatMs(lateMs)} late`,
    ),
  ];
}

/** No connection was free. Only when its holders worked normally is the pool to blame. */
export function waitingForPool({ call, phase, phaseMs, phaseOpen, tree, giveUp }: Case): Finding | null {
  if (call === null || phase !== 'queue') return null;
  const evidence = [
    attributeFact(call, 'sockeye.phase.queue_ms', `waited ${formatMs(phaseMs ?? 0)} for a free connection`),
    attributeFact(call, 'sockeye.pool.in_use', 'connections in use'),
    attributeFact(call, 'sockeye.pool.max', 'connections there may be'),
    attributeFact(call, 'sockeye.pool.pending', 'calls that waited for one, this one included'),
    attributeFact(call, 'sockeye.pool.oldest_phase', 'the phase in which the oldest of them was'),
    errorFact(call),
  ];
  const hanging = holderThat(tree.nodes, call, giveUp.atMs, heldAllTheTime);
  if (hanging !== null) {
    const against = 'a connection of this pool was held by a call that failed itself';
    const held = spanFact(
      hanging,
      `held a connection to the same peer for ${formatMs(hanging.endMs - hanging.startMs)}`,
    );
    return {
      confidence: 'possible',
      suspects: [{ code: 'C3' }, { code: 'C5' }, { code: 'G2' }, { code: 'G3' }, { code: 'F4', against }],
      favoured: 'C3',
      evidence: [...evidence, held],
    };
  }
  // Its holders gave one back: they are slow, or many, and do not hang.
  const given = holderThat(tree.nodes, call, giveUp.atMs, gaveBack);
  if (isFull(call) && (!phaseOpen || given !== null)) {
    const gave =
      given === null ? null : spanFact(given, 'used a connection to the same peer meanwhile, and ended well');
    return {
      confidence: 'likely',
      suspects: [{ code: 'F4' }, { code: 'G2' }],
      evidence: [...evidence, gave],
    };
  }
  const suspects = [{ code: 'F4' }, { code: 'C3' }, { code: 'C5' }, { code: 'G2' }, { code: 'G4' }];
  return { confidence: 'possible', suspects, evidence };
}

function isFull({ span: { attributes } }: TraceNode): boolean {
  const max = numberAttribute(attributes, 'sockeye.pool.max');
  return max !== null && (numberAttribute(attributes, 'sockeye.pool.in_use') ?? 0) >= max;
}

type HowHeld = (node: TraceNode, call: TraceNode, atMs: number) => boolean;

/** Under way all the time, and failed in the end. */
const heldAllTheTime: HowHeld = (node, call, atMs) =>
  node.startMs <= call.startMs &&
  node.endMs >= atMs &&
  (node.outcome.outcome !== 'ok' || !node.ended) &&
  node.outcome.giveUp?.phase !== 'queue';

const gaveBack: HowHeld = (node, call, atMs) =>
  node.ended && node.outcome.outcome === 'ok' && node.endMs > call.startMs && node.endMs <= atMs;

/** Another call of this service to this peer. */
function holderThat(
  nodes: readonly TraceNode[],
  call: TraceNode,
  atMs: number,
  held: HowHeld,
): TraceNode | null {
  const peer = peerLabel(call.span);
  if (peer === null) return null;
  const holder = nodes.find(
    (node) =>
      node !== call &&
      node.span.kind === 'client' &&
      node.service === call.service &&
      held(node, call, atMs) &&
      peerLabel(node.span) === peer,
  );
  return holder ?? null;
}
