/** How the collector is: `/api/status`, the probes, and the same numbers for Prometheus. */
import type { Intake } from '../../receive/intake.ts';
import type { NewestCounters } from '../../receive/host-counters.ts';
import { json, type BodyAnswer, type Route } from '../route.ts';
import { forwardedOf, forwardSamples } from '../forwarded.ts';
import { HttpError } from '../http-error.ts';
import { named, object, text, words } from '../schema.ts';
import type { Sources } from '../sources.ts';
import type { Status } from '../wire.ts';

export function statusRoutes(sources: Sources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/status',
      summary: 'Version, addresses, and what became of every span since the start',
      gives: { 'application/json': named('Status') },
      handle: async () => json(await readStatus(sources)),
    },
    {
      method: 'GET',
      path: '/healthz',
      summary: 'The process answers',
      gives: { 'application/json': object<{ status: 'ok' }>({ status: words('ok') }) },
      handle: () => json({ status: 'ok' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'The store answers',
      gives: { 'application/json': object<{ status: 'ready' }>({ status: words('ready') }) },
      errors: [503],
      handle: () => readiness(sources),
    },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'The collector’s own numbers, for Prometheus',
      gives: { 'text/plain': text },
      handle: async () => ({
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: writeMetrics(await readStatus(sources), sources.intake, sources.diagnosisEvicted(), {
          residentBytes: process.memoryUsage.rss(),
          cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
        }),
      }),
    },
  ];
}

export async function readStatus(sources: Sources): Promise<Status> {
  const [store, forwarding] = await Promise.all([sources.store.status(), sources.forwarding()]);
  return {
    version: sources.version,
    addresses: sources.addresses(),
    appCommand: sources.appCommand(),
    startedAt: new Date(sources.startedUnixMs).toISOString(),
    spans: sources.intake.counters(),
    queue: sources.intake.queue(),
    diagnosis: { backlog: sources.diagnosisBacklog() },
    store: {
      kind: store.kind,
      bytes: store.bytes,
      spans: store.spans,
      oldest: store.oldestUnixMs === null ? null : new Date(store.oldestUnixMs).toISOString(),
    },
    forward: forwarding.map(forwardedOf),
  };
}

async function readiness(sources: Sources): Promise<BodyAnswer> {
  try {
    await sources.store.status();
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    throw new HttpError(503, 'not_ready', 'The store does not answer.', { got, expected: 'an open store' });
  }
  return json({ status: 'ready' });
}

/** Prometheus' text format 0.0.4. */
export function writeMetrics(
  status: Status,
  intake: Pick<Intake, 'requests' | 'newestCounters'>,
  diagnosisEvicted: number,
  process: { readonly residentBytes: number; readonly cpuSeconds: number },
): string {
  const { refused, overloaded, metrics, logs, metricsDropped, logsDropped } = intake.requests();
  const { received, queued, ...settled } = status.spans;
  const byOutcome = Object.entries(settled).map(([outcome, count]) => `{outcome="${outcome}"} ${count}`);
  const startedSeconds = Date.parse(status.startedAt) / 1000;
  return [
    metric('sockeye_build_info', 'gauge', 'Always 1.', `{version="${status.version}"} 1`),
    metric('sockeye_spans_received_total', 'counter', 'Spans received.', received),
    metric('sockeye_spans_total', 'counter', 'Spans by what became of them.', ...byOutcome),
    metric(
      'sockeye_requests_refused_total',
      'counter',
      'Requests refused whole: not to be repeated, or to be repeated later.',
      `{reason="invalid"} ${refused}`,
      `{reason="overloaded"} ${overloaded}`,
    ),
    metric(
      'sockeye_other_requests_total',
      'counter',
      'Requests of other signals than traces.',
      `{signal="metrics"} ${metrics}`,
      `{signal="logs"} ${logs}`,
    ),
    metric(
      'sockeye_other_requests_dropped_total',
      'counter',
      'Of these, those of which nothing was kept or forwarded; of hosts, counters are kept.',
      `{signal="metrics"} ${metricsDropped}`,
      `{signal="logs"} ${logsDropped}`,
    ),
    metric(
      'sockeye_host_counter',
      'gauge',
      'The newest counters of each host that reports, and of each of its networks.',
      ...intake.newestCounters().flatMap(hostSamples),
    ),
    metric('sockeye_queue_spans', 'gauge', 'Spans received and not settled yet.', queued),
    metric('sockeye_queue_bytes', 'gauge', 'Bytes of requests in flight.', status.queue.bytes),
    metric('sockeye_queue_max_bytes', 'gauge', 'Bytes in flight that are refused beyond.', status.queue.max),
    metric(
      'sockeye_diagnosis_backlog',
      'gauge',
      'Traces that wait for a diagnosis.',
      status.diagnosis.backlog,
    ),
    metric(
      'sockeye_diagnosis_evicted_total',
      'counter',
      'Traces whose verdicts wait no more for what hosts report, because too many did.',
      diagnosisEvicted,
    ),
    ...forwardSamples(status.forward, label).map(([name, type, help, samples]) =>
      metric(name, type, help, ...samples),
    ),
    metric('sockeye_store_bytes', 'gauge', 'Bytes on disk.', status.store.bytes),
    metric('sockeye_store_spans', 'gauge', 'Spans stored.', status.store.spans),
    metric('process_start_time_seconds', 'gauge', 'When the process started, Unix time.', startedSeconds),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.residentBytes),
    metric('process_cpu_seconds_total', 'counter', 'User and system time.', process.cpuSeconds),
  ].join('');
}

function hostSamples({ host, namespace, counters }: NewestCounters): string[] {
  const labels = `host=${label(host)},network_namespace=${label(namespace)}`;
  return [...counters].map(([name, value]) => `{${labels},counter=${label(name)}} ${value}`);
}

function label(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** A sample is its value, or its labels and value. */
function metric(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  ...samples: (string | number)[]
): string {
  const lines = samples.map((sample) => (typeof sample === 'number' ? `${name} ${sample}` : name + sample));
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}
