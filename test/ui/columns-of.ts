/** Traces of the tests, as the collector would send them to the page: through its own encoder, bytes and all. */
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { writeColumnFile } from '../../collector/query/column-file.ts';
import { lookedFile } from '../../collector/query/looked-file.ts';
import { orderRows } from '../../collector/query/row-order.ts';
import { traceColumns } from '../../collector/query/trace-columns.ts';
import { traceTexts } from '../../collector/query/trace-texts.ts';
import type { Trace, Verdict, WireSpan, WireValue } from '../../collector/serve/wire.ts';
import type { Attributes, AttributeValue, Span } from '../../collector/span.ts';
import { readTraceColumns } from '../../ui/timeline/columns.ts';
import { buildModel, type TraceModel } from '../../ui/timeline/trace-model.ts';

/** 12:00 on 2026-11-22. */
const START_UNIX_NANO = 1_795_348_800_000_000_000n;

export interface SentTrace extends Pick<Trace, 'traceId' | 'spans'> {
  readonly startUnixNano?: string;
  readonly complete?: boolean;
}

/** The answer to `format=columns`. */
export function columnFileOf(trace: SentTrace, verdicts: Verdict[] = []): Uint8Array<ArrayBuffer> {
  const sent = spansOf(trace);
  const tree = buildTraceTree(sent);
  const wires = new Map(sent.map((span, index) => [span, trace.spans[index]]));
  for (const node of tree.nodes) {
    // The shift of clocks is as drawn, not as found.
    const { startOffsetMs = 0, durationMs = 0, skewMs = 0 } = wires.get(node.span) ?? {};
    Object.assign(node, { startMs: startOffsetMs, endMs: startOffsetMs + durationMs, skewMs });
  }
  const { head, columns } = traceColumns(trace.traceId, tree, orderRows(tree), countsOf(sent), verdicts);
  return writeColumnFile({ head: { ...head, complete: trace.complete ?? head.complete }, columns });
}

/** The answer to `format=texts`. */
export function textFileOf(trace: SentTrace): Uint8Array<ArrayBuffer> {
  return writeColumnFile(traceTexts(spansOf(trace)));
}

/** The answer to a file that is looked at: columns, texts and details of the same spans. */
export function lookedFileOf(trace: SentTrace, verdicts: Verdict[] = []): Uint8Array<ArrayBuffer> {
  const spans = spansOf(trace);
  const tree = buildTraceTree(spans);
  const order = orderRows(tree);
  const { head, columns } = traceColumns(trace.traceId, tree, order, countsOf(spans), verdicts);
  return lookedFile({ head, columns }, order, Date.now());
}

export function modelOf(spans: readonly WireSpan[], verdicts: Verdict[] = []): TraceModel {
  const file = columnFileOf({ traceId: '1', spans: [...spans] }, verdicts);
  return buildModel(readTraceColumns(file.buffer), false);
}

function spansOf(trace: SentTrace): Span[] {
  const startUnixNano = BigInt(trace.startUnixNano ?? START_UNIX_NANO);
  const shared = new Map<string, Pick<Span, 'resource' | 'scope'>>();
  return trace.spans.map((wire) => {
    const key = JSON.stringify([wire.resource, wire.scope]);
    const context = shared.get(key) ?? contextOf(wire);
    shared.set(key, context);
    return spanOf(wire, trace.traceId, startUnixNano, context);
  });
}

function countsOf({ length }: readonly Span[]) {
  return { received: length, folded: length };
}

function contextOf({ resource, scope: { name = '', version = '', ...rest } }: WireSpan) {
  return {
    resource: { attributes: attributesOf(resource), droppedAttributes: 0, schemaUrl: '' },
    scope: {
      name: String(name),
      version: String(version),
      attributes: attributesOf(rest),
      droppedAttributes: 0,
      schemaUrl: '',
    },
  };
}

function spanOf(
  wire: WireSpan,
  traceId: string,
  traceStartUnixNano: bigint,
  context: Pick<Span, 'resource' | 'scope'>,
): Span {
  const nano = (ms: number) => traceStartUnixNano + BigInt(Math.round(ms * 1e6));
  const phases = wire.phases.flatMap(({ phase, durationMs, open }) => [
    [`sockeye.phase.${phase}_ms`, durationMs] as const,
    ...(open ? [['sockeye.timeout.phase', phase] as const] : []),
  ]);
  return {
    ...context,
    traceId,
    spanId: wire.spanId,
    parentSpanId: wire.parentSpanId,
    traceState: wire.traceState,
    flags: wire.flags,
    name: wire.operation,
    kind: wire.kind as Span['kind'],
    startUnixNano: nano(wire.startOffsetMs),
    endUnixNano: wire.pending && wire.durationMs === 0 ? 0n : nano(wire.startOffsetMs + wire.durationMs),
    status: wire.status as Span['status'],
    attributes: new Map([
      ...attributesOf(wire.attributes),
      ...phases,
      ...(wire.pending ? [['sockeye.pending.span_id', wire.spanId] as const] : []),
    ]),
    events: wire.events.map(({ name, offsetMs, attributes }) => ({
      name,
      timeUnixNano: nano(offsetMs),
      attributes: attributesOf(attributes),
      droppedAttributes: 0,
    })),
    links: [],
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
  };
}

function attributesOf(values: { [key: string]: WireValue }): Attributes {
  return new Map(Object.entries(values).map(([key, value]) => [key, value as AttributeValue]));
}
