/** How far what is forwarded is, as `/api/status` and `/metrics` say it. */
import type { DestinationReport } from '../forward/report.ts';
import type { Forwarded, ForwardedCounts } from './wire.ts';

type Counters = NonNullable<DestinationReport['signals']['traces']>;

const NONE: ForwardedCounts = { sent: 0, refused: 0, dropped: 0, queued: 0 };

export function forwardedOf(report: DestinationReport): Forwarded {
  const { name, url, isFailing, lastError, signals } = report;
  const counters = Object.values(signals);
  return {
    name,
    url,
    ...countsOf(signals.traces, NONE),
    failing: isFailing,
    lastError: lastError?.message ?? null,
    lastErrorAt: lastError === null ? null : new Date(lastError.atUnixMs).toISOString(),
    queuedBytes: counters.reduce((sum, { queuedBytes }) => sum + queuedBytes, 0),
    metrics: countsOf(signals.metrics, null),
    logs: countsOf(signals.logs, null),
  };
}

function countsOf<N>(counters: Counters | undefined, none: N): ForwardedCounts | N {
  if (counters === undefined) return none;
  const { sent, refused, dropped, queued } = counters;
  return { sent, refused, dropped, queued };
}

/** Name, type, help and samples of each metric; none where nothing is forwarded. */
export function forwardSamples(
  forwarded: readonly Forwarded[],
  label: (text: string) => string,
): [name: string, type: 'counter' | 'gauge', help: string, samples: string[]][] {
  if (forwarded.length === 0) return [];
  const items = forwarded.flatMap((destination) => {
    const { name, metrics, logs } = destination;
    const signals = { traces: destination, ...(metrics && { metrics }), ...(logs && { logs }) };
    return Object.entries(signals).map(([signal, counts]: [string, ForwardedCounts]) => ({
      labels: `destination=${label(name)},signal="${signal}"`,
      counts,
    }));
  });
  const outcomes = ['sent', 'refused', 'dropped'] as const;
  return [
    [
      'sockeye_forward_items_total',
      'counter',
      'Spans, data points and log records forwarded, by what became of them.',
      items.flatMap(({ labels, counts }) =>
        outcomes.map((outcome) => `{${labels},outcome="${outcome}"} ${counts[outcome]}`),
      ),
    ],
    [
      'sockeye_forward_queue_items',
      'gauge',
      'Of these, those that wait on disk.',
      items.map(({ labels, counts }) => `{${labels}} ${counts.queued}`),
    ],
    [
      'sockeye_forward_queue_bytes',
      'gauge',
      'Bytes on disk that wait for a backend, compressed.',
      forwarded.map(({ name, queuedBytes }) => `{destination=${label(name)}} ${queuedBytes}`),
    ],
    [
      'sockeye_forward_failing',
      'gauge',
      'Whether something is not taken by a backend now.',
      forwarded.map(({ name, failing }) => `{destination=${label(name)}} ${Number(failing)}`),
    ],
  ];
}
