/**
 * What the host of a caller or of a callee reported around a call: the last report before the call began and the first after
 * the give-up, so that a counter which rose in between rose around that call. Pure, and small enough to be kept with a verdict.
 */
import type { HostQuestion } from './host-question.ts';

/** What a host has reported lately. */
export interface ReportingHost {
  readonly host: string;
  /** Of the network; '' when it is not known. */
  readonly namespace: string;
  /** IP addresses, but those of the loopback interface. */
  readonly addresses: readonly string[];
  /** The oldest first. */
  readonly reports: readonly { readonly atMs: number; readonly counters: ReadonlyMap<string, number> }[];
  /** In the order in which they last reported, with what each said of itself then. */
  readonly processes: readonly {
    readonly service: string;
    readonly pid: string;
    readonly atMs: number;
    readonly values: ReadonlyMap<string, number>;
  }[];
}

export interface HostView {
  /** The call that it was looked at for. */
  readonly spanId: string;
  readonly side: 'caller' | 'callee';
  readonly host: string;
  readonly networkNamespace: string;
  /** False where several hosts may be the one that was called. */
  readonly isCertain: boolean;
  /** Of the two reports, or of the one there is; RFC 3339. */
  readonly from: string;
  readonly to: string;
  /** Whether the call lies between them. */
  readonly coversCall: boolean;
  readonly counters: Readonly<Record<string, { readonly before: number; readonly after: number }>>;
  /** The process that called or was called; null when none of it is known. */
  readonly process: ProcessView | null;
}

export interface ProcessView {
  readonly service: string;
  readonly pid: string;
  /** When it last reported; RFC 3339. */
  readonly at: string;
  /** It reported before the call, and has not for a time in which it would have reported twice. */
  readonly isSilent: boolean;
  /** What it said of the time of the call, where it did. */
  readonly values: Readonly<Record<string, number>>;
}

/** What the rules ask about. */
const COUNTERS = [
  'tcp.listen_overflows',
  'tcp.request_queue_drops',
  'tcp.retransmit_failures',
  'conntrack.count',
  'conntrack.max',
] as const;
const VALUES = [
  'listen.port',
  'listen.queue',
  'listen.queue_max',
  'connections.unread',
  'connections.half_open_retransmitted',
  'event_loop.blocked_ms',
  'cpu.throttled_ms',
  'descriptors.open',
  'descriptors.max',
] as const;
export type CounterName = (typeof COUNTERS)[number];
export type ValueName = (typeof VALUES)[number];

/** A process reports every 10 s, one that is busy a little later: what it says is of so long before at most. */
const REPORT_MS = 12_000;
/** Twice as long, and some time to get here. */
const SILENT_MS = 25_000;
/** Of one service; more of them could be meant by anything. */
export const CALLEES_MAX = 4;

/** Both ends of the call that is asked about, as far as their hosts report. */
export function viewHosts(
  question: HostQuestion,
  hosts: readonly ReportingHost[],
  nowMs: number,
): HostView[] {
  const { caller, callee } = question;
  const calling = hosts.filter(
    ({ host, processes }) =>
      host === caller.host &&
      processes.some(({ service, pid }) => service === caller.service && pid === caller.pid),
  );
  const called = calleesOf(question, hosts, calling);
  const views = [
    ...calling.slice(0, 1).map((host) => ({
      side: 'caller' as const,
      host,
      isCertain: calling.length === 1,
      process: callerIn(host, caller),
    })),
    ...called.map((host) => ({
      side: 'callee' as const,
      host,
      isCertain: called.length === 1,
      process: calleeIn(host, callee),
    })),
  ];
  return views.flatMap(({ side, host, isCertain, process }) => {
    const compared = compareReports(host, question);
    if (compared === null) return [];
    return [
      {
        spanId: question.spanId,
        side,
        host: host.host,
        networkNamespace: host.namespace,
        isCertain,
        ...compared,
        process: process === undefined ? null : viewProcess(process, question, nowMs),
      },
    ];
  });
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/i;

/** The surest way to know them counts: the caller's own network, an address, a name. */
function calleesOf(
  { callee }: HostQuestion,
  hosts: readonly ReportingHost[],
  calling: readonly ReportingHost[],
): readonly ReportingHost[] {
  if (callee.addresses.some((address) => LOOPBACK.test(address))) return calling.slice(0, 1);
  const ways: ((host: ReportingHost) => boolean)[] = [
    ({ addresses }) => callee.addresses.some((address) => addresses.includes(address)),
    ({ processes }) => processes.some(({ service }) => service === callee.service),
    ({ host }) => callee.addresses.includes(host),
  ];
  for (const isMeant of ways) {
    const found = hosts.filter(isMeant);
    if (found.length > 0) return found.length <= CALLEES_MAX ? found : [];
  }
  return [];
}

type ReportingProcess = ReportingHost['processes'][number];

function callerIn(
  { processes }: ReportingHost,
  caller: HostQuestion['caller'],
): ReportingProcess | undefined {
  return processes.findLast(({ service, pid }) => service === caller.service && pid === caller.pid);
}

/** Whoever listens on the port, as the fullest listener of its own; else whoever has the name of the service. */
function calleeIn(
  { processes }: ReportingHost,
  callee: HostQuestion['callee'],
): ReportingProcess | undefined {
  const listens = processes.findLast(({ values }) => String(values.get('listen.port')) === callee.port);
  return listens ?? processes.findLast(({ service }) => service === callee.service);
}

function compareReports({ reports }: ReportingHost, { fromUnixMs, toUnixMs }: HostQuestion) {
  const before = reports.findLast(({ atMs }) => atMs <= fromUnixMs) ?? reports[0];
  const after = reports.find(({ atMs }) => atMs >= toUnixMs) ?? reports.at(-1);
  if (before === undefined || after === undefined) return null;
  const counters: Record<string, { before: number; after: number }> = {};
  for (const name of COUNTERS) {
    const values = { before: before.counters.get(name), after: after.counters.get(name) };
    // One that went back is of a host that was started anew.
    if (values.before === undefined || values.after === undefined) continue;
    counters[name] = { before: values.before, after: values.after };
  }
  return {
    from: timeOf(before.atMs),
    to: timeOf(after.atMs),
    coversCall: before.atMs <= fromUnixMs && after.atMs >= toUnixMs,
    counters,
  };
}

function viewProcess(
  { service, pid, atMs, values }: ReportingProcess,
  { fromUnixMs, toUnixMs }: HostQuestion,
  nowMs: number,
): ProcessView {
  const isOfTheCall = atMs >= fromUnixMs && atMs - REPORT_MS <= toUnixMs;
  const told = VALUES.flatMap((name) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    service,
    pid,
    at: timeOf(atMs),
    isSilent: atMs < fromUnixMs && nowMs - atMs > SILENT_MS,
    values: isOfTheCall ? Object.fromEntries(told) : {},
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
