/**
 * From the spans of a trace to its verdicts. Pure: a trace and history in, plain data out.
 *
 *     spans ─▶ tree ─▶ give-ups ─▶ blocking chain ─▶ origin ─▶ rules ─▶ verdict
 *
 * A trace in which nobody gave up gets no verdict, however slow it was.
 */
import type { Span } from '../span.ts';
import { abandonedMs } from './abandoned.ts';
import { makeCase, type Case, type DiagnosisContext, type Finding, type Suspect } from './case.ts';
import { causeOf, type Cause } from './causes.ts';
import { attributeFact, formatMs, spanFact } from './evidence.ts';
import { explainGiveUps, type Explained } from './explain.ts';
import type { GiveUpMoment } from './give-ups.ts';
import { fill, nextChecks } from './next-checks.ts';
import { plainText } from './plain-text.ts';
import { askRules } from './rules.ts';
import {
  budgetEvidence,
  findContributing,
  tooShort,
  withTooShort,
  type TooShort,
} from './rules/whole-trace.ts';
import { writeSentence } from './sentence.ts';
import {
  buildTraceTree,
  IP_ADDRESS,
  peerAddress,
  peerLabel,
  type TraceNode,
  type TraceTree,
} from './tree.ts';
import type { Alternative, Diagnosis, Evidence, Verdict } from './verdict.ts';

export type { DiagnosisContext };

const OPEN_MAX = 20;

export function diagnoseTrace(traceId: string, spans: readonly Span[], context: DiagnosisContext): Diagnosis {
  return diagnoseTree(traceId, buildTraceTree(spans), context);
}

export function diagnoseTree(traceId: string, tree: TraceTree, context: DiagnosisContext): Diagnosis {
  const verdicts = explainGiveUps(tree, context).map((explained) => writeVerdict(explained, tree, context));
  return { traceId, complete: tree.complete, verdicts };
}

function writeVerdict(explained: Explained, tree: TraceTree, context: DiagnosisContext): Verdict {
  const { giveUp, origin } = explained;
  const of = makeCase(explained, tree, context);
  const finding = find(of, explained.tooShort);
  const suspects = rankSuspects(finding, of);
  const known = finding.confidence !== 'unknown';
  const cause = causeOf(known ? (suspects[0]?.code ?? 'unknown') : 'unknown');
  const others = known ? suspects.slice(1) : suspects;
  return {
    giveUp: describeGiveUp(giveUp),
    origin: {
      spanId: origin.node.span.spanId,
      service: origin.node.service,
      peer: of.call === null ? null : peerLabel(of.call.span),
      edge: of.edge,
    },
    openAtGiveUp: openSpans(giveUp),
    phase: of.phase,
    cause: cause.code,
    category: cause.category,
    title: titleOf(cause, suspects[0], of),
    reason: known ? null : (finding.reason ?? null),
    confidence: cause.code === 'unknown' ? 'unknown' : finding.confidence,
    sentence: plainText(writeSentence(of)),
    evidence: collectEvidence(finding, explained),
    alternatives: others.map((suspect) => describeAlternative(suspect, of)),
    contributing: findContributing(of)
      .filter((entry) => entry.cause !== cause.code)
      .map((entry) => ({ ...entry, text: plainText(entry.text) })),
    nextChecks: nextChecks([cause, ...others.map(({ code }) => causeOf(code))], of),
    path: pathTo(origin.node),
    abandonedMs: roundMs(abandonedMs(giveUp.node, giveUp.atMs)),
    hosts: of.hosts,
  };
}

function find(of: Case, short: TooShort | null): Finding {
  if (short === null) return askRules(of);
  return short.confidence === 'beside' ? withTooShort(askRules(of), of, short) : tooShort(of, short);
}

