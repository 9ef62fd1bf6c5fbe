/** E1, E5, F1, F2, F6, G6: what only the trace as a whole shows: budgets against each other, against history, retries. */
import { numberAttribute, operationOf } from '../../span.ts';
import { isGateway, type Case, type Finding } from '../case.ts';
import { decidedByGiveUp, type TimedSpan } from '../decided-by-give-up.ts';
import { attributeFact, formatMs, historyFact, spanFact } from '../evidence.ts';
import { allAttempts, otherwiseWords } from '../attempts.ts';
import { callKey } from '../origin.ts';
import { passingOnMs, type GiveUpMoment } from '../give-ups.ts';
import {
  knownOf,
  NORMAL_COUNT_MIN,
  surelyNormalMs,
  isSpread,
  type NormalDuration,
  type Normals,
} from '../normals.ts';
import { serverOf, type TraceNode, type TraceTree } from '../tree.ts';
import type { Evidence } from '../verdict.ts';

/** As many attempts whose server answered, or calls in a history that is too short, show what is normal for it. */
export const VISIBLE_COUNT_MIN = 3;

/** How long the callee of a give-up takes when nobody hurries it, where that is longer than the caller waited. */
export interface TooShort {
  readonly normalMs: number;
  readonly evidence: readonly Evidence[];
  /** `likely` only where hardly a call of many would have had enough; `beside` what else there is to say where many had. */
  readonly confidence: 'likely' | 'possible' | 'beside';
}

/** Whether a span's duration is that of its work; false where a give-up decided it. Looked into when first asked. */
export type IsOwnTime = (node: TraceNode) => boolean;

export function ownTimesOf({ nodes }: TraceTree): IsOwnTime {
  let notOwn: ReadonlySet<TraceNode> | null = null;
  return (node) => !(notOwn ??= nodesDecidedByGiveUp(nodes)).has(node);
}

function nodesDecidedByGiveUp(nodes: readonly TraceNode[]): Set<TraceNode> {
  const places = new Map(nodes.map((node, place) => [node, place]));
  const decided = decidedByGiveUp(
    nodes.map(({ span, parent, outcome: { outcome, giveUp }, startMs, endMs }): TimedSpan => ({
      parent: parent === null ? -1 : places.get(parent)!,
      kind: span.kind,
      outcome,
      gaveUp: giveUp !== null && outcome !== 'cancelled',
      startMs,
      endMs,
    })),
  );
  return new Set(nodes.filter((_, place) => decided[place]));
}

/** The budget is below the callee's normal time. Decided before anything is looked for below the call. */
export function findTooShort(giveUp: GiveUpMoment, normals: Normals, isOwnTime: IsOwnTime): TooShort | null {
  const server = serverOf(giveUp.node);
  if (server === null || giveUp.phase !== 'wait') return null;
  if (giveUp.kind !== 'timeout' && giveUp.kind !== 'gateway') return null;
  const normal = knownOf(server, normals);
  const hadOwnTime = isOwnTime(server);
  // One that ran out of time itself, or waited for a call that did, takes as long as that timer allows: what is normal
  // for it does not explain this; unless all that ran out was the time that this caller gave.
  if (!hadOwnTime && !endedAsLeft(server, giveUp)) return null;
  if (normal !== null && normal.count >= NORMAL_COUNT_MIN) {
    if (normal.p90Ms < giveUp.elapsedMs) return null;
    // What it took itself is told by its span: what lay before that is no reason for a longer limit.
    if (surelyNormalMs(normal) < giveUp.elapsedMs && !wasAtIt(server, giveUp)) return null;
    return {
      normalMs: normal.p50Ms,
      evidence: [normalFact(server, normal)],
      confidence: howSure(normal, giveUp),
    };
  }
  if (!hadOwnTime) return normal === null ? null : byFewCalls(giveUp, server, normal);
  const ended: TraceNode[] = [];
  for (const attempt of giveUp.node.parent?.children ?? []) {
    const answered = serverOf(attempt);
    if (answered === null || !answered.ended || !isSameOperation(answered, server)) continue;
    if (isOwnTime(answered)) ended.push(answered);
  }
  if (ended.length < VISIBLE_COUNT_MIN) return normal === null ? null : byFewCalls(giveUp, server, normal);
  let shortestMs = Infinity;
  for (const node of ended) shortestMs = Math.min(shortestMs, node.endMs - node.startMs);
  if (shortestMs < giveUp.elapsedMs) return null;
  const evidence = ended
    .slice(0, VISIBLE_COUNT_MIN)
    .map((node) =>
      spanFact(node, `its server worked for ${formatMs(node.endMs - node.startMs)} and answered`),
    );
  return { normalMs: shortestMs, evidence, confidence: 'possible' };
}

