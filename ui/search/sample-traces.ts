/** The traces that a heatmap is drawn from: all that match while they are few, else some of every part of the range. */
import type { TracePage, TraceSummary } from '../../collector/serve/wire.ts';
import { apiUrl, getJson } from '../api/get.ts';

export interface TraceSample {
  readonly traces: readonly TraceSummary[];
  /** More match than were looked at. */
  readonly isPartial: boolean;
}

/** As many as one answer of the API holds. */
const TRACES_MAX = 1000;
const SLICES = 10;

/** Rejects with an ApiError, or when the signal says so. */
export async function sampleTraces(
  q: string,
  fromMs: number,
  toMs: number,
  signal: AbortSignal,
): Promise<TraceSample> {
  const read = (from: number, to: number, limit: number) =>
    getJson<TracePage>(apiUrl('/api/traces', { q, from, to, limit }), signal);
  const all = await read(fromMs, toMs, TRACES_MAX);
  if (!all.truncated) return { traces: all.traces, isPartial: false };
  const traces: TraceSummary[] = [];
  const lengthMs = (toMs - fromMs) / SLICES;
  for (let slice = 0; slice < SLICES; slice++) {
    const from = Math.round(fromMs + slice * lengthMs);
    const to = Math.round(fromMs + (slice + 1) * lengthMs);
    if (to > from) traces.push(...(await read(from, to, TRACES_MAX / SLICES)).traces);
  }
  return { traces, isPartial: true };
}
