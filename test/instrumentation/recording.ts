/** Records by the hook's own recorder into memory, decoded again by protobufjs. */
import type { Tracer } from '@opentelemetry/api';
import { rootContext } from '../../instrumentation/context.ts';
import { headroomBytes, encodeResource } from '../../instrumentation/export/export-request.ts';
import { SpanQueue } from '../../instrumentation/export/span-queue.ts';
import { spanLimits } from '../../instrumentation/record/limits.ts';
import { OpenSpans } from '../../instrumentation/record/open-spans.ts';
import { samplerOf } from '../../instrumentation/record/sampler.ts';
import type { SpanOwner, SpanRecord } from '../../instrumentation/record/span-record.ts';
import { createTracerProvider } from '../../instrumentation/record/tracer.ts';
import type { SpanStart } from '../../instrumentation/recorder.ts';
import { decodeSpans, type DecodedRequest, type DecodedSpan } from './decode-spans.ts';

const scope = { name: 'the hook', version: '1' };
export const remote = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1, isRemote: true };

/** Of a call, as the hook's watchers begin its span. */
export const start: SpanStart = {
  name: 'call',
  kind: 'client',
  startMs: 1,
  parent: rootContext,
  shared: { 'shared.a': 'one' },
  attributes: { own: 'text' },
};

export interface Recording {
  tracer: Tracer;
  owner: SpanOwner;
  sampler: ReturnType<typeof samplerOf>['sampler'];
  queue: SpanQueue;
  requests: DecodedRequest[];
  overflows: number;
  /** Sends what has ended, and gives its spans. */
  ended(): Promise<DecodedSpan[]>;
}

type Settings = Partial<ConstructorParameters<typeof SpanQueue>[0]> & {
  environment?: Record<string, string>;
};

export function record({ environment = {}, ...queueOptions }: Settings = {}): Recording {
  const { sampler } = samplerOf(environment);
  const limits = spanLimits(environment);
  const recording = { requests: [] as DecodedRequest[], overflows: 0 } as Recording;
  const queue = new SpanQueue({
    resource: () => encodeResource({ 'service.name': 'test', 'process.pid': 7 }),
    scope,
    delayMs: 60_000,
    spansMax: 10_000,
    batchSpansMax: 1_000,
    deliver(request) {
      recording.requests.push(decodeSpans(request.subarray(headroomBytes)));
      return Promise.resolve(0);
    },
    overflowed: () => (recording.overflows += 1),
    ...queueOptions,
  });
  const ownerOf = (each: { name: string }): SpanOwner => ({
    limits,
    open: new OpenSpans<SpanRecord>(),
    take: (span) => queue.add(each, span),
  });
  return Object.assign(recording, {
    queue,
    sampler,
    owner: ownerOf(scope),
    tracer: createTracerProvider({ sampler, ownerOf }).getTracer('own', '2', { schemaUrl: 'https://s.test' }),
    async ended() {
      await queue.flush();
      return recording.requests.flatMap(({ spans }) => spans);
    },
  });
}

/** A span of this name among those that have ended. */
export const namedIn = async (recording: Recording, name: string) =>
  (await recording.ended()).find((span) => span.name === name)!;
