/**
 * Finds the origin of every give-up of a trace, and brings those of one origin together: a chain of callers that gave
 * up because of one hanging call is one story, told from the top; so are the attempts of one call.
 */
import { blockingChain, isEdge } from './blocking-chain.ts';
import type { DiagnosisContext } from './case.ts';
import { headBytesOf, tcpValue } from './evidence.ts';
import { findGiveUps, passingOnMs, SAME_MOMENT_MS, type GiveUpMoment } from './give-ups.ts';
import { callKey, findOrigin, type OriginSegment } from './origin.ts';
import { findTooShort, ownTimesOf, type TooShort } from './rules/whole-trace.ts';
import type { Normals } from './normals.ts';
import { phaseOfCall } from './phase-of-call.ts';
import { serverOf, type TraceNode, type TraceTree } from './tree.ts';

export interface Explained {
  /** The highest give-up of this story that had a timer of its own. */
  readonly giveUp: GiveUpMoment;
  readonly origin: OriginSegment;
  /** The calls of which that is the last, when there are several. */
  readonly attempts: readonly TraceNode[];
  /** The give-up of the origin call itself; null when it was still open or own work. */
  readonly failure: GiveUpMoment | null;
  /** The earliest give-up from there down to the origin, when it came before. */
  readonly firstTimer: GiveUpMoment | null;
  readonly tooShort: TooShort | null;
}

/** Beyond this, a trace's further give-ups are not looked into: its first ones tell enough. */
const STORIES_MAX = 50;

export function explainGiveUps(tree: TraceTree, context: DiagnosisContext): Explained[] {
  const moments = withoutPassedOn(findGiveUps(tree));
  const momentOf = new Map(moments.map((moment) => [moment.node, moment]));
  const isOwnTime = ownTimesOf(tree);
  const stories: Explained[] = [];
  const explained = new Set<TraceNode>();
  const origins = new Set<TraceNode>();
  for (const attempts of groupAttempts(moments)) {
    if (stories.length >= STORIES_MAX) break;
    if (attempts.some(({ node }) => explained.has(node))) continue;
    const giveUp = latest(attempts);
    const tooShort = findTooShort(giveUp, context.normals, isOwnTime);
    const tries = inSequence(attempts);
    const origin = originOf(
      giveUp,
      tries,
      tooShort?.confidence === 'beside' ? null : tooShort,
      context.normals,
    );
    const path = pathBetween(giveUp.node, origin.node);
    for (const nodes of [path, origin.calls, attempts.map(({ node }) => node)]) {
      for (const node of nodes) explained.add(node);
    }
    if (origins.has(origin.node)) continue;
    origins.add(origin.node);
    const failure = origin.type === 'edge' ? (momentOf.get(origin.node) ?? null) : null;
    stories.push({
      giveUp,
      origin,
      attempts: tries,
      failure,
      firstTimer: firstTimer(path, momentOf, giveUp),
      tooShort,
    });
  }
  return explainingFirst(stories);
}

/**
 * Leaves out those that only pass on what happened below them: a gateway's answer, an error without a timer of its
 * own, that came with or after a give-up inside.
 */
function withoutPassedOn(moments: readonly GiveUpMoment[]): GiveUpMoment[] {
  const momentOf = new Map(moments.map((moment) => [moment.node, moment]));
  const passedOn = new Set<GiveUpMoment>();
  const nearest = new Map<TraceNode, GiveUpMoment | null>();
  for (const inner of moments) {
    const outer = nearestAbove(inner.node, momentOf, nearest);
    if (outer !== null && isPassedOn(outer, inner)) passedOn.add(outer);
  }
  return moments.filter((moment) => !passedOn.has(moment));
}

/** Remembers the way it went, so that no span is passed twice. */
function nearestAbove(
  from: TraceNode,
  momentOf: ReadonlyMap<TraceNode, GiveUpMoment>,
  nearest: Map<TraceNode, GiveUpMoment | null>,
): GiveUpMoment | null {
  const way: TraceNode[] = [];
  let node = from.parent;
  while (node !== null && !momentOf.has(node) && !nearest.has(node)) {
    way.push(node);
    node = node.parent;
  }
  const found = node === null ? null : (momentOf.get(node) ?? nearest.get(node) ?? null);
  for (const passed of way) nearest.set(passed, found);
  return found;
}

function isPassedOn(outer: GiveUpMoment, inner: GiveUpMoment): boolean {
  const { kind, timer, budgetMs, atMs, elapsedMs } = outer;
  // Who is about to give a call up by its limit may have answered already.
  const slackMs = inner.budgetMs === null ? SAME_MOMENT_MS : passingOnMs(elapsedMs);
  if (inner.atMs > atMs + slackMs) return false;
  // 502 and 503 speak of a failure behind, whenever it was; 504 of time that ran out: just now, or where the span of who
  // answered so shows for what most of it went, then.
  if (kind === 'gateway' && (timer === null || ranOutIn(inner, outer))) return true;
  const hadOwnTimer = kind !== 'gateway' && (timer !== null || budgetMs !== null);
  return !hadOwnTimer && inner.atMs >= atMs - passingOnMs(elapsedMs);
}

function ranOutIn(inner: GiveUpMoment, { node, elapsedMs }: GiveUpMoment): boolean {
  const server = node.span.kind === 'server' ? node : serverOf(node);
  const isShown = server !== null && server.outcome.outcome === 'timeout';
  return isShown && inner.kind === 'timeout' && inner.elapsedMs >= elapsedMs / 2;
}

