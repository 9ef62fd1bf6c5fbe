/**
 * The workload as export requests, in the order in which they are to be sent: each holds spans of one process, and the
 * spans of a trace are spread over the requests of the processes that it passed through.
 */
import { encode } from '../../decode/otlp-proto.ts';
import { Outbox } from './outbox.ts';
import { SERVICES, traceCount, TracePlan, type PlannedSpan, type Workload } from './trace-plan.ts';

export interface ExportRequest {
  /** In order of sending, from 0. */
  readonly number: number;
  /** An `ExportTraceServiceRequest`. */
  readonly bytes: Buffer;
  readonly spans: number;
}

export interface RequestOptions {
  readonly spansPerRequest: number;
  /** Told of every span, and the number of the request that will hold it. Both plans are used again afterwards. */
  readonly onSpan?: (trace: TracePlan, span: PlannedSpan, request: number) => void;
}

const PROCESSES_EACH = 3;

export function* makeRequests(workload: Workload, options: RequestOptions): Generator<ExportRequest> {
  const outboxes = makeOutboxes();
  const plan = new TracePlan();
  // A request gets its number when its first span is put in, so that who listens can tell them apart.
  const numbers = outboxes.map(() => -1);
  const traces = traceCount(workload);
  let next = 0;
  const finish = (process: number): ExportRequest => {
    const number = numbers[process]!;
    numbers[process] = -1;
    return { number, ...outboxes[process]!.finish() };
  };
  for (let trace = 0; trace < traces; trace++) {
    plan.plan(workload, trace);
    const traceStartUnixNano = startOf(workload, plan);
    for (let index = 0; index < plan.count; index++) {
      const span = plan.span(index);
      const process = processOf(span);
      const outbox = outboxes[process]!;
      if (numbers[process] === -1) numbers[process] = next++;
      options.onSpan?.(plan, span, numbers[process]!);
      outbox.add(plan, span, traceStartUnixNano);
      if (outbox.spans >= options.spansPerRequest) yield finish(process);
    }
  }
  for (const [process, outbox] of outboxes.entries()) if (outbox.spans > 0) yield finish(process);
}

/** Those of `spansOfTrace`, which leaves each as empty as it was: making them takes longer than what they are for. */
let emptyOutboxes: Outbox[] | null = null;

/** The spans of one trace, as one request a span: what each is when nothing of it is lost. */
export function* spansOfTrace(workload: Workload, index: number): Generator<Buffer> {
  const outboxes = (emptyOutboxes ??= makeOutboxes());
  const plan = new TracePlan();
  plan.plan(workload, index);
  for (let span = 0; span < plan.count; span++) {
    const outbox = outboxes[processOf(plan.span(span))]!;
    outbox.add(plan, plan.span(span), startOf(workload, plan));
    yield outbox.finish().bytes;
  }
}

function makeOutboxes(): Outbox[] {
  return SERVICES.flatMap((service) =>
    Array.from({ length: PROCESSES_EACH }, (_, instance) => new Outbox(resourceOf(service, instance), SCOPE)),
  );
}

/** A span is of any of its service's processes. */
function processOf({ service, idHigh }: PlannedSpan): number {
  return service * PROCESSES_EACH + (idHigh % PROCESSES_EACH);
}

function startOf({ startUnixMs }: Workload, { startNs }: TracePlan): bigint {
  return BigInt(startUnixMs) * 1_000_000n + BigInt(startNs);
}

const SCOPE = encode('InstrumentationScope', {
  name: '@opentelemetry/instrumentation-http',
  version: '0.220.0',
});

function resourceOf(service: string, instance: number): Buffer {
  const attributes = {
    'service.name': service,
    'service.version': '4.17.2',
    'service.instance.id': `${service}-7c9f4d5b6-${'abc'[instance]}x2k9`,
    'deployment.environment.name': 'production',
    'host.name': `node-${instance}.eu-central-1.compute.internal`,
    'k8s.namespace.name': 'shop',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '2.8.0',
  };
  return encode('Resource', {
    attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
  });
}