function howSure(normal: NormalDuration, { elapsedMs }: GiveUpMoment): TooShort['confidence'] {
  if (normal.p10Ms >= elapsedMs) return 'likely';
  if (normal.p50Ms < elapsedMs) return 'beside';
  return isSpread(normal) ? 'beside' : 'possible';
}

/** For most of the time that its caller waited. */
function wasAtIt({ startMs, endMs }: TraceNode, { atMs, elapsedMs }: GiveUpMoment): boolean {
  return Math.min(endMs, atMs) - startMs >= elapsedMs / 2;
}

/** Its end is that of its caller's patience: it was left, or what it waited for was, by the same deadline. */
function endedAsLeft({ ended, startMs, endMs }: TraceNode, { elapsedMs }: GiveUpMoment): boolean {
  return ended && Math.abs(endMs - startMs - elapsedMs) <= passingOnMs(elapsedMs);
}

/** So few are no history; but the callee took as long as they did, or would have, had it been let. */
function byFewCalls(giveUp: GiveUpMoment, server: TraceNode, normal: NormalDuration): TooShort | null {
  const { count, p50Ms } = normal;
  const workedMs = server.endMs - server.startMs;
  const wasLeft = endedAsLeft(server, giveUp);
  const isAlike = server.ended && (wasLeft || server.outcome.outcome === 'ok') && workedMs <= 2 * p50Ms;
  const shortestMs = wasLeft ? surelyNormalMs(normal) : Math.min(workedMs, p50Ms);
  if (count < VISIBLE_COUNT_MIN || !isAlike || shortestMs < giveUp.elapsedMs) return null;
  const worked = spanFact(
    server,
    `its server worked for ${formatMs(workedMs)}${wasLeft ? '' : ' and answered'}`,
  );
  return { normalMs: p50Ms, evidence: [fewCallsFact(server, count, p50Ms), worked], confidence: 'possible' };
}

/** What is known of many calls; where they differ much, what one in ten took is told as well. */
export function normalFact({ span, service }: TraceNode, normal: NormalDuration): Evidence {
  const { count, p50Ms, p10Ms, p90Ms } = normal;
  const known = `"${operationOf(span)}" of ${service} takes ${formatMs(p50Ms)} in the middle of ${count} calls`;
  const untold = 'whether many were held up, or some are quick by nature, their times alone do not tell';
  if (isSpread(normal)) {
    return historyFact(`${known}, and one in ten ${formatMs(p10Ms)} at most: ${untold}`, p50Ms);
  }
  return historyFact(p90Ms > p50Ms ? `${known}, and one in ten ${formatMs(p90Ms)} or longer` : known, p50Ms);
}

export function fewCallsFact({ span, service }: TraceNode, count: number, p50Ms: number): Evidence {
  const calls = count === 1 ? '1 call' : `${count} calls`;
  const text = `"${operationOf(span)}" of ${service} took ${formatMs(p50Ms)} in the middle of ${calls}: too few to say what is normal, which takes ${NORMAL_COUNT_MIN}`;
  return historyFact(text, p50Ms);
}

function isSameOperation(node: TraceNode, other: TraceNode): boolean {
  return (
    node.outcome.outcome === 'ok' &&
    node.service === other.service &&
    operationOf(node.span) === operationOf(other.span)
  );
}

/** Beside what else is possible; ahead of nothing, because a longer limit makes an overload worse. */
export function withTooShort(finding: Finding, { giveUp }: Case, { evidence }: TooShort): Finding {
  const code = codeOfShort(giveUp);
  const isSure = finding.confidence === 'proven' || finding.confidence === 'likely';
  if (isSure || finding.suspects.some((suspect) => suspect.code === code)) return finding;
  const against = 'some calls take less than the limit';
  return {
    ...finding,
    suspects: [...finding.suspects, { code, against, isLast: true }],
    evidence: [...finding.evidence, ...evidence],
  };
}

const codeOfShort = (giveUp: GiveUpMoment) =>
  giveUp.kind === 'gateway' || isGateway(giveUp.node) ? 'E1' : 'F1';

export function tooShort({ giveUp }: Case, found: TooShort): Finding {
  const code = codeOfShort(giveUp);
  const { evidence } = found;
  if (found.confidence === 'likely') return { confidence: 'likely', suspects: [{ code }], evidence };
  return {
    confidence: 'possible',
    suspects: [{ code }, { code: 'G1' }, { code: 'G2' }],
    favoured: code,
    evidence,
  };
}