/** The first is the cause. Where the evidence cannot separate them: the favoured one, then by prior. */
function rankSuspects(finding: Finding, of: Case): readonly Suspect[] {
  const { confidence, favoured } = finding;
  const host = of.call && peerAddress(of.call.span).host;
  // Where an address was called, no name was stale.
  const named = host === null || !IP_ADDRESS.test(host);
  const suspects = named ? finding.suspects : finding.suspects.filter(({ code }) => code !== 'D4');
  if (confidence === 'proven' || confidence === 'likely') return suspects;
  const weight = ({ code, isRuledOut = false, isLast = false }: Suspect) =>
    isRuledOut ? 0 : isLast ? 1 : code === favoured ? 10 : causeOf(code).prior;
  return suspects.toSorted((a, b) => weight(b) - weight(a));
}

function describeGiveUp(giveUp: GiveUpMoment): Verdict['giveUp'] {
  const { node, kind, budgetMs, timer, elapsedMs } = giveUp;
  const endUnixMs = Number(node.span.endUnixNano / 1_000_000n);
  return {
    kind,
    spanId: node.span.spanId,
    service: node.service,
    at: new Date(endUnixMs).toISOString(),
    budgetMs,
    timer: timer === null ? null : plainText(timer),
    elapsedMs: roundMs(elapsedMs),
  };
}

/** The deepest spans below the give-up that were open at that moment; the call itself when nothing below was. */
function openSpans({ node, atMs }: GiveUpMoment): string[] {
  const open: string[] = [];
  const pending: TraceNode[] = [node];
  for (let next = pending.pop(); next !== undefined && open.length < OPEN_MAX; next = pending.pop()) {
    let deeper = false;
    for (const child of next.children) {
      if (child.startMs > atMs) continue;
      pending.push(child);
      deeper ||= child.endMs >= atMs;
    }
    if (!deeper && next.endMs >= atMs) open.push(next.span.spanId);
  }
  return open;
}

function collectEvidence(finding: Finding, { giveUp, firstTimer, attempts }: Explained): Evidence[] {
  const facts = [...finding.evidence, ...budgetEvidence(giveUp, attempts)];
  if (firstTimer !== null) {
    const text = `the first timer to fire was that of ${firstTimer.node.service}, after ${formatMs(firstTimer.elapsedMs)}`;
    facts.push(
      attributeFact(firstTimer.node, 'sockeye.timeout.timer', text) ?? spanFact(firstTimer.node, text),
    );
  }
  const told = new Map<string, Evidence>();
  for (const fact of facts) {
    if (fact === null) continue;
    const key = `${fact.spanId} ${fact.attribute ?? fact.text}`;
    if (!told.has(key)) told.set(key, { ...fact, text: plainText(fact.text) });
  }
  return [...told.values()];
}

function describeAlternative(suspect: Suspect, of: Case): Alternative {
  const { code, against } = suspect;
  const cause = causeOf(code);
  return {
    cause: code,
    title: titleOf(cause, suspect, of),
    against: against ?? '',
    wouldDecide: cause.decides,
  };
}

function titleOf(cause: Cause, suspect: Suspect | undefined, of: Case): string {
  const own = suspect?.code === cause.code ? suspect.title : undefined;
  return plainText(own ?? fillText(cause.title, of, cause));
}

function fillText(template: string, of: Case, { code, category }: Cause): string {
  if (!template.includes('{')) return template;
  // These two are about whoever gave up, wherever the time went.
  const ofGiveUp = code === 'F1' || code === 'F2';
  const callee = category === 'application' && of.call !== null ? (of.server?.service ?? of.peer) : null;
  const service = ofGiveUp ? of.giveUp.node.service : (callee ?? of.origin.node.service);
  // Of own work, the peer that could be slow is one that was not recorded.
  const unrecorded =
    of.call === null && of.many === null && code === 'G2' ? `something that ${service} calls` : null;
  const peer = unrecorded ?? (ofGiveUp ? of.targetOfGiveUp : of.peer);
  const host = (of.call && peerAddress(of.call.span).host) ?? peer;
  return fill(template, { service, peer, host });
}

function pathTo(origin: TraceNode): string[] {
  const path: string[] = [];
  for (let node: TraceNode | null = origin; node !== null; node = node.parent) path.push(node.span.spanId);
  return path.toReversed();
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
