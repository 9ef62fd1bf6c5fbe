/** What Tempo's API answers, made of spans and of OTLP JSON. Pure. */
import { compileMatcher } from '../../query/match-span.ts';
import type { QueryTerm } from '../../query/query-term.ts';
import { operationOf, serviceOf, type AttributeValue, type Span } from '../../span.ts';
import { attributeText } from '../formats/attribute-text.ts';
import type { Field } from './fields.ts';
import { badRequest } from './search.ts';

/** How a trace that was found is written: with these spans, where some are to be shown. */
export interface FoundForm {
  readonly kind: 'tempo-found';
  readonly shown: {
    readonly term: QueryTerm | null;
    readonly fields: readonly Field[];
    readonly spansMax: number;
  } | null;
}

type JsonObject = Record<string, unknown>;

/** As Tempo writes it, without zeros in front. */
export function shortTraceId(traceId: string): string {
  return traceId.replace(/^0+/, '');
}

/** As 32 digits. */
export function readTraceId(text: string): string {
  if (text.length > 32) throw badRequest("trace IDs can't be larger than 128 bits");
  if (!/^[0-9a-f]+$/i.test(text)) throw badRequest(`trace IDs can only contain hex characters: got ${text}`);
  return text.toLowerCase().padStart(32, '0');
}

export function foundTrace(traceId: string, spans: readonly Span[], { shown }: FoundForm): JsonObject {
  let [start, end] = [spans[0]?.startUnixNano ?? 0n, 0n];
  const services = new Map<string, { spanCount: number; errorCount?: number }>();
  for (const span of spans) {
    if (span.startUnixNano < start) start = span.startUnixNano;
    if (span.endUnixNano > end) end = span.endUnixNano;
    const { spanCount = 0, errorCount = 0 } = services.get(serviceOf(span)) ?? {};
    const errors = errorCount + Number(span.status.code === 'error');
    services.set(serviceOf(span), { spanCount: spanCount + 1, ...(errors > 0 && { errorCount: errors }) });
  }
  const durationMs = end > start ? Number(end - start) / 1e6 : 0;
  const root = spans.find(({ parentSpanId }) => parentSpanId === '');
  const trace = { services: new Set(services.keys()), durationMs, spans: spans.length };
  const set = shown === null ? null : spanSet(spans, shown, trace);
  return {
    traceID: shortTraceId(traceId),
    rootServiceName: root === undefined ? '<root span not yet received>' : serviceOf(root),
    rootTraceName: root === undefined ? '' : operationOf(root),
    startTimeUnixNano: String(start),
    durationMs: Math.floor(durationMs),
    ...(set !== null && { spanSet: set, spanSets: [set] }),
    serviceStats: Object.fromEntries(services),
  };
}

function spanSet(
  spans: readonly Span[],
  { term, fields, spansMax }: NonNullable<FoundForm['shown']>,
  trace: { services: ReadonlySet<string>; durationMs: number; spans: number },
): JsonObject {
  const matches = term === null ? () => true : compileMatcher(term);
  const surroundings = { trace, callee: () => null, verdicts: () => [] };
  const found = spans.filter((span) => matches(span, surroundings));
  return {
    spans: found.slice(0, spansMax).map((span) => ({
      spanID: span.spanId,
      name: operationOf(span),
      startTimeUnixNano: String(span.startUnixNano),
      durationNanos: String(
        span.endUnixNano > span.startUnixNano ? span.endUnixNano - span.startUnixNano : 0n,
      ),
      attributes: attributesOf(span, fields),
    })),
    matched: found.length,
  };
}

/** Of what the query speaks of, each once. */
function attributesOf(span: Span, fields: readonly Field[]): JsonObject[] {
  const values = new Map<string, AttributeValue>();
  for (const field of fields) {
    if (field.of === 'service') values.set('service.name', serviceOf(span));
    else if (field.of === 'kind') values.set('kind', span.kind);
    else if (field.of === 'status') values.set('status', span.status.code);
    else if (field.of === 'attribute') {
      const value = span.attributes.get(field.key) ?? span.resource.attributes.get(field.key);
      if (value !== undefined) values.set(field.key, value);
    }
  }
  return [...values].map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): JsonObject {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value !== 'number') return { stringValue: attributeText(value) };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const KIND_NAMES = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUS_NAMES = ['UNSET', 'OK', 'ERROR'];

/** A span of OTLP JSON as Tempo writes it: words for numbers, and ids as all bytes. */
export function asTempoHas(span: Readonly<JsonObject>): JsonObject {
  const { traceId, spanId, parentSpanId, kind, status, links, ...rest } = span;
  const { code, ...ofStatus } = (status ?? {}) as JsonObject;
  return {
    traceId: base64Of(traceId),
    spanId: base64Of(spanId),
    ...(parentSpanId ? { parentSpanId: base64Of(parentSpanId) } : {}),
    ...(typeof kind === 'number' && { kind: `SPAN_KIND_${KIND_NAMES[kind] ?? 'UNSPECIFIED'}` }),
    ...rest,
    ...(Array.isArray(links) && { links: links.map(linkOf) }),
    status: {
      ...ofStatus,
      ...(Number(code) > 0 && { code: `STATUS_CODE_${STATUS_NAMES[Number(code)] ?? 'UNSET'}` }),
    },
  };
}

function linkOf(link: JsonObject): JsonObject {
  return { ...link, traceId: base64Of(link.traceId), spanId: base64Of(link.spanId) };
}

function base64Of(hex: unknown): string {
  return Buffer.from(String(hex ?? ''), 'hex').toString('base64');
}

/** Head of the protobuf that holds a trace of so many bytes as its first field. */
export function messageHead(length: number): Uint8Array<ArrayBuffer> {
  const head = [0x0a];
  for (; length >= 0x80; length = Math.floor(length / 0x80)) head.push((length % 0x80) | 0x80);
  return Uint8Array.from([...head, length]);
}
