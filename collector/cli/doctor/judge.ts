/** What a step that failed means: the product's own diagnosis of its call, with what this host's kernel counted meanwhile. Pure. */
import { diagnoseTrace } from '../../diagnose/diagnose-trace.ts';
import { retransmitsOf, tcpValue } from '../../diagnose/evidence.ts';
import type { HostView } from '../../diagnose/hosts/host-view.ts';
import type { Verdict } from '../../diagnose/verdict.ts';
import { textAttribute, type Attributes, type AttributeValue, type Span } from '../../span.ts';
import type { Ended } from './reports.ts';
import type { EndedStep } from './run-probe.ts';
import type { Target } from './target.ts';

const NO_SPAN_ID = '0000000000000001';
const NO_TRACE_ID = '1'.padStart(32, '0');

/** null of a step that went well. `hosts` for the id of a span. */
export function judgeStep(
  step: EndedStep,
  target: Target,
  viewHosts: (span: Span) => readonly HostView[],
): Verdict | null {
  const call = callOf(step, target);
  const context = { normals: new Map(), hosts: viewHosts(call) };
  return diagnoseTrace(call.traceId, [call], context).verdicts[0] ?? null;
}

/** As the hook saw it, alone; else, or where it saw nothing of the failure, as the probe measured it. */
function callOf(step: EndedStep, target: Target): Span {
  const { span, failure } = step;
  const isSeen = span !== null && (failure === null || span.status.code === 'error');
  return isSeen ? { ...span, parentSpanId: '' } : spanOf(step, target);
}

function spanOf(
  { step, address, startUnixMs, ms, phases, failure, answer }: Ended,
  { host, port, http }: Target,
): Span {
  const attributes = new Map<string, AttributeValue>([
    ['server.address', host],
    ['server.port', port],
    ['sockeye.connection.reused', false],
  ]);
  if (address !== '') attributes.set('network.peer.address', address);
  if (http !== null && step === 'request') attributes.set('http.request.method', 'GET');
  if (answer !== undefined) attributes.set('http.response.status_code', answer.status);
  for (const [phase, value] of Object.entries(phases)) attributes.set(`sockeye.phase.${phase}_ms`, value);
  if (failure !== null) attributes.set('error.type', failure.code || 'Error');
  const last = Object.keys(phases).at(-1);
  if (failure?.isTimeout === true && last !== undefined) {
    attributes.set('sockeye.timeout.phase', last);
    attributes.set('sockeye.timeout.timer', 'app');
    attributes.set('sockeye.timeout.elapsed_ms', ms);
  }
  const nothing = { attributes: new Map<string, AttributeValue>(), droppedAttributes: 0, schemaUrl: '' };
  const startUnixNano = BigInt(Math.round(startUnixMs * 1000)) * 1000n;
  return {
    traceId: NO_TRACE_ID,
    spanId: NO_SPAN_ID,
    parentSpanId: '',
    traceState: '',
    flags: 0,
    name: step,
    kind: 'client',
    startUnixNano,
    endUnixNano: startUnixNano + BigInt(Math.round(ms * 1e6)),
    status: failure === null ? { code: 'unset', message: '' } : { code: 'error', message: failure.message },
    attributes,
    events: [],
    links: [],
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    resource: { ...nothing, attributes: new Map([['service.name', 'doctor']]) },
    scope: { ...nothing, name: 'sockeye.doctor', version: '' },
  };
}

export interface KernelWord {
  /** `tcp_info`, `proc`, `none`; '' where the hook said nothing. */
  readonly source: string;
  readonly problem: string;
  readonly retransmits: number | null;
  readonly segmentsIn: number | null;
  readonly roundTripMs: number | null;
}

export function kernelWordOf(attributes: Attributes = new Map()): KernelWord {
  const roundTripUs = tcpValue(attributes, 'rtt_us');
  return {
    source: textAttribute(attributes, 'sockeye.tcp.source') ?? '',
    problem: textAttribute(attributes, 'sockeye.tcp.problem') ?? '',
    retransmits: retransmitsOf(attributes),
    segmentsIn: tcpValue(attributes, 'segments_in'),
    roundTripMs: roundTripUs === null ? null : roundTripUs / 1000,
  };
}
