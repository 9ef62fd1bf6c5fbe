/** The phases of the traces that a list shows, asked for a page at a time; a row has its bar when they come. */
import type { PhasesOfTraces, TracePhases, TraceSummary } from '../../collector/serve/wire.ts';
import { apiUrl, getJson } from '../api/get.ts';

/** As many as one answer holds. */
const TRACES_MAX = 50;

/** What is known so far, by trace id; a trace that has grown is asked for again. */
export function rowPhases(
  traces: () => readonly TraceSummary[],
): (traceId: string) => TracePhases | undefined {
  let known = $state.raw<ReadonlyMap<string, TracePhases>>(new Map());
  const asked = new Map<string, number>();

  $effect(() => {
    const missing = traces().filter(({ traceId, spans }) => asked.get(traceId) !== spans);
    for (let start = 0; start < missing.length; start += TRACES_MAX) {
      const page = missing.slice(start, start + TRACES_MAX);
      for (const { traceId, spans } of page) asked.set(traceId, spans);
      getJson<PhasesOfTraces>(
        apiUrl('/api/phases', { traces: page.map(({ traceId }) => traceId).join() }),
      ).then(
        (answer) =>
          (known = new Map([...known, ...answer.traces.map((trace) => [trace.traceId, trace] as const)])),
        // The rows say all but this; with the next list they are asked for again.
        () => page.forEach(({ traceId }) => asked.delete(traceId)),
      );
    }
  });
  return (traceId) => known.get(traceId);
}
