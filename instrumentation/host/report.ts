/**
 * Reports the counters of the host and of the process: when the first spans were taken, and every ten seconds from then on, one
 * report at a time. A receiver that does not take metrics is not asked again, and nothing is said of it; a report that could not
 * be made or sent does not keep the next from being tried.
 */
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { rootContext, runIn, suppressed } from '../context.ts';
import type { Scope } from '../export/export-request.ts';
import { SendError, type Sender } from '../export/sender.ts';
import { guard, reportFault } from '../guard.ts';
import { networkAddresses, networkNamespace, readHostCounters, readListenDrops } from './counters.ts';
import { encodeHostCounters } from './metrics-request.ts';
import { watchProcess } from './process-counters.ts';

const lookEveryMs = 1000;

type Environment = Record<string, string | undefined>;

export interface ReportOptions {
  sender: Sender;
  /** Where metrics go; undefined when that is not known. */
  url: string | undefined;
  timeoutMs: number;
  resource: () => Readonly<Record<string, unknown>>;
  scope: Scope;
  intervalMs?: number;
}

/** Whether SOCKEYE_HOST_METRICS or OTEL_METRICS_EXPORTER say no. */
export function isReportWanted(environment: Environment): boolean {
  const own = environment['SOCKEYE_HOST_METRICS']?.trim().toLowerCase();
  if (own === 'false' || own === '0') return false;
  return environment['OTEL_METRICS_EXPORTER']?.trim() !== 'none';
}

/** Which network was counted, and which thread of the process: a program may name all of them alike. */
function whereabouts(): Record<string, unknown> {
  const namespace = networkNamespace();
  const addresses = networkAddresses();
  const { isMainThread, threadId } = process.getBuiltinModule('node:worker_threads');
  return {
    ...(namespace && { 'sockeye.host.network_namespace': namespace }),
    ...(addresses.length > 0 && { 'host.ip': addresses }),
    ...(!isMainThread && { 'thread.id': threadId }),
  };
}

/**
 * The function is to be called whenever spans were taken: reporting begins with the first of them, and when connections were
 * lost at a listener since, a report does not wait for its time. A process that does nothing is not woken more often.
 */
export function createHostReports({
  sender,
  url,
  timeoutMs,
  resource,
  scope,
  intervalMs = 10_000,
}: ReportOptions): () => void {
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = url === undefined;
  let lookedMs = -Infinity;
  let listenDrops: number | undefined;
  let hasCounters = false;
  let isUnderWay = false;
  const end = () => {
    hasEnded = true;
    clearInterval(timer);
  };
  const readProcess = watchProcess();
  const report = async () => {
    const counters = readHostCounters();
    hasCounters ||= counters.length > 0;
    if (!hasCounters) {
      end();
      return;
    }
    // A host that had some has them still: without a free descriptor they cannot be read, and only the process is told of.
    const about = { ...resource(), ...whereabouts() };
    const all = [...counters, ...(await readProcess())];
    const request = encodeHostCounters(all, about, scope, performance.now());
    await sender.send(request, { timeoutMs, ...(url === undefined ? {} : { url }) });
  };
  const reportNow = async () => {
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      await report();
    } catch (error) {
      if (!(error instanceof SendError)) reportFault('the host could not be reported', error);
      else if (!error.isRetryable) end();
    } finally {
      isUnderWay = false;
    }
  };
  const look = guard(() => {
    // What is lost while a report is under way is found by the look after it.
    if (isUnderWay) return;
    const before = listenDrops;
    listenDrops = readListenDrops();
    if (before !== undefined && before !== listenDrops) void reportNow();
  });
  return () => {
    const nowMs = performance.now();
    if (hasEnded || nowMs - lookedMs < lookEveryMs) return;
    lookedMs = nowMs;
    runIn(suppressed(rootContext), () => {
      look();
      if (timer) return;
      timer = setInterval(reportNow, intervalMs).unref();
      void reportNow();
    });
  };
}
