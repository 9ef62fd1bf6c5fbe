/**
 * From the spans of a trace to its verdicts. Pure: a trace and history in, plain data out.
 *
 *     spans ─▶ tree ─▶ give-ups ─▶ blocking chain ─▶ origin ─▶ rules ─▶ verdict
 *
 * A trace in which nobody gave up gets no verdict, however slow it was.
 */
import { numberAttribute, textAttribute, type Span } from '../span.ts';
import { abandonedMs } from './abandoned.ts';
import { callUrl } from './call-url.ts';
import { makeCase, type Case, type DiagnosisContext, type Finding, type Suspect } from './case.ts';
import { causeOf, type Cause } from './causes.ts';
import { attributeFact, formatMs, spanFact } from './evidence.ts';
import { explainGiveUps, type Explained } from './explain.ts';
import type { GiveUpMoment } from './give-ups.ts';
import { plainText } from './plain-text.ts';
import { askRules } from './rules.ts';
import { databaseOf } from './rules/application.ts';
import { budgetEvidence, findContributing, tooShort } from './rules/whole-trace.ts';
import { writeSentence } from './sentence.ts';
import { buildTraceTree, peerAddress, peerLabel, type TraceNode, type TraceTree } from './tree.ts';
import type { Alternative, Category, Diagnosis, Evidence, Verdict } from './verdict.ts';

export type { DiagnosisContext };

const OPEN_MAX = 20;
const CHECKS_MAX = 5;
const CHECKS_OF_CAUSE_MAX = 3;

export function diagnoseTrace(traceId: string, spans: readonly Span[], context: DiagnosisContext): Diagnosis {
  return diagnoseTree(traceId, buildTraceTree(spans), context);
}

export function diagnoseTree(traceId: string, tree: TraceTree, context: DiagnosisContext): Diagnosis {
  const verdicts = explainGiveUps(tree, context).map((explained) => writeVerdict(explained, tree, context));
  return { traceId, complete: tree.complete, verdicts };
}

