/**
 * The hook's own recorder: writes spans as OTLP bytes when they end, and sends them in batches.
 *
 * It does with the same variables what OpenTelemetry's SDK does, at a fraction of the cost; what it cannot do, such as a
 * program's own span processors, `choose-recorder.ts` leaves to the SDK.
 */
import { performance } from 'node:perf_hooks';
import { contextManager } from '../context.ts';
import { createHealth, type Health } from '../export-health.ts';
import { encodeResource, type Scope } from '../export/export-request.ts';
import { createSender, deliver } from '../export/exporter.ts';
import type { ExportOptions } from '../export/options.ts';
import { SpanQueue } from '../export/span-queue.ts';
import { guard } from '../guard.ts';
import { createHostReports, isReportWanted } from '../host/report.ts';
import { createPropagation, type Propagators } from '../propagation.ts';
import type { Recorder, UnendedSpans } from '../recorder.ts';
import { slowCallMs } from '../settings.ts';
import { registerApi } from './api-registry.ts';
import { HookSpan, type HookSpans } from './hook-span.ts';
import { spanLimits } from './limits.ts';
import { OpenSpans } from './open-spans.ts';
import { tellOfOpenSpans } from './pending-spans.ts';
import { resourceAttributes } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { snapshotOf } from './snapshot.ts';
import type { SpanOwner, SpanRecord } from './span-record.ts';
import { createTracerProvider } from './tracer.ts';

/**
 * Four times what is usual elsewhere: a request costs 0.3 ms however many spans are in it. A batch seldom has as many, it
 * leaves after a second.
 */
const usualBatchMax = 2048;
const usualQueueMax = 8192;

export interface FastRecorderOptions {
  version: string;
  /** The service's name when the environment gives none. */
  serviceName: string | undefined;
  environment: Record<string, string | undefined>;
  exporting: ExportOptions;
  propagators: Propagators;
  sampler: Sampler;
}

export interface FastRecorder extends Recorder {
  version: string;
  exporting: ExportOptions;
  queue: SpanQueue;
  health: Health;
  /** Those that have not ended, when the program does. */
  unended: UnendedSpans;
  activity: { onSpanStart: () => void };
}

/** Starts recording, and registers with the OpenTelemetry API, so that the program's own spans join the hook's traces. */
export function startFastRecorder(options: FastRecorderOptions): FastRecorder {
  const { version, environment, exporting, sampler } = options;
  const scope: Scope = { name: '@sockeye/instrumentation', version };
  const address = exporting.protocol === 'grpc' ? new URL(exporting.url).origin : exporting.url;
  const health = createHealth(address, (line) => process.stderr.write(`${line}\n`));
  const queue = createQueue(options, scope, health);
  const limits = spanLimits(environment);
  const open = new OpenSpans<SpanRecord>();
  const slowMs = slowCallMs(environment);
  const ownerOf = (scope: Scope): SpanOwner => ({
    limits,
    open,
    take: guard((span) => queue.add(scope, span)),
  });
  const propagation = createPropagation(options.propagators);
  registerApi({
    trace: createTracerProvider({ sampler, ownerOf }),
    context: contextManager,
    propagation: propagation.propagator,
  });

  const hook: HookSpans = { owner: ownerOf(scope), sampler, slowMs };
  const activity = { onSpanStart: () => {} };
  return {
    version,
    exporting,
    queue,
    health,
    unended: tellOfOpenSpans(open, {
      room: () => queue.room,
      tell(span, reason) {
        const snapshot = snapshotOf(span, performance.now(), reason, slowMs);
        if (snapshot) span.owner.take(snapshot);
      },
    }),
    activity,
    startSpan(start) {
      activity.onSpanStart();
      return new HookSpan(hook, start);
    },
    extract: propagation.extract,
    inject(span, set) {
      const { record, parent } = span as HookSpan;
      propagation.inject(record, parent, set);
    },
    flush: () => queue.flush(),
  };
}

function createQueue(options: FastRecorderOptions, scope: Scope, health: Health): SpanQueue {
  const { environment, exporting, version, serviceName } = options;
  const { timeoutMs, metricsUrl } = exporting;
  const sender = createSender(exporting, version);
  let attributes: ReturnType<typeof resourceAttributes> | undefined;
  const resource = () => (attributes ??= resourceAttributes(environment, { serviceName, version }));
  const url = isReportWanted(environment) ? metricsUrl : undefined;
  const reportHost = createHostReports({ sender, url, timeoutMs, resource, scope });
  const number = (name: string) => positiveNumber(environment[name]);
  const spansMax = number('OTEL_BSP_MAX_QUEUE_SIZE') ?? usualQueueMax;
  return new SpanQueue({
    resource: () => encodeResource(resource()),
    scope,
    delayMs: number('OTEL_BSP_SCHEDULE_DELAY'),
    spansMax,
    batchSpansMax: Math.min(spansMax, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? usualBatchMax),
    async deliver(request, spanCount, left) {
      const lostCount = await deliver(sender, request, { spanCount, timeoutMs, health, left });
      if (lostCount === 0) reportHost();
      return lostCount;
    },
    overflowed: () => health.overflowed(),
  });
}

function positiveNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}
