/** What the processes at an end of a call said of its time, by those of their reports that lie around it. Pure. */
import type { HostQuestion } from './host-question.ts';

interface ProcessReport {
  readonly atMs: number;
  readonly values: ReadonlyMap<string, number>;
}

/** A process, or a thread of it, with what it said of itself last and before. */
export interface ReportingProcess extends ProcessReport {
  readonly service: string;
  readonly pid: string;
  /** '' of a main thread. */
  readonly thread: string;
  /** The oldest first. */
  readonly earlier: readonly ProcessReport[];
  /** How far its clock is ahead of the collector's, at least; null when it did not say. */
  readonly clockAheadMs: number | null;
}

export interface ProcessView {
  readonly service: string;
  readonly pid: string;
  /** '' of a main thread. */
  readonly thread: string;
  /** What it was busy with is of the time between them; RFC 3339. Of its first report, nobody knows since when. */
  readonly from: string | null;
  readonly at: string;
  /** Whether its reports follow each other over the whole call, with room for clocks. */
  readonly coversCall: boolean;
  /** It reported before the call, and has not for a time in which it would have reported twice. */
  readonly isSilent: boolean;
  readonly values: Readonly<Record<string, number>>;
  /** The longest time in which its event loop was blocked, RFC 3339; not there where it did not tell of one. */
  readonly longestBlock?: {
    readonly since: string;
    readonly until: string;
    /** By how much it may have been earlier or later by the caller's clock; null when one of the clocks is not known. */
    readonly clocksApartMs: number | null;
  };
}

/** Of the time since the report before. */
const TIMES = ['event_loop.blocked_ms', 'cpu.throttled_ms', 'memory.collected_ms'] as const;
/** Of the moment of the report. */
const MEASURES = [
  'listen.port',
  'listen.queue',
  'listen.queue_max',
  'connections.unread',
  'connections.half_open_retransmitted',
  'descriptors.open',
  'descriptors.max',
] as const;
export type ValueName = (typeof TIMES)[number] | (typeof MEASURES)[number];

/** Clocks that differ by no more are taken for the same, and what is to cover a call goes as far beyond it. */
export const CLOCK_ROOM_MS = 2_000;
/** A process reports every 10 s, one that is busy a little later: between two that are farther apart, one was lost. */
const REPORT_MS = 12_000;
/** Twice as long, and some time to get here. */
const SILENT_MS = 25_000;
/** More of them could be meant by anything. */
const CALLED_PROCESSES_MAX = 8;

/**
 * All that may have been called: whoever listens on the port, and whoever has the name of the service, because a process tells
 * of one of its ports only. A thread that does not listen is called by none.
 */
export function calledProcesses(
  processes: readonly ReportingProcess[],
  { service, port }: HostQuestion['callee'],
): readonly ReportingProcess[] {
  const called = processes.filter((process) => {
    const ports = reportsOf(process).flatMap(({ values }) => values.get('listen.port') ?? []);
    if (process.thread !== '' && ports.length === 0) return false;
    return process.service === service || ports.some((each) => String(each) === port);
  });
  return called.length <= CALLED_PROCESSES_MAX ? called : [];
}

export function viewProcess(
  process: ReportingProcess,
  { fromUnixMs, toUnixMs }: HostQuestion,
  nowMs: number,
  callerAheadMs: number | null,
): ProcessView {
  const { service, pid, thread, atMs } = process;
  const reports = reportsOf(process);
  const start = reports.findLastIndex((report) => report.atMs <= fromUnixMs - CLOCK_ROOM_MS);
  const end = reports.findIndex((report) => report.atMs >= toUnixMs + CLOCK_ROOM_MS);
  const before = reports[start];
  const around = reports
    .slice(start + 1, end === -1 ? undefined : end + 1)
    .filter((report) => before !== undefined || report.atMs - REPORT_MS <= toUnixMs);
  const near = around.filter((report) => report.atMs >= fromUnixMs && report.atMs - REPORT_MS <= toUnixMs);
  return {
    service,
    pid,
    thread,
    from: before === undefined ? null : timeOf(before.atMs),
    at: timeOf(around.at(-1)?.atMs ?? atMs),
    coversCall: before !== undefined && end !== -1 && noneIsLost([before, ...around]),
    isSilent: atMs < fromUnixMs && nowMs - atMs > SILENT_MS,
    values: { ...measured(near), ...summed(around) },
    ...longestBlockOf(around, apartMs(callerAheadMs, process.clockAheadMs)),
  };
}

const reportsOf = ({ earlier, atMs, values }: ReportingProcess): readonly ProcessReport[] => [
  ...earlier,
  { atMs, values },
];

/** One that was blocked reports as much later. */
function noneIsLost(reports: readonly ProcessReport[]): boolean {
  return reports.every(({ atMs, values }, index) => {
    const before = reports[index - 1];
    const blockedMs = values.get('event_loop.blocked_ms') ?? 0;
    return before === undefined || atMs - before.atMs - blockedMs <= REPORT_MS;
  });
}

/** Of the report in which most waited to be accepted; of those alike, the last. */
function measured(reports: readonly ProcessReport[]): Record<string, number> {
  let fullest: ProcessReport | undefined;
  for (const report of reports) {
    if (fullest === undefined || queueOf(report) >= queueOf(fullest)) fullest = report;
  }
  return Object.fromEntries(
    MEASURES.flatMap((name) => {
      const value = name === 'descriptors.open' ? mostOpen(reports) : fullest?.values.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Of all reports: each tells the most of its time. */
function mostOpen(reports: readonly ProcessReport[]): number | undefined {
  const open = reports.flatMap(({ values }) => values.get('descriptors.open') ?? []);
  return open.length === 0 ? undefined : Math.max(...open);
}

/** A report says for how long it was, and how long before the report it ended. */
function longestBlockOf(
  reports: readonly ProcessReport[],
  clocksApartMs: number | null,
): Pick<ProcessView, 'longestBlock'> {
  let longestMs = 0;
  let untilMs = 0;
  for (const { atMs, values } of reports) {
    const blockedMs = values.get('event_loop.longest_blocked_ms') ?? 0;
    if (blockedMs <= longestMs) continue;
    longestMs = blockedMs;
    untilMs = atMs - (values.get('event_loop.longest_ended_ms') ?? 0);
  }
  if (longestMs === 0) return {};
  return { longestBlock: { since: timeOf(untilMs - longestMs), until: timeOf(untilMs), clocksApartMs } };
}

/** Each is known by the collector's; the way of a report to it counts as well. */
function apartMs(oneAheadMs: number | null, otherAheadMs: number | null): number | null {
  return oneAheadMs === null || otherAheadMs === null ? null : Math.abs(oneAheadMs) + Math.abs(otherAheadMs);
}

const queueOf = ({ values }: ProcessReport) => values.get('listen.queue') ?? -1;

/** Those that all of the reports tell. */
function summed(reports: readonly ProcessReport[]): Record<string, number> {
  const told = TIMES.filter((name) => reports.length > 0 && reports.every(({ values }) => values.has(name)));
  return Object.fromEntries(
    told.map((name) => [name, reports.reduce((sum, { values }) => sum + values.get(name)!, 0)]),
  );
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
