/**
 * What the host of a caller or of a callee reported around a call: the last report before the call began and the first after
 * the give-up, so that a counter which rose in between rose around that call. Pure, and small enough to be kept with a verdict.
 */
import type { HostQuestion, ProcessName } from './host-question.ts';
import {
  calledProcesses,
  CLOCK_ROOM_MS,
  timeOf,
  viewProcess,
  type ProcessView,
  type ReportingProcess,
} from './process-view.ts';

/** What a host has reported lately. */
export interface ReportingHost {
  readonly host: string;
  /** Of the network; '' when it is not known. */
  readonly namespace: string;
  /** IP addresses, but those of the loopback interface. */
  readonly addresses: readonly string[];
  /** The oldest first. */
  readonly reports: readonly { readonly atMs: number; readonly counters: ReadonlyMap<string, number> }[];
  /** In the order in which they last reported. */
  readonly processes: readonly ReportingProcess[];
}

export interface HostView {
  /** The call that it was looked at for. */
  readonly spanId: string;
  readonly side: 'caller' | 'callee';
  readonly host: string;
  readonly networkNamespace: string;
  /** False where it may be another host that was called: where several are meant, or it is known by the name of its service alone. */
  readonly isCertain: boolean;
  /** Of the two reports, or of the one there is; RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** Whether the call lies between them. */
  readonly coversCall: boolean;
  /** Whether others lie well before and well after it, so that the host has no more to say of it. */
  readonly hasRoom: boolean;
  /** The caller's clock, which tells when the call was, is known to be the collector's, which tells when reports were. */
  readonly clocksAgree: boolean;
  readonly counters: Readonly<Record<string, { readonly before: number; readonly after: number }>>;
  /** Totals that stayed the same from well before the call until well after it. */
  readonly unchanged: readonly string[];
  /** The process that called, or all that may have been called; empty when none of them is known. */
  readonly processes: readonly ProcessView[];
}

/** What the rules ask about. Totals rise until their host is started anew. */
const TOTALS = ['tcp.listen_overflows', 'tcp.request_queue_drops', 'tcp.retransmit_failures'] as const;
const MEASURES = ['conntrack.count', 'conntrack.max'] as const;
export type CounterName = (typeof TOTALS)[number] | (typeof MEASURES)[number];

/** Of one service; more of them could be meant by anything. */
export const CALLEES_MAX = 4;

/** Both ends of the call that is asked about, as far as their hosts report. */
export function viewHosts(
  question: HostQuestion,
  hosts: readonly ReportingHost[],
  nowMs: number,
): HostView[] {
  const { caller } = question;
  const calling = hosts.filter((host) => processesIn(host, caller).length > 0);
  const called = calleesOf(question, hosts, calling);
  const callerIn = (host: ReportingHost) => processesIn(host, caller).at(-1)!;
  const clocksAgree = calling.length > 0 && calling.every((host) => isSameClock(callerIn(host).clockAheadMs));
  const callerAheadMs = calling.length === 1 ? callerIn(calling[0]!).clockAheadMs : null;
  const ends = [
    ...calling.slice(0, 1).map((host) => ({
      side: 'caller' as const,
      host,
      isCertain: calling.length === 1,
      processes: [callerIn(host)],
    })),
    ...called.map((callee) => ({ side: 'callee' as const, ...callee })),
  ];
  return ends.flatMap(({ side, host, isCertain, processes }) => {
    const compared = compareReports(host, question);
    if (compared === null) return [];
    return [
      {
        spanId: question.spanId,
        side,
        host: host.host,
        networkNamespace: host.namespace,
        isCertain,
        clocksAgree,
        ...compared,
        processes: processes.map((process) => viewProcess(process, question, nowMs, callerAheadMs)),
      },
    ];
  });
}

const isSameClock = (aheadMs: number | null) => aheadMs !== null && Math.abs(aheadMs) <= CLOCK_ROOM_MS;

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i;

interface Callee {
  readonly host: ReportingHost;
  readonly isCertain: boolean;
  readonly processes: readonly ReportingProcess[];
}