function writeVerdict(explained: Explained, tree: TraceTree, context: DiagnosisContext): Verdict {
  const { giveUp, origin, failure } = explained;
  const of = makeCase(giveUp, origin, failure, tree, context);
  const finding = explained.tooShort === null ? askRules(of) : tooShort(of, explained.tooShort);
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
    title: plainText(fillText(cause.title, of, cause)),
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

const IP_ADDRESS = /^\d+(?:\.\d+){3}$|:/;

/** The first is the cause. Where the evidence cannot separate them: the favoured one, then by prior. */
function rankSuspects(finding: Finding, of: Case): readonly Suspect[] {
  const { confidence, favoured } = finding;
  const host = of.call && peerAddress(of.call.span).host;
  // Where an address was called, no name was stale.
  const named = host === null || !IP_ADDRESS.test(host);
  const suspects = named ? finding.suspects : finding.suspects.filter(({ code }) => code !== 'D4');
  if (confidence === 'proven' || confidence === 'likely') return suspects;
  const weight = ({ code, isRuledOut = false }: Suspect) =>
    isRuledOut ? 0 : code === favoured ? 10 : causeOf(code).prior;
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

function collectEvidence(finding: Finding, { giveUp, firstTimer }: Explained): Evidence[] {
  const facts = [...finding.evidence, ...budgetEvidence(giveUp)];
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

function describeAlternative({ code, against }: Suspect, of: Case): Alternative {
  const cause = causeOf(code);
  return {
    cause: code,
    title: plainText(fillText(cause.title, of, cause)),
    against: against ?? '',
    wouldDecide: cause.decides,
  };
}

function nextChecks(causes: readonly Cause[], of: Case): Verdict['nextChecks'] {
  const peer = of.call !== null && databaseOf(of.call.span) !== null ? 'database' : 'http';
  const [own, ...others] = causes.map(({ confirm, category }) =>
    confirm
      .filter((check) => check.peer === undefined || check.peer === peer)
      .map((check) => ({ ...check, category })),
  );
  const checks = [
    ...(own?.slice(0, CHECKS_OF_CAUSE_MAX) ?? []),
    ...others.flatMap((confirm) => confirm.slice(0, 1)),
  ];
  const place = placeOf(of);
  let url: string | null = null;
  const byCommand = new Map<string, Verdict['nextChecks'][number]>();
  for (const { text, command, category } of checks) {
    const pid = processIdOf(CALLERS_CAUSES.has(category) ? of.origin.node : (of.server ?? ownNode(of)));
    const asks = command.includes('{url}');
    // To parse a URL takes as long as most of a verdict.
    if (asks) url ??= urlOf(of, place);
    const filled = fill(command, { ...place, url: url ?? '', pid });
    const note = asks ? methodNote(of) : '';
    if (!byCommand.has(filled)) byCommand.set(filled, { text: text + note, command: filled });
  }
  return [...byCommand.values()].slice(0, CHECKS_MAX);
}

/** A check changes nothing, so that it asks by GET whatever the call did. */
function methodNote({ call }: Case): string {
  const method =
    call &&
    (textAttribute(call.span.attributes, 'http.request.method') ??
      textAttribute(call.span.attributes, 'http.method'));
  return method && !['GET', 'HEAD'].includes(method) && /^[A-Z]+$/.test(method)
    ? ` (this asks by GET, the call was a ${method})`
    : '';
}

function fillText(template: string, of: Case, { code, category }: Cause): string {
  // These two are about whoever gave up, wherever the time went.
  const ofGiveUp = code === 'F1' || code === 'F2';
  const callee = category === 'application' && of.call !== null ? (of.server?.service ?? of.peer) : null;
  const service = ofGiveUp ? of.giveUp.node.service : (callee ?? of.origin.node.service);
  // Of own work, the peer that could be slow is one that was not recorded.
  const unrecorded = of.call === null && code === 'G2' ? `something that ${service} calls` : null;
  const peer = unrecorded ?? (ofGiveUp ? of.targetOfGiveUp : of.peer);
  const host = (of.call && peerAddress(of.call.span).host) ?? peer;
  return fill(template, { service, peer, host });
}

function fill(template: string, values: Record<string, string>): string {
  if (!template.includes('{')) return template;
  return template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Names from spans go into a shell: only what needs no quoting, and is no option, is filled in. */
const SHELL_SAFE = /^[\w:][\w.:-]{0,254}$/;

/** Where the checks look, as commands name it. */
function placeOf(of: Case): Record<'host' | 'port' | 'service', string> {
  const { host, port } = of.call === null ? { host: null, port: null } : peerAddress(of.call.span);
  const safe = (value: string | null, otherwise: string) =>
    value !== null && SHELL_SAFE.test(value) ? value : otherwise;
  return {
    host: safe(host, 'HOST'),
    port: safe(port, 'PORT'),
    service: safe(of.origin.node.service, 'SERVICE'),
  };
}

/** What a check asks for, by the spans of the call, else by its place. */
function urlOf({ call, server }: Case, { host, port }: Record<'host' | 'port', string>): string {
  return (call && callUrl(call.span, server?.span ?? null)) ?? `http://${host}:${port}/`;
}

/** Causes that lie in the process of the caller; all others are looked for in that of the callee. */
const CALLERS_CAUSES: ReadonlySet<Category> = new Set(['client', 'dns']);

/** The span of own work; null when the origin is a call whose other side has no span here. */
function ownNode({ call, origin }: Case): TraceNode | null {
  return call === null ? origin.node : null;
}

function processIdOf(node: TraceNode | null): string {
  const pid = node === null ? null : numberAttribute(node.span.resource.attributes, 'process.pid');
  return Number.isSafeInteger(pid) ? String(pid) : 'PID';
}

function pathTo(origin: TraceNode): string[] {
  const path: string[] = [];
  for (let node: TraceNode | null = origin; node !== null; node = node.parent) path.push(node.span.spanId);
  return path.toReversed();
}

function roundMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