/** Failed calls of one span that look alike are attempts. In the order of their parents. */
function groupAttempts(moments: readonly GiveUpMoment[]): GiveUpMoment[][] {
  const groups = new Map<TraceNode | null, Map<string, GiveUpMoment[]>>();
  const inOrder: GiveUpMoment[][] = [];
  for (const moment of moments) {
    const { node, kind, phase } = moment;
    let ofParent = groups.get(node.parent);
    if (ofParent === undefined) groups.set(node.parent, (ofParent = new Map()));
    const key = `${callKey(node.span)}\n${kind}\n${phase}`;
    const group = node.parent === null ? undefined : ofParent.get(key);
    if (group !== undefined) group.push(moment);
    else {
      const started = [moment];
      ofParent.set(key, started);
      inOrder.push(started);
    }
  }
  return inOrder;
}

function latest(moments: readonly GiveUpMoment[]): GiveUpMoment {
  return moments.reduce((a, b) => (b.atMs > a.atMs ? b : a));
}

/**
 * Somebody who waited in vain waited for what is below; a call that was refused or cut, or that another's timer ended,
 * or whose callee normally takes longer, is its own origin.
 */
function originOf(
  giveUp: GiveUpMoment,
  calls: readonly TraceNode[],
  tooShort: TooShort | null,
  normals: Normals,
): OriginSegment {
  const { node, kind, timer, atMs, elapsedMs } = giveUp;
  const normalMs = tooShort?.normalMs ?? null;
  const usedMs = atMs - (calls[0] ?? node).startMs;
  const itself: OriginSegment = { type: 'edge', node, usedMs, open: true, calls, normalMs };
  const waitedInVain = kind === 'timeout' ? timer !== 'peer' : kind === 'gateway' && timer !== null;
  if (tooShort !== null || !waitedInVain) return itself;
  const chain = blockingChain(node, atMs);
  // With nothing below it, no matter what is normal.
  if (chain.length === 1 && isEdge(node)) return itself;
  const found = findOrigin(chain, elapsedMs, normals);
  const foundItself = found.node === node && found.type === 'edge';
  return foundItself || isFrontOfGateway(giveUp, found) ? itself : asStalledCall(found, atMs);
}

/**
 * A server that had begun to answer, if only its head, is not silent: what hung is the answer, and the call shows how far it
 * came. Nor has one that leaves the request unread all that it needs: there the call shows what it was not let send.
 */
function asStalledCall(found: OriginSegment, atMs: number): OriginSegment {
  const call = found.type === 'own' && found.node.span.kind === 'server' ? found.node.parent : null;
  if (call === null || call.span.kind !== 'client') return found;
  const { phase, phaseOpen } = phaseOfCall(call, null, null, atMs);
  const hasBegun = (phase === 'receive' && phaseOpen) || headBytesOf(call) !== null;
  const isUnread = phase === 'send' && phaseOpen && tcpValue(call.span.attributes, 'send_window') === 0;
  return hasBegun || isUnread ? { ...found, type: 'edge', node: call, normalMs: null } : found;
}

/** The server that answered 504 shows nothing of what it waited for: that was not its own work. */
function isFrontOfGateway(giveUp: GiveUpMoment, { type, node }: OriginSegment): boolean {
  const answered = type === 'own' && node.parent === giveUp.node && node.outcome.outcome === 'timeout';
  return giveUp.kind === 'gateway' && answered && node.children.length === 0;
}

/** Attempts come one after another; calls that failed side by side are no attempts of one. */
function inSequence(moments: readonly GiveUpMoment[]): TraceNode[] {
  const calls = moments.map(({ node }) => node).toSorted((a, b) => a.startMs - b.startMs);
  let endMs = -Infinity;
  for (const call of calls) {
    if (call.startMs < endMs - SAME_MOMENT_MS) return [];
    endMs = call.endMs;
  }
  return calls.length > 1 ? calls : [];
}

/** From the origin up to the give-up, both included. */
function pathBetween(top: TraceNode, bottom: TraceNode): TraceNode[] {
  const path: TraceNode[] = [];
  for (let node: TraceNode | null = bottom; node !== null; node = node.parent) {
    path.push(node);
    if (node === top) break;
  }
  return path;
}

/** The earliest give-up on the way, when it came before the one the story is told of. */
function firstTimer(
  path: readonly TraceNode[],
  momentOf: ReadonlyMap<TraceNode, GiveUpMoment>,
  giveUp: GiveUpMoment,
): GiveUpMoment | null {
  let first = giveUp;
  for (const node of path) {
    const moment = momentOf.get(node);
    if (moment !== undefined && moment.atMs < first.atMs) first = moment;
  }
  return first === giveUp ? null : first;
}

/** The give-up that the root's failure came from: the last one below nothing but failures, before the root ended. */
function explainingFirst(stories: readonly Explained[]): Explained[] {
  const ranked = stories.map((story) => ({ story, explains: explainsRoot(story.giveUp) }));
  ranked.sort((a, b) => Number(b.explains) - Number(a.explains) || b.story.giveUp.atMs - a.story.giveUp.atMs);
  return ranked.map(({ story }) => story);
}

function explainsRoot({ node, atMs }: GiveUpMoment): boolean {
  let root = node;
  while (root.parent !== null) {
    root = root.parent;
    if (root.outcome.outcome === 'ok') return false;
  }
  return atMs <= root.endMs + SAME_MOMENT_MS;
}
