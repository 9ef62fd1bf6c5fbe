/**
 * What the hosts of both ends know of a call, where the call itself cannot tell its causes apart: whether a listen queue was
 * full, a process stuck, a table of connections full, packets held back by the own rules.
 *
 * A cause that a host confirms comes first; one that it rules out comes last, with what speaks against it.
 */
import type { Case, Finding, Suspect } from '../case.ts';
import { formatMs, hostFact, retransmitsOf, tcpValue } from '../evidence.ts';
import type { CounterName, HostView, ProcessView, ValueName } from '../hosts/host-view.ts';
import type { Confidence, Evidence } from '../verdict.ts';

/** One host's word on a cause. */
interface Word {
  readonly code: string;
  readonly confidence: Confidence;
  readonly evidence: readonly Evidence[];
}

/** A process stuck for so much of the time in which an answer was waited for was what it waited for. */
const STUCK_SHARE = 0.5;
/** One stuck for less than this had the time to answer. */
const FREE_SHARE = 0.1;
/** What rose within longer than three reports need not have risen with the call. */
const COMPARED_MS = 30_000;
/** Of its limit: what is measured is not of the very moment. */
const FULL_SHARE = 0.99;

/** The first that has something to say decides. */
const CONFIRM: readonly ((of: Case) => Word | null)[] = [
  noDescriptors,
  fullTracking,
  fullListener,
  ownRules,
  lostSynAck,
  stuckProcess,
  silentProcess,
];

export function askHosts(finding: Finding, of: Case): Finding {
  const isOpen = finding.confidence === 'possible' || finding.confidence === 'unknown';
  if (!isOpen || of.hosts.length === 0) return finding;
  const suspected = new Set(finding.suspects.map(({ code }) => code));
  // Out of descriptors is seen as a full queue, and suspected with it.
  if (suspected.has('C1') || suspected.has('C3')) suspected.add('C6');
  const words = CONFIRM.map((confirm) => confirm(of)).filter(
    (word) => word !== null && suspected.has(word.code),
  ) as Word[];
  const [first] = words;
  const ruledOut = ruleOut(of);
  const rest = finding.suspects
    .filter(({ code }) => code !== first?.code)
    .map((suspect): Suspect => ({ ...suspect, ...ruledOut.get(suspect.code) }));
  if (first === undefined) return { ...finding, suspects: rest };
  const { code, confidence } = first;
  const evidence = [...words.flatMap((word) => word.evidence), ...finding.evidence];
  return {
    confidence,
    suspects: [{ code }, ...rest],
    ...(confidence === 'possible' && { favoured: code }),
    evidence,
  };
}

const called = ({ hosts }: Case) => hosts.filter(({ side }) => side === 'callee');
const calling = ({ hosts }: Case) => hosts.filter(({ side }) => side === 'caller');

/** Of several hosts that may have been called, what one says is a hint. */
const sure = ({ isCertain }: HostView, confidence: Confidence = 'likely'): Confidence =>
  isCertain ? confidence : 'possible';

function rise({ counters }: HostView, name: CounterName): number {
  const counter = counters[name];
  // One that went back is of a host that was started anew.
  return counter === undefined ? 0 : Math.max(0, counter.after - counter.before);
}

/** Where a counter of the host rose. */
const risen = (view: HostView, confidence: Confidence = 'likely'): Confidence =>
  Date.parse(view.to) - Date.parse(view.from) > COMPARED_MS ? 'possible' : sure(view, confidence);

function riseFact(view: HostView, name: CounterName, what: string): Evidence {
  const { before = 0, after = 0 } = view.counters[name] ?? {};
  const span = `from ${before} to ${after} between ${clock(view.from)} and ${clock(view.to)}`;
  return hostFact(`${what} of ${view.host} rose ${span}`, `sockeye.host.${name}`, after - before);
}

function valueFact(process: ProcessView, name: ValueName, text: string): Evidence {
  const who = `${process.service} (process ${process.pid}), reporting at ${clock(process.at)}`;
  return hostFact(`${who}: ${text}`, `sockeye.process.${name}`, process.values[name] ?? 0);
}

/** Of an RFC 3339 time: a verdict is about one moment of one day. */
const clock = (time: string) => time.slice('2026-01-01T'.length, -1);

/** The first view, of these hosts, that something is found in. */
function firstOf(views: readonly HostView[], find: (view: HostView) => Word | null): Word | null {
  for (const view of views) {
    const word = find(view);
    if (word !== null) return word;
  }
  return null;
}

function noDescriptors(of: Case): Word | null {
  return firstOf(called(of), (view) => {
    const { process } = view;
    const { 'descriptors.open': open, 'descriptors.max': max } = process?.values ?? {};
    if (process === null || open === undefined || max === undefined || open < FULL_SHARE * max) return null;
    const evidence = [valueFact(process, 'descriptors.open', `${open} descriptors open, of ${max}`)];
    return { code: 'C6', confidence: sure(view), evidence };
  });
}

function fullTracking(of: Case): Word | null {
  return firstOf([...calling(of), ...called(of)], (view) => {
    const { 'conntrack.count': count, 'conntrack.max': max } = view.counters;
    if (count === undefined || max === undefined || max.after === 0) return null;
    if (Math.max(count.before, count.after) < FULL_SHARE * max.after) return null;
    const text = `${view.host} tracks ${Math.max(count.before, count.after)} connections, of ${max.after}`;
    const evidence = [hostFact(text, 'sockeye.host.conntrack.count', Math.max(count.before, count.after))];
    return { code: 'B6', confidence: sure(view), evidence };
  });
}

