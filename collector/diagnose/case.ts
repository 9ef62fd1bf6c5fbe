/** What the rules see of one give-up: the moment, its origin, and the call or work that the origin is. */
import { shownName, textAttribute, type Span } from '../span.ts';
import { headBytesOf } from './evidence.ts';
import type { Explained } from './explain.ts';
import type { GiveUpMoment } from './give-ups.ts';
import type { HostView } from './hosts/host-view.ts';
import { knownOf, type NormalDuration, type Normals } from './normals.ts';
import type { OriginSegment } from './origin.ts';
import { httpStatusOf } from './outcome.ts';
import { findManyCalls, type ManyCalls } from './many-calls.ts';
import { phaseOfCall } from './phase-of-call.ts';
import { IP_ADDRESS, peerAddress, peerLabel, serverOf, type TraceNode, type TraceTree } from './tree.ts';
import type { Confidence, Evidence, Phase } from './verdict.ts';

export interface DiagnosisContext {
  /** How long the operations of this trace normally take; empty without history. */
  readonly normals: Normals;
  /** What hosts reported around calls of this trace. */
  readonly hosts?: readonly HostView[];
  /** The callee's name as the service map shows it; without, from the trace alone. */
  readonly nameCallee?: (call: Span, pairedService: string | null) => string;
}

export interface Case {
  readonly giveUp: GiveUpMoment;
  readonly origin: OriginSegment;
  /** The calls of which the one that was given up is the last, when there are several. */
  readonly attempts: readonly TraceNode[];
  /** How long own work, or the server of the call, took in others, however few are known. */
  readonly known: NormalDuration | null;
  /** Of many calls in a row, whether they are more than usual; null where nothing is known of them. */
  readonly many: ManyCalls | null;
  /** The call whose edge is the origin; null when it is own work. */
  readonly call: TraceNode | null;
  /** The server's side of that call, when its span is here. */
  readonly server: TraceNode | null;
  /** The origin call's own give-up; null when it was still open, or ended well. */
  readonly failure: GiveUpMoment | null;
  readonly phase: Phase | 'none';
  /** How long the origin call was in that phase until the give-up; null when it was not measured. */
  readonly phaseMs: number | null;
  /** The phase was not over at the give-up. */
  readonly phaseOpen: boolean;
  /** `payments:8443`, or the callee's name, where its address is unknown or says nothing, as a bare IP does. */
  readonly peer: string;
  /** caller -> the origin's callee; for own work, the service alone. */
  readonly edge: string;
  /** Whom the call went to is known by more than what its caller says: a service that answers there, and no proxy. */
  readonly isPlainService: boolean;
  /** Whom the caller gave up on: `peer`, or a service nearer to it. */
  readonly targetOfGiveUp: string;
  /** The call that it waited for: itself, or of work that was given up, its call on the way to the origin. */
  readonly callGivenUp: TraceNode | null;
  readonly tree: TraceTree;
  /** What the hosts of both ends of the call reported around it. */
  readonly hosts: readonly HostView[];
}

/** One member of the answer set; `against` says what speaks against it. */
export interface Suspect {
  readonly code: string;
  /** In the place of the cause's own, where that says less than is known. */
  readonly title?: string;
  readonly against?: string;
  /** What speaks against it leaves little room for it. */
  readonly isRuledOut?: boolean;
  /** Nothing rules it out, but what is likelier stands before it. */
  readonly isLast?: boolean;
}

/** What a rule found. It returns null when its case is not this one. */
export interface Finding {
  /** `proven` and `likely`: the first is the cause. `possible`: the likeliest by prior is, unless one is favoured. */
  readonly confidence: Confidence;
  readonly suspects: readonly Suspect[];
  /** Of causes that cannot be separated, the one the evidence leans to. */
  readonly favoured?: string;
  /** Why the cause is unknown. */
  readonly reason?: string;
  readonly evidence: readonly (Evidence | null)[];
}

export type Rule = (of: Case) => Finding | null;

