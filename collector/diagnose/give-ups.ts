/**
 * Finds every give-up of a trace: the calls that say so themselves, the parents that ended in error while their call
 * was still open (their own timer: `Promise.race` cancels nothing), and the servers that answered "time-out" though
 * nothing below them failed.
 *
 * Cancelled calls (hedges, closed tabs, 499) are none, unless the parent that cancelled them failed.
 */
import { isLongByDesign } from './long-by-design.ts';
import { httpStatusOf } from './outcome.ts';
import type { TraceNode, TraceTree } from './tree.ts';
import type { GiveUpKind, Phase } from './verdict.ts';

export interface GiveUpMoment {
  readonly node: TraceNode;
  readonly kind: GiveUpKind;
  readonly phase: Phase | 'none';
  readonly budgetMs: number | null;
  readonly timer: string | null;
  /** On the tree's clock. */
  readonly atMs: number;
  readonly elapsedMs: number;
}

/** Ends and starts closer than this are one moment: which span is written first is chance. */
export const SAME_MOMENT_MS = 5;

/** As deep as handlers are looked into for what failed. */
const HANDLER_DEPTH = 4;

/** How long after a child's failure a parent that merely passes it on may end: it still writes its answer. */
export function passingOnMs(parentMs: number): number {
  return Math.max(50, 0.05 * parentMs);
}

/** Parents before their children. */
export function findGiveUps(tree: TraceTree): GiveUpMoment[] {
  const found: GiveUpMoment[] = [];
  for (const node of tree.nodes) {
    const moment = ownGiveUp(node) ?? appTimer(node) ?? silentGateway(node);
    if (moment !== null) found.push(moment);
  }
  return found;
}

function moment(node: TraceNode, facts: Pick<GiveUpMoment, 'kind' | 'phase' | 'budgetMs' | 'timer'>) {
  return { node, ...facts, atMs: node.endMs, elapsedMs: node.endMs - node.startMs };
}

function ownGiveUp(node: TraceNode): GiveUpMoment | null {
  const { giveUp } = node.outcome;
  if (giveUp === null || giveUp.kind === 'cancelled' || !node.ended) return null;
  return moment(node, giveUp);
}

function appTimer(node: TraceNode): GiveUpMoment | null {
  const { outcome, giveUp } = node.outcome;
  if (outcome === 'ok' || outcome === 'cancelled' || giveUp !== null || !node.ended) return null;
  const { kind, attributes } = node.span;
  if (kind === 'client' || kind === 'producer' || attributes.has('sockeye.client.left_ms')) return null;
  const left = earliest(node.children.filter((child) => wasLeftOpen(node, child)));
  if (left !== null && gaveUpTogether(node, left)) return null;
  // Its failure, not a timer, is why the parent failed; the calls still open stood beside it.
  if (left !== null && workBelow(node).some((child) => failedWhileOpen(node, left, child))) return null;
  return left === null
    ? null
    : moment(node, { kind: 'timeout', phase: 'none', budgetMs: null, timer: 'app' });
}

/** The timer was the call's own: who answers before the call has ended passes that on. */
function gaveUpTogether(parent: TraceNode, child: TraceNode): boolean {
  const { giveUp } = child.outcome;
  if (giveUp === null || giveUp.kind !== 'timeout' || giveUp.budgetMs === null) return false;
  return child.endMs <= parent.endMs + passingOnMs(parent.endMs - parent.startMs);
}

/** A call that went on after its parent had failed, or that the parent cancelled by failing. */
function wasLeftOpen(parent: TraceNode, child: TraceNode): boolean {
  const { kind } = child.span;
  if ((kind !== 'client' && kind !== 'internal') || child.startMs > parent.endMs) return false;
  if (isLongByDesign(child.span)) return false;
  if (child.outcome.outcome === 'cancelled') return endedWith(parent, child);
  // A handler ends when it has written the answer, later on a busy machine: that it went on is no timer.
  const slackMs = kind === 'internal' ? passingOnMs(parent.endMs - parent.startMs) : SAME_MOMENT_MS;
  return child.endMs > parent.endMs + slackMs;
}

/** What a span waited for, that of its handlers included: many libraries make a span of each. */
function workBelow(node: TraceNode, depth = HANDLER_DEPTH): TraceNode[] {
  return node.children.flatMap((child) =>
    child.span.kind === 'internal' && depth > 0 ? [child, ...workBelow(child, depth - 1)] : [child],
  );
}

function endedWith(parent: TraceNode, child: TraceNode): boolean {
  return child.endMs >= parent.endMs - passingOnMs(parent.endMs - parent.startMs);
}

function failedWhileOpen(parent: TraceNode, left: TraceNode, child: TraceNode): boolean {
  const { outcome } = child.outcome;
  if (outcome === 'ok' || outcome === 'cancelled' || child.endMs < left.startMs) return false;
  return child.endMs <= parent.endMs + SAME_MOMENT_MS && endedWith(parent, child);
}

function earliest(nodes: readonly TraceNode[]): TraceNode | null {
  let first: TraceNode | null = null;
  for (const node of nodes) if (first === null || node.startMs < first.startMs) first = node;
  return first;
}

/** A server that answered "time-out" though nothing below it failed: its own timer, or a gateway that records no calls. */
function silentGateway(node: TraceNode): GiveUpMoment | null {
  const { span, outcome } = node;
  if (span.kind !== 'server' || outcome.outcome !== 'timeout' || !node.ended) return null;
  if (node.parent?.outcome.giveUp || node.children.some((child) => explains(node, child))) return null;
  const isGateway = httpStatusOf(span) === 504;
  return moment(node, {
    kind: isGateway ? 'gateway' : 'timeout',
    phase: 'none',
    budgetMs: null,
    timer: 'app',
  });
}

/** A child that gave up, or failed at the end; what failed long before without having been waited for explains nothing. */
function explains(node: TraceNode, child: TraceNode): boolean {
  const { outcome, giveUp } = child.outcome;
  return outcome !== 'ok' && (outcome !== 'error' || giveUp !== null || endedWith(node, child));
}
