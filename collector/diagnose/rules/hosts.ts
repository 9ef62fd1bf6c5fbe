/**
 * What the hosts of both ends know of a call, where the call itself cannot tell its causes apart: whether a listen queue was
 * full, a process stuck, a table of connections full, packets held back by the own rules.
 *
 * A cause that a host confirms comes first; one that it rules out comes last, with what speaks against it. What is of the whole
 * host, of another time or of one of several processes says only what is possible.
 */
import type { Case, Finding, Suspect } from '../case.ts';
import { formatMs, hostFact, retransmitsOf } from '../evidence.ts';
import type { CounterName, HostView } from '../hosts/host-view.ts';
import type { ProcessView, ValueName } from '../hosts/process-view.ts';
import { peerAddress, type TraceNode } from '../tree.ts';
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

/** The first of those that are surest decides. */
const CONFIRM: readonly ((of: Case) => Word | null)[] = [
  noDescriptors,
  fullTracking,
  fullListener,
  ownRules,
  lostSynAck,
  stuckProcess,
  silentProcess,
];

const SUREST: readonly Confidence[] = ['proven', 'likely', 'possible'];

export function askHosts(finding: Finding, of: Case): Finding {
  const isOpen = finding.confidence === 'possible' || finding.confidence === 'unknown';
  if (!isOpen || of.hosts.length === 0) return finding;
  // What the call itself rules out, no host confirms.
  const suspected = new Set(finding.suspects.flatMap(({ code, isRuledOut }) => (isRuledOut ? [] : [code])));
  // Out of descriptors is seen as a full queue, and suspected with it.
  if (suspected.has('C1') || suspected.has('C3')) suspected.add('C6');
  const words = CONFIRM.map((confirm) => confirm(of)).filter(
    (word) => word !== null && suspected.has(word.code),
  ) as Word[];
  const first = SUREST.map((confidence) => words.find((word) => word.confidence === confidence)).find(
    Boolean,
  );
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

/** What one of several hosts that may have been called says is a hint, as is what it says by another clock. */
const sure = ({ isCertain, clocksAgree }: HostView, confidence: Confidence = 'likely'): Confidence =>
  isCertain && clocksAgree ? confidence : 'possible';

/** So is what one of several processes says, or one of another time. */
const sureOf = (view: HostView, { coversCall }: ProcessView): Confidence =>
  coversCall && view.processes.length === 1 ? sure(view) : 'possible';

function rise({ counters }: HostView, name: CounterName): number {
  const counter = counters[name];
  return counter === undefined ? 0 : counter.after - counter.before;
}

/** Of what the reports next to the call say. */
const next = (view: HostView, confidence: Confidence = 'likely'): Confidence =>
  view.coversCall && Date.parse(view.to) - Date.parse(view.from) <= COMPARED_MS
    ? sure(view, confidence)
    : 'possible';

function riseFact(view: HostView, name: CounterName, what: string): Evidence {
  const { before = 0, after = 0 } = view.counters[name] ?? {};
  const span = `from ${before} to ${after} between ${clock(view.from)} and ${clock(view.to)}`;
  return hostFact(`${what} of ${view.host} rose ${span}`, `sockeye.host.${name}`, after - before);
}

function valueFact(process: ProcessView, name: ValueName, text: string): Evidence {
  const who = `${nameOf(process)}, reporting at ${clock(process.at)}`;
  return hostFact(`${who}: ${text}`, `sockeye.process.${name}`, process.values[name] ?? 0);
}

const nameOf = ({ service, pid, thread }: ProcessView) =>
  `${service} (process ${pid}${thread === '' ? '' : `, thread ${thread}`})`;

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

/** The first process that may have been called that something is found of. */
function firstProcess(of: Case, find: (process: ProcessView, view: HostView) => Word | null): Word | null {
  return firstOf(called(of), (view) => {
    for (const process of view.processes) {
      const word = find(process, view);
      if (word !== null) return word;
    }
    return null;
  });
}

function noDescriptors(of: Case): Word | null {
  return firstProcess(of, (process, view) => {
    const { 'descriptors.open': open, 'descriptors.max': max = 0 } = process.values;
    if (open === undefined || max <= 0 || open < FULL_SHARE * max) return null;
    const evidence = [valueFact(process, 'descriptors.open', `${open} descriptors open, of ${max}`)];
    return { code: 'C6', confidence: sureOf(view, process), evidence };
  });
}

function fullTracking(of: Case): Word | null {
  return firstOf([...calling(of), ...called(of)], (view) => {
    const { 'conntrack.count': count, 'conntrack.max': max } = view.counters;
    if (count === undefined || max === undefined || max.after <= 0) return null;
    const most = Math.max(count.before, count.after);
    if (most < FULL_SHARE * max.after) return null;
    const wasFull = Math.min(count.before, count.after) >= FULL_SHARE * max.after;
    const text = `${view.host} tracks ${most} connections, of ${max.after}`;
    const evidence = [hostFact(text, 'sockeye.host.conntrack.count', most)];
    return { code: 'B6', confidence: wasFull ? next(view) : 'possible', evidence };
  });
}

/** A queue that overflowed in that time; proven where it was this listener's, seen full. */
function fullListener(of: Case): Word | null {
  const code = of.phase === 'connect' ? 'C1' : 'C2';
  return firstOf(called(of), (view) => {
    const overflowed = (['tcp.listen_overflows', 'tcp.request_queue_drops'] as const).filter(
      (name) => rise(view, name) > 0,
    );
    if (overflowed.length === 0) return null;
    const full = view.processes.find((process) => queueIn(process, of) === 'full');
    const stuck = view.processes.flatMap((process) => stuckFacts(process, of));
    // Then it may have been another listener's: the counter is of the host.
    const hadRoom = stuck.length === 0 && view.processes.some((process) => queueIn(process, of) === 'room');
    const names = { 'tcp.listen_overflows': 'ListenOverflows', 'tcp.request_queue_drops': 'TCPReqQFullDrop' };
    const evidence = [
      ...overflowed.map((name) => riseFact(view, name, names[name])),
      ...(full === undefined ? [] : [queueFact(full)]),
      ...stuck,
    ];
    if (full !== undefined) return { code, confidence: next(view, 'proven'), evidence };
    return { code, confidence: hadRoom ? 'possible' : next(view), evidence };
  });
}

/** How the queue of the listener that was called was seen; null where it was not. */
function queueIn({ values }: ProcessView, of: Case): 'full' | 'room' | null {
  const { 'listen.port': port, 'listen.queue': queue = 0, 'listen.queue_max': max = 0 } = values;
  if (max <= 0 || String(port) !== portOf(of)) return null;
  return queue >= max ? 'full' : 'room';
}

function queueFact(process: ProcessView): Evidence {
  const { 'listen.port': port, 'listen.queue': queue, 'listen.queue_max': max } = process.values;
  return valueFact(process, 'listen.queue', `${queue} connections wait at port ${port}, ${max} may`);
}

const portOf = ({ call }: Case) => call && peerAddress(call.span).port;

/** Nothing leaves that the kernel tries to send again. */
function ownRules(of: Case): Word | null {
  const retransmits = of.call === null ? null : retransmitsOf(of.call.span.attributes);
  if (of.phase !== 'connect' || retransmits === null || retransmits === 0) return null;
  return firstOf(calling(of), (view) => {
    if (rise(view, 'tcp.retransmit_failures') < retransmits) return null;
    const evidence = [riseFact(view, 'tcp.retransmit_failures', 'TCPRetransFail')];
    return { code: 'B2', confidence: next(view), evidence };
  });
}

/**
 * The SYN arrived and was answered, again and again; perhaps that of another caller. A full queue looks the same: it was asked
 * about before.
 */
function lostSynAck(of: Case): Word | null {
  if (of.phase !== 'connect') return null;
  return firstProcess(of, (process) => {
    const count = process.values['connections.half_open_retransmitted'] ?? 0;
    if (count === 0) return null;
    const text = `${count} handshakes whose SYN-ACK was sent again`;
    const evidence = [valueFact(process, 'connections.half_open_retransmitted', text)];
    return { code: 'B3', confidence: 'possible', evidence };
  });
}

function stuckProcess(of: Case): Word | null {
  return firstProcess(of, (process, view) => {
    const evidence = stuckFacts(process, of);
    if (evidence.length === 0) return null;
    const confidence = wasStuckMeanwhile(process, of) ? sureOf(view, process) : 'possible';
    return { code: 'C3', confidence, evidence };
  });
}

const waitedMs = ({ phaseMs, giveUp }: Case) => phaseMs ?? giveUp.elapsedMs;

const BUSY = [
  ['event_loop.blocked_ms', 'its event loop was blocked for'],
  ['cpu.throttled_ms', 'it was out of its CPU quota for'],
  ['memory.collected_ms', 'it collected garbage for'],
] as const;

/** Within the time that its reports tell of, which is longer than the call: what cannot have been while it waited is left out. */
function stuckFacts(process: ProcessView, of: Case): Evidence[] {
  return BUSY.flatMap(([name, what]) => {
    const ms = process.values[name] ?? 0;
    const meanwhileMs = name === 'event_loop.blocked_ms' ? blockedMeanwhileMs(process, ms, of) : ms;
    if (ms === 0 || meanwhileMs < STUCK_SHARE * waitedMs(of)) return [];
    const since = process.from === null ? '' : ` since ${clock(process.from)}`;
    const most = name === 'event_loop.blocked_ms' ? longestOf(process) : '';
    return [valueFact(process, name, `${what} ${formatMs(ms)}${since}${most}`)];
  });
}

function longestOf({ longestBlock }: ProcessView): string {
  if (longestBlock === undefined) return '';
  const { since, until } = longestBlock;
  return `, ${formatMs(Date.parse(until) - Date.parse(since))} at a stretch from ${clock(since)}`;
}

/**
 * Of the time for which its event loop was blocked, how much may lie in the time that was waited: of its longest stretch, as much as
 * clocks allow; of the others, nobody knows when they were, as much as if they lay evenly.
 */
function blockedMeanwhileMs(process: ProcessView, blockedMs: number, of: Case): number {
  const { from, at, longestBlock } = process;
  if (longestBlock === undefined || of.call === null) return blockedMs;
  const longestMs = Date.parse(longestBlock.until) - Date.parse(longestBlock.since);
  const overlapMs = Math.max(0, overlapOf(longestBlock, of, of.call) + clocksApartMs(longestBlock));
  const toldMs = from === null ? 0 : Date.parse(at) - Date.parse(from);
  const share = toldMs > 0 ? Math.min(1, waitedMs(of) / toldMs) : 1;
  return Math.min(overlapMs, longestMs) + Math.max(0, blockedMs - longestMs) * share;
}

type LongestBlock = NonNullable<ProcessView['longestBlock']>;

/** How long a stretch and the wait were at the same time by the clocks as they are; below 0, how far they lay apart. */
function overlapOf({ since, until }: LongestBlock, of: Case, call: TraceNode): number {
  const givenUpUnixMs = Number(call.span.startUnixNano / 1_000_000n) + of.giveUp.atMs - call.startMs;
  const sinceMs = Math.max(Date.parse(since), givenUpUnixMs - waitedMs(of));
  return Math.min(Date.parse(until), givenUpUnixMs) - sinceMs;
}

/** Of one that was kept before this was known of it, it is not. */
const clocksApartMs = ({ clocksApartMs: ms }: LongestBlock) => ms ?? Infinity;

/** By when it was blocked for longest, whatever clocks say; else, even if it was stuck in all the time that was not waited. */
function wasStuckMeanwhile({ from, at, values, longestBlock }: ProcessView, of: Case): boolean {
  const enoughMs = STUCK_SHARE * waitedMs(of);
  if (longestBlock !== undefined && of.call !== null) {
    if (overlapOf(longestBlock, of, of.call) - clocksApartMs(longestBlock) >= enoughMs) return true;
  }
  if (from === null) return false;
  const otherMs = Date.parse(at) - Date.parse(from) - waitedMs(of);
  return BUSY.some(([name]) => (values[name] ?? 0) - otherMs >= enoughMs);
}

/** It reported before and says nothing any more: it is stuck, has ended, or could not send a report. */
function silentProcess(of: Case): Word | null {
  // One whose span of the call has come has said something since.
  if (of.call === null || of.phase === 'connect' || of.server?.ended === true) return null;
  return firstProcess(of, (process) => {
    if (!process.isSilent) return null;
    const text = `${nameOf(process)}, which reports every 10 s, has reported nothing since ${clock(process.at)}`;
    const evidence = [hostFact(text, 'sockeye.process.at', process.at)];
    return { code: 'C3', confidence: 'possible', evidence };
  });
}

type RuledOut = Pick<Suspect, 'against' | 'isRuledOut'>;

/** What a host that reported well before and well after the call would have seen, where it is known to be meant. */
function ruleOut(of: Case): Map<string, RuledOut> {
  const against = new Map<string, RuledOut>();
  const rule = (code: string, text: string) => against.set(code, { against: text, isRuledOut: true });
  const isKnown = (view: HostView | undefined): view is HostView =>
    view !== undefined && sure(view) === 'likely' && view.hasRoom;
  const [callee] = called(of);
  const [caller] = calling(of);
  if (isKnown(callee)) {
    const { host, counters, unchanged, processes } = callee;
    const isQuiet = !('tcp.request_queue_drops' in counters) || unchanged.includes('tcp.request_queue_drops');
    if (isQuiet && unchanged.includes('tcp.listen_overflows'))
      for (const code of ['C1', 'C2']) rule(code, `ListenOverflows of ${host} did not rise`);
    const listener = processes.find(({ values }) => String(values['listen.port']) === portOf(of));
    if (listener !== undefined && processes.every((process) => wasFree(process, of)))
      rule('C3', `the event loop of ${listener.service} was free`);
  }
  if (isKnown(caller) && caller.unchanged.includes('tcp.retransmit_failures'))
    rule('B2', `TCPRetransFail of ${caller.host} did not rise`);
  return against;
}

/** All the while, by all of its reports. */
function wasFree({ coversCall, values }: ProcessView, of: Case): boolean {
  const { 'event_loop.blocked_ms': blockedMs, 'cpu.throttled_ms': throttledMs = 0 } = values;
  const freeMs = FREE_SHARE * waitedMs(of);
  return coversCall && blockedMs !== undefined && blockedMs < freeMs && throttledMs < freeMs;
}
