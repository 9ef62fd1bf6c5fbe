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
  /** Told of every span before the request that holds it is made. */
  readonly onSpan?: (trace: number, span: PlannedSpan, request: number) => void;
}

const PROCESSES_EACH = 3;

export function* makeRequests(workload: Workload, options: RequestOptions): Generator<ExportRequest> {
  const outboxes = SERVICES.flatMap((service) =>
    Array.from({ length: PROCESSES_EACH }, (_, instance) => new Outbox(resourceOf(service, instance), SCOPE)),
  );
  const startUnixNano = BigInt(workload.startUnixMs) * 1_000_000n;
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
    const traceStartUnixNano = startUnixNano + BigInt(plan.startNs);
    for (let index = 0; index < plan.count; index++) {
      const span = plan.span(index);
      const process = span.service * PROCESSES_EACH + (span.idHigh % PROCESSES_EACH);
      const outbox = outboxes[process]!;
      if (numbers[process] === -1) numbers[process] = next++;
      options.onSpan?.(trace, span, numbers[process]!);
      outbox.add(plan, span, traceStartUnixNano);
      if (outbox.spans >= options.spansPerRequest) yield finish(process);
    }
  }
  for (const [process, outbox] of outboxes.entries()) if (outbox.spans > 0) yield finish(process);
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
