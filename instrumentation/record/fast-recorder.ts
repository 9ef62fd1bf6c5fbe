/**
 * The hook's own recorder: writes spans as OTLP bytes when they end, and sends them in batches.
 *
 * It does with the same variables what OpenTelemetry's SDK does, at a fraction of the cost; what it cannot do, such as a
 * program's own span processors, `choose-recorder.ts` leaves to the SDK.
 */
import type { Attributes, Context } from '@opentelemetry/api';
import { contextManager, withSpan } from '../context.ts';
import { createHealth, type Health } from '../export-health.ts';
import { encodeResource, type Scope } from '../export/export-request.ts';
import { createSender, deliver } from '../export/exporter.ts';
import type { ExportOptions } from '../export/options.ts';
import { SpanQueue } from '../export/span-queue.ts';
import { guard } from '../guard.ts';
import { createPropagation, type Propagators } from '../propagation.ts';
import type { RecordedSpan, Recorder, SpanEnd, SpanStart } from '../recorder.ts';
import { slowCallMs } from '../settings.ts';
import { sampledFlag } from '../trace-context.ts';
import { registerApi } from './api-registry.ts';
import { addAttribute, type AttributeMap } from './attribute-values.ts';
import { fitsOwn, spanLimits, type SpanLimits } from './limits.ts';
import { resourceAttributes } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { SpanRecord, type SpanOwner } from './span-record.ts';
import { createTracerProvider, originOf, parentIn } from './tracer.ts';

const kinds = { server: 2, client: 3 };

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
  const ownerOf = (scope: Scope): SpanOwner => ({ limits, ended: guard((span) => queue.add(scope, span)) });
  const propagation = createPropagation(options.propagators);
  registerApi({
    trace: createTracerProvider({ sampler, ownerOf }),
    context: contextManager,
    propagation: propagation.propagator,
  });

  const hook: HookSpans = {
    owner: ownerOf(scope),
    sampler,
    slowMs: slowCallMs(environment),
    limits: undefined,
  };
  if (!fitsOwn(limits)) hook.limits = limits;
  const activity = { onSpanStart: () => {} };
  return {
    version,
    exporting,
    queue,
    health,
    activity,
    startSpan(start) {
      activity.onSpanStart();
      return new HookSpan(hook, start);
    },
    extract: propagation.extract,
    inject: (span, set) => propagation.inject((span as HookSpan).record, (span as HookSpan).parent, set),
    flush: () => queue.flush(),
  };
}

function createQueue(options: FastRecorderOptions, scope: Scope, health: Health): SpanQueue {
  const { environment, exporting, version, serviceName } = options;
  const { timeoutMs } = exporting;
  const sender = createSender(exporting, { version });
  const number = (name: string) => positiveNumber(environment[name]);
  const spansMax = number('OTEL_BSP_MAX_QUEUE_SIZE') ?? usualQueueMax;
  return new SpanQueue({
    resource: () => encodeResource(resourceAttributes(environment, { serviceName, version })),
    scope,
    delayMs: number('OTEL_BSP_SCHEDULE_DELAY'),
    spansMax,
    batchSpansMax: Math.min(spansMax, number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE') ?? usualBatchMax),
    deliver: (request, spanCount) => deliver(sender, request, { spanCount, timeoutMs, health }),
    overflowed: () => health.overflowed(),
  });
}

function positiveNumber(text: string | undefined): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

interface HookSpans {
  owner: SpanOwner;
  sampler: Sampler;
  slowMs: number;
  /** Set when they may be too narrow for the hook's own attributes. */
  limits: SpanLimits | undefined;
}

/** A span of the hook's own, which has no use for most of what a program may do with one. */
class HookSpan implements RecordedSpan {
  readonly record: SpanRecord;
  readonly parent: Context;
  readonly hook: HookSpans;
  #context: Context | undefined;

  constructor(hook: HookSpans, { name, kind, startMs, parent, attributes, shared }: SpanStart) {
    this.hook = hook;
    this.parent = parent;
    const origin = originOf(parentIn(parent), hook.sampler);
    this.record = new SpanRecord(hook.owner, origin, name, kinds[kind], startMs);
    this.record.startAttributes = attributes;
    if (shared) this.record.shared = [shared];
  }

  get context(): Context {
    return (this.#context ??= withSpan(this.parent, this.record));
  }

  end({ endMs, shared, attributes, name, errorMessage }: SpanEnd): void {
    const { record, hook } = this;
    if (!record.isOpen) return;
    if (name !== undefined) record.name = name;
    if (errorMessage !== undefined) {
      record.statusCode = 2;
      record.statusMessage = errorMessage;
    }
    if (shared) record.shared = shared;
    record.endAttributes = attributes;
    if ((record.traceFlags & sampledFlag) === 0) {
      if (!this.#matters(endMs)) {
        record.isOpen = false;
        return;
      }
      record.endAttributes = { ...attributes, 'sockeye.sampled': false };
    }
    if (record.ownAttributes || hook.limits) mergeAttributes(record);
    record.finish(endMs);
  }

  /** Whether it leaves although its trace is not sampled: what failed or was slow must not depend on luck. */
  #matters(endMs: number): boolean {
    const { record, hook } = this;
    if (hook.sampler.isOff) return false;
    if (record.statusCode !== 0) return true;
    const isStream =
      record.startAttributes?.['sockeye.stream'] ?? record.endAttributes?.['sockeye.stream'] ?? false;
    return !isStream && endMs - Number(record.startedAt) >= hook.slowMs;
  }
}

/** Makes one list of what the hook and the program said of the span, in the order in which they said it. */
function mergeAttributes(record: SpanRecord): void {
  const { shared = [], startAttributes, ownAttributes = new Map(), endAttributes } = record;
  const limits = record.owner.limits.attributes;
  const merged: AttributeMap = new Map();
  const addHooks = (attributes: Attributes | undefined) => {
    for (const [key, value] of Object.entries(attributes ?? {})) {
      record.droppedAttributesCount += addAttribute(merged, key, value, limits);
    }
  };
  for (const attributes of shared) addHooks(attributes);
  addHooks(startAttributes);
  for (const [key, value] of ownAttributes) {
    if (merged.has(key) || merged.size < limits.countMax) merged.set(key, value);
    else record.droppedAttributesCount += 1;
  }
  addHooks(endAttributes);
  record.ownAttributes = merged;
  record.shared = undefined;
  record.startAttributes = record.endAttributes = undefined;
}