/** The surest way to know them counts: who served the call, the caller's own network, an address, a name. */
function calleesOf(
  { callee }: HostQuestion,
  hosts: readonly ReportingHost[],
  calling: readonly ReportingHost[],
): readonly Callee[] {
  const { process } = callee;
  const serving = process === null ? [] : hosts.filter((host) => processesIn(host, process).length > 0);
  if (process !== null && serving.length > 0)
    return calleesAt(serving, true, (host) => calledProcesses(processesIn(host, process), callee));
  const isLocal = callee.addresses.some((address) => LOOPBACK.test(address));
  // Of a service there may be more than report; and a caller may have its own word for another. Who is found instead of a
  // process that served the call and has not reported may be any.
  const ways: [isMeant: (host: ReportingHost) => boolean, isSure: boolean][] = isLocal
    ? [[(host) => calling.includes(host), true]]
    : [
        [({ addresses }) => callee.addresses.some((address) => addresses.includes(address)), true],
        [({ processes }) => processes.some(({ service }) => service === callee.service), false],
        [({ host }) => callee.addresses.includes(host), true],
      ];
  for (const [isMeant, isSure] of ways) {
    const found = hosts.filter(isMeant);
    if (found.length > 0)
      return calleesAt(found, isSure && process === null, ({ processes }) =>
        calledProcesses(processes, callee),
      );
  }
  return [];
}

function calleesAt(
  hosts: readonly ReportingHost[],
  isSure: boolean,
  processesOf: (host: ReportingHost) => readonly ReportingProcess[],
): Callee[] {
  if (hosts.length > CALLEES_MAX) return [];
  const isCertain = isSure && hosts.length === 1;
  return hosts.map((host) => ({ host, isCertain, processes: processesOf(host) }));
}

/** Threads of one process are several; none on another host. */
function processesIn({ host, processes }: ReportingHost, named: ProcessName): ReportingProcess[] {
  if (host !== named.host) return [];
  return processes.filter(({ service, pid }) => service === named.service && pid === named.pid);
}

function compareReports({ reports }: ReportingHost, { fromUnixMs, toUnixMs }: HostQuestion) {
  const lastUntil = (ms: number) => reports.findLastIndex(({ atMs }) => atMs <= ms);
  const firstSince = (ms: number) => reports.findIndex(({ atMs }) => atMs >= ms);
  const start = lastUntil(fromUnixMs);
  const end = firstSince(toUnixMs);
  const compared = reports.slice(Math.max(0, start), end === -1 ? undefined : end + 1);
  const [before] = compared;
  const after = compared.at(-1);
  if (before === undefined || after === undefined) return null;
  const counters: Record<string, { before: number; after: number }> = {};
  for (const name of [...totalsOf(compared), ...MEASURES]) {
    const values = { before: before.counters.get(name), after: after.counters.get(name) };
    if (values.before === undefined || values.after === undefined) continue;
    counters[name] = { before: values.before, after: values.after };
  }
  const wideStart = lastUntil(fromUnixMs - CLOCK_ROOM_MS);
  const wideEnd = firstSince(toUnixMs + CLOCK_ROOM_MS);
  const hasRoom = wideStart !== -1 && wideEnd !== -1;
  const wide = hasRoom ? reports.slice(wideStart, wideEnd + 1) : [];
  return {
    from: timeOf(before.atMs),
    to: timeOf(after.atMs),
    coversCall: start !== -1 && end !== -1,
    hasRoom,
    counters,
    unchanged: totalsOf(wide).filter(
      (name) => wide[0]?.counters.get(name) === wide.at(-1)?.counters.get(name),
    ),
  };
}

/** Those that all of the reports have; none where one went back, because that host was started anew in between. */
function totalsOf(
  reports: readonly { readonly counters: ReadonlyMap<string, number> }[],
): readonly CounterName[] {
  const wentBack = TOTALS.some((name) =>
    reports.some(
      ({ counters }, index) => (counters.get(name) ?? 0) < (reports[index - 1]?.counters.get(name) ?? 0),
    ),
  );
  return wentBack || reports.length === 0
    ? []
    : TOTALS.filter((name) => reports.every(({ counters }) => counters.has(name)));
}
