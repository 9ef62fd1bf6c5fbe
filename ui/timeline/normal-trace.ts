/** Which trace shows how an operation normally goes: a successful one of the same entry point, of middling duration. */
import type { TracePage, TraceSummary } from '../../collector/serve/wire.ts';
import { apiUrl, getJson } from '../api/get.ts';
import { quoteValue } from '../search/typing.ts';

export interface Root {
  readonly traceId: string;
  readonly service: string;
  readonly operation: string;
  readonly startUnixMs: number;
}
export interface NormalTrace {
  readonly traceId: string;
  readonly p50Ms: number;
  /** Successful traces that it was chosen from. */
  readonly count: number;
}

const BEFORE_MS = 7 * 86_400e3;
const AFTER_MS = 3_600e3;
const TRACES_MAX = 1000;

/** null when no other trace of this entry point went well. Rejects with an ApiError. */
export async function findNormal(root: Root, signal?: AbortSignal): Promise<NormalTrace | null> {
  const { service, operation, startUnixMs } = root;
  const url = apiUrl('/api/traces', {
    q: `service:${quoteValue(service)} operation:${quoteValue(operation)} timeout:false -status:error`,
    from: Math.round(startUnixMs - BEFORE_MS),
    to: Math.round(startUnixMs + AFTER_MS),
    limit: TRACES_MAX,
  });
  return chooseNormal(root, (await getJson<TracePage>(url, signal)).traces);
}

/** Nearest to the median duration; of several, nearest in time. Pure. */
export function chooseNormal(root: Root, traces: readonly TraceSummary[]): NormalTrace | null {
  const well = traces
    .filter(
      (trace) =>
        trace.traceId !== root.traceId &&
        trace.errors === 0 &&
        trace.timeouts === 0 &&
        trace.root.service === root.service &&
        trace.root.operation === root.operation,
    )
    .toSorted((a, b) => a.durationMs - b.durationMs);
  const p50Ms = well[Math.floor((well.length - 1) / 2)]?.durationMs;
  if (p50Ms === undefined) return null;
  const awayMs = (trace: TraceSummary) => Math.abs(Date.parse(trace.startedAt) - root.startUnixMs);
  const [normal] = well.toSorted(
    (a, b) => Math.abs(a.durationMs - p50Ms) - Math.abs(b.durationMs - p50Ms) || awayMs(a) - awayMs(b),
  );
  return normal ? { traceId: normal.traceId, p50Ms, count: well.length } : null;
}