/** A queue that overflowed in that time; proven where it was this listener's, seen full. */
function fullListener(of: Case): Word | null {
  const code = of.phase === 'connect' ? 'C1' : 'C2';
  return firstOf(called(of), (view) => {
    const overflowed = (['tcp.listen_overflows', 'tcp.request_queue_drops'] as const).filter(
      (name) => rise(view, name) > 0,
    );
    const { process } = view;
    const { 'listen.port': port, 'listen.queue': queue = 0, 'listen.queue_max': max } = process?.values ?? {};
    const isFull = max !== undefined && queue >= max && String(port) === portOf(of);
    if (overflowed.length === 0) return null;
    const names = { 'tcp.listen_overflows': 'ListenOverflows', 'tcp.request_queue_drops': 'TCPReqQFullDrop' };
    const evidence = [
      ...overflowed.map((name) => riseFact(view, name, names[name])),
      ...(process !== null && isFull
        ? [valueFact(process, 'listen.queue', `${queue} connections wait at port ${port}, ${max} may`)]
        : []),
      ...(process === null ? [] : stuckFacts(process, of)),
    ];
    return { code, confidence: risen(view, isFull ? 'proven' : 'likely'), evidence };
  });
}

const portOf = ({ peer }: Case) => peer.slice(peer.lastIndexOf(':') + 1);

/** Nothing leaves that the kernel tries to send again. */
function ownRules(of: Case): Word | null {
  const retransmits = of.call === null ? null : retransmitsOf(of.call.span.attributes);
  if (of.phase !== 'connect' || retransmits === null || retransmits === 0) return null;
  return firstOf(calling(of), (view) => {
    if (rise(view, 'tcp.retransmit_failures') < retransmits) return null;
    const evidence = [riseFact(view, 'tcp.retransmit_failures', 'TCPRetransFail')];
    return { code: 'B2', confidence: risen(view), evidence };
  });
}

/** The SYN arrived and was answered, again and again. A full queue looks the same: it was asked about before. */
function lostSynAck(of: Case): Word | null {
  if (of.phase !== 'connect') return null;
  return firstOf(called(of), (view) => {
    const count = view.process?.values['connections.half_open_retransmitted'] ?? 0;
    if (view.process === null || count === 0) return null;
    const text = `${count} handshakes whose SYN-ACK was sent again`;
    const evidence = [valueFact(view.process, 'connections.half_open_retransmitted', text)];
    return { code: 'B3', confidence: sure(view), evidence };
  });
}

function stuckProcess(of: Case): Word | null {
  return firstOf(called(of), (view) => {
    const evidence = view.process === null ? [] : stuckFacts(view.process, of);
    return evidence.length === 0 ? null : { code: 'C3', confidence: sure(view), evidence };
  });
}

const waitedMs = ({ phaseMs, giveUp }: Case) => phaseMs ?? giveUp.elapsedMs;

function stuckFacts(process: ProcessView, of: Case): Evidence[] {
  const found: Evidence[] = [];
  for (const [name, what] of [
    ['event_loop.blocked_ms', 'its event loop was blocked for'],
    ['cpu.throttled_ms', 'it was out of its CPU quota for'],
  ] as const) {
    const ms = process.values[name] ?? 0;
    if (ms > 0 && ms >= STUCK_SHARE * waitedMs(of))
      found.push(valueFact(process, name, `${what} ${formatMs(ms)}`));
  }
  return found;
}

/** It reported before and says nothing any more; where its kernel acknowledged the request, its host is there. */
function silentProcess(of: Case): Word | null {
  if (of.call === null || of.phase === 'connect') return null;
  const isAcknowledged = tcpValue(of.call.span.attributes, 'unacked') === 0;
  return firstOf(called(of), (view) => {
    const { process } = view;
    if (process === null || !process.isSilent) return null;
    const text = `${process.service} (process ${process.pid}), which reports every 10 s, has reported nothing since ${clock(process.at)}`;
    const evidence = [hostFact(text, 'sockeye.process.at', Date.parse(process.at))];
    return { code: 'C3', confidence: sure(view, isAcknowledged ? 'likely' : 'possible'), evidence };
  });
}

type RuledOut = Pick<Suspect, 'against' | 'isRuledOut'>;

/** What a host that reported before and after the call would have seen. */
function ruleOut(of: Case): Map<string, RuledOut> {
  const against = new Map<string, RuledOut>();
  const views = called(of);
  const isSeen = views.length > 0 && views.every(({ coversCall, isCertain }) => coversCall && isCertain);
  if (isSeen && views.every((view) => hasCounter(view, 'tcp.listen_overflows') && !overflowed(view))) {
    const text = `ListenOverflows of ${views[0]!.host} did not rise`;
    for (const code of ['C1', 'C2']) against.set(code, { against: text, isRuledOut: true });
  }
  const process = views[0]?.process ?? null;
  const blockedMs = process?.values['event_loop.blocked_ms'];
  if (isSeen && process !== null && blockedMs !== undefined && blockedMs < FREE_SHARE * waitedMs(of)) {
    const isThrottled = stuckFacts(process, of).length > 0;
    if (!isThrottled)
      against.set('C3', { against: `the event loop of ${process.service} was free`, isRuledOut: true });
  }
  const [own] = calling(of);
  if (
    own?.coversCall === true &&
    hasCounter(own, 'tcp.retransmit_failures') &&
    rise(own, 'tcp.retransmit_failures') === 0
  )
    against.set('B2', { against: `TCPRetransFail of ${own.host} did not rise`, isRuledOut: true });
  return against;
}

const hasCounter = ({ counters }: HostView, name: CounterName) => counters[name] !== undefined;
const overflowed = (view: HostView) =>
  rise(view, 'tcp.listen_overflows') > 0 || rise(view, 'tcp.request_queue_drops') > 0;