/** It stands with every verdict. `tries`: of which this is the last, when there are several. */
export function budgetEvidence(
  { node, elapsedMs }: GiveUpMoment,
  tries: readonly TraceNode[],
): (Evidence | null)[] {
  const which = tries.length < 2 ? '' : `, in the last of ${allAttempts(tries).all.length} attempts`;
  return [
    attributeFact(node, 'sockeye.timeout.budget_ms', `${node.service} was willing to wait this long`) ??
      spanFact(node, `${node.service} waited ${formatMs(elapsedMs)}${which}`, elapsedMs),
    attributeFact(node, 'sockeye.timeout.timer', 'the timer that fired'),
  ];
}

interface Inversion {
  readonly inner: TraceNode;
  readonly budgetMs: number;
  readonly leftMs: number;
}

/** An inner call was allowed at least as long as its caller's caller had left. */
function findInversion({ giveUp, origin }: Case): Inversion | null {
  const inner: TraceNode[] = [];
  for (let node: TraceNode | null = origin.node; node !== null && node !== giveUp.node; node = node.parent) {
    inner.push(node);
  }
  for (const node of inner.toReversed()) {
    const budgetMs =
      numberAttribute(node.span.attributes, 'sockeye.timeout.budget_ms') ??
      node.outcome.giveUp?.budgetMs ??
      null;
    const leftMs = giveUp.atMs - node.startMs;
    if (budgetMs !== null && budgetMs >= leftMs && node.endMs >= giveUp.atMs)
      return { inner: node, budgetMs, leftMs };
  }
  return null;
}

/** The cause where the inner call was answered in the end, in its own time; beside a failure it only contributes. */
export function budgetInversion(of: Case): Finding | null {
  const inversion = findInversion(of);
  if (inversion === null || inversion.inner.outcome.outcome !== 'ok') return null;
  const { inner, leftMs } = inversion;
  return {
    confidence: 'likely',
    suspects: [{ code: 'F2' }, { code: 'G1' }, { code: 'G2' }],
    evidence: [
      attributeFact(
        inner,
        'sockeye.timeout.budget_ms',
        `the inner call's limit; ${formatMs(leftMs)} were left when it began`,
      ),
      spanFact(inner, `answered after ${formatMs(inner.endMs - inner.startMs)}`),
    ],
  };
}

/** What made it worse without being the cause. */
export function findContributing(of: Case): { cause: string; text: string }[] {
  const found: { cause: string; text: string }[] = [];
  const { giveUp, origin, call } = of;
  const inversion = findInversion(of);
  if (inversion !== null) {
    const { inner, budgetMs, leftMs } = inversion;
    found.push({
      cause: 'F2',
      text: `${inner.service} would have waited ${formatMs(budgetMs)} for ${operationOf(inner.span)}, when ${giveUp.node.service} had ${formatMs(leftMs)} left`,
    });
  } else if (call !== null && call !== giveUp.node && isUnbounded(call, giveUp.atMs)) {
    found.push({
      cause: 'F6',
      text: `no limit of its own ended ${call.service}'s call, long after ${giveUp.node.service} had left`,
    });
  }
  const alike = origin.type === 'edge' && origin.calls.length > 0 ? origin.calls : of.attempts;
  const attempts = allAttempts(alike);
  const tries = attempts.all;
  const [first] = tries;
  const last = tries.at(-1);
  if (first !== undefined && last !== undefined && tries.filter(hasGivenUp).length >= 2) {
    const togetherMs = Math.min(last.endMs, giveUp.atMs) - first.startMs;
    found.push({
      cause: isGateway(last) ? 'E5' : 'G6',
      text: `${last.service} tried ${tries.length} times, ${formatMs(togetherMs)} together${otherwiseWords(attempts)}${inAllWords(last, tries.length, of.tree)}`,
    });
  }
  const blockedMs =
    call === null ? null : numberAttribute(call.span.attributes, 'sockeye.process.event_loop_blocked_ms');
  if (call !== null && blockedMs !== null && blockedMs >= giveUp.elapsedMs / 2) {
    found.push({
      cause: 'F3',
      text: `${call.service}'s event loop was blocked for ${formatMs(blockedMs)} during the call`,
    });
  }
  return found;
}

/** Retries above a call that is retried multiply it. */
function inAllWords({ span, service }: TraceNode, tries: number, { nodes }: TraceTree): string {
  const key = callKey(span);
  let count = 0;
  for (const node of nodes) {
    if (node.service === service && hasGivenUp(node) && callKey(node.span) === key) count++;
  }
  return count > tries ? `; in all that was retried above it, ${count} such calls were given up` : '';
}

const hasGivenUp = ({ outcome }: TraceNode) => outcome.giveUp !== null;

/** Only the kernel's patience ended it, or nothing yet: the hook would have named another timer. */
function isUnbounded(call: TraceNode, atMs: number): boolean {
  if (!call.ended) return true;
  return call.endMs > atMs && call.outcome.giveUp?.timer === 'kernel';
}
