/**
 * Reports the counters of the host: when the first spans were taken, and every ten seconds from then on. A receiver that does not take
 * metrics is not asked again, and nothing is said of it.
 */
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { rootContext, runIn, suppressed } from '../context.ts';
import type { Scope } from '../export/export-request.ts';
import { SendError, type Sender } from '../export/sender.ts';
import { guard } from '../guard.ts';
import { networkNamespace, readHostCounters } from './counters.ts';
import { encodeHostCounters } from './metrics-request.ts';

const intervalMs = 10_000;

type Environment = Record<string, string | undefined>;

export interface ReportOptions {
  sender: Sender;
  /** Where metrics go; undefined when that is not known. */
  url: string | undefined;
  timeoutMs: number;
  resource: () => Readonly<Record<string, unknown>>;
  scope: Scope;
}

/** Whether SOCKEYE_HOST_METRICS or OTEL_METRICS_EXPORTER say no. */
export function isReportWanted(environment: Environment): boolean {
  const own = environment['SOCKEYE_HOST_METRICS']?.trim().toLowerCase();
  if (own === 'false' || own === '0') return false;
  return environment['OTEL_METRICS_EXPORTER']?.trim() !== 'none';
}

/** The function begins to report when it is first called. */
export function createHostReports({ sender, url, timeoutMs, resource, scope }: ReportOptions): () => void {
  let hasBegun = false;
  let timer: NodeJS.Timeout | undefined;
  const report = guard(() => {
    const counters = readHostCounters();
    if (counters.length === 0) return clearInterval(timer);
    const namespace = networkNamespace();
    const about = { ...resource(), ...(namespace && { 'sockeye.host.network_namespace': namespace }) };
    const request = encodeHostCounters(counters, about, scope, performance.now());
    sender.send(request, { timeoutMs, ...(url === undefined ? {} : { url }) }).catch((error: unknown) => {
      if (!(error instanceof SendError && error.isRetryable)) clearInterval(timer);
    });
  });
  return () => {
    if (hasBegun || url === undefined) return;
    hasBegun = true;
    runIn(suppressed(rootContext), () => {
      timer = setInterval(report, intervalMs).unref();
      report();
    });
  };
}