export function makeCase(
  { giveUp, origin, failure, attempts }: Pick<Explained, 'giveUp' | 'origin' | 'failure' | 'attempts'>,
  tree: TraceTree,
  context: DiagnosisContext,
): Case {
  const many = findManyCalls(origin, context.normals);
  const [first] = origin.calls;
  // Of calls that took no longer than they do, none is the origin.
  const call = origin.type === 'edge' ? origin.node : many?.areMore === true ? null : (first ?? null);
  const server = call === null ? null : serverOf(call);
  const { phase, phaseMs, phaseOpen } =
    call === null
      ? { phase: 'none' as const, phaseMs: null, phaseOpen: false }
      : // Of an answer that had begun, its server's time is what was waited for.
        phaseOfCall(call, headBytesOf(call) === null ? server : null, failure, giveUp.atMs);
  const calleeOf = (each: TraceNode) =>
    (context.nameCallee ?? plainCallee)(each.span, serverOf(each)?.service ?? null);
  const callee = call === null ? '' : calleeOf(call);
  const called = call ?? first;
  const peer = called === undefined ? origin.node.service : peerWords(called, calleeOf(called));
  const callGivenUp = callOnTheWay(giveUp.node, origin.node);
  const targetOfGiveUp = callGivenUp === null ? peer : peerWords(callGivenUp, calleeOf(callGivenUp));
  const judged = origin.type === 'own' ? origin.node : server;
  return {
    giveUp,
    origin,
    attempts,
    known: judged === null ? null : knownOf(judged, context.normals),
    many,
    call,
    server,
    failure,
    phase,
    phaseMs,
    phaseOpen,
    peer,
    edge: call === null ? origin.node.service : `${call.service}->${callee}`,
    isPlainService: call !== null && isSeenThere(callee, call.span) && !GATEWAY.test(callee),
    targetOfGiveUp,
    callGivenUp,
    tree,
    hosts: context.hosts?.filter(({ spanId }) => spanId === call?.span.spanId) ?? [],
  };
}

/** The first call from the top down to the bottom, both included. */
function callOnTheWay(top: TraceNode, bottom: TraceNode): TraceNode | null {
  let call: TraceNode | null = null;
  for (let node: TraceNode | null = bottom; node !== null; node = node.parent) {
    if (node.span.kind === 'client') call = node;
    if (node === top) break;
  }
  return call;
}

/** In words: the address as its caller wrote it, or where that says nothing, the name that the callee has. */
function peerWords(call: TraceNode, callee: string): string {
  const { host } = peerAddress(call.span);
  const saysNothing = host === null || host === 'localhost' || IP_ADDRESS.test(host);
  const isName = saysNothing && isNameOf(callee, call.span) && !wasAnsweredInstead(call);
  return isName ? callee : (peerLabel(call.span) ?? callee);
}

/** By a gateway at that address, in the place of the service behind it. */
function wasAnsweredInstead(call: TraceNode): boolean {
  if (call.outcome.giveUp?.kind !== 'gateway') return false;
  const status = httpStatusOf(call.span);
  const server = serverOf(call);
  return status === null || server === null || httpStatusOf(server.span) !== status;
}

/** And not its address again. */
function isNameOf(callee: string, call: Span): boolean {
  const { host } = peerAddress(call);
  return host !== null && callee !== host && !callee.endsWith(`@${host}`);
}

/** What callers are told to call it, or its topic: behind such a name a load balancer may stand. */
const CALLERS_WORDS = [
  'peer.service',
  'service.peer.name',
  'messaging.destination.name',
  'messaging.destination',
] as const;

/** Of a service that was seen to answer there. */
function isSeenThere(callee: string, call: Span): boolean {
  const said = CALLERS_WORDS.map((key) => textAttribute(call.attributes, key) ?? '');
  return isNameOf(callee, call) && !said.some((name) => shownName(name) === shownName(callee));
}

/** The callee's name from the trace alone. */
function plainCallee(call: Span, pairedService: string | null): string {
  const { attributes } = call;
  const named =
    textAttribute(attributes, 'peer.service') ??
    textAttribute(attributes, 'service.peer.name') ??
    peerAddress(call).host;
  return pairedService ?? shownName(named ?? 'unknown peer');
}

const GATEWAY = /envoy|nginx|haproxy|traefik|kong|apisix|gateway|ingress|proxy|load-?balancer/i;

/** Its spans say that it passes requests on: a proxy by name or by its own marks. */
export function isGateway(node: TraceNode): boolean {
  const { span, service } = node;
  if (span.attributes.get('component') === 'proxy' || span.attributes.has('response_flags')) return true;
  return GATEWAY.test(`${service} ${span.scope.name}`);
}
