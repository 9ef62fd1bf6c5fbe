/** What Jaeger's APIs answer, made of our answers and of spans. Pure. */
import { serviceOf, type Span, type SpanKind } from '../../span.ts';
import { namedCalls } from '../compatible/named-calls.ts';
import type { ServiceMap } from '../wire.ts';
import { badRequest } from './errors.ts';

/** Jaeger writes ids of 64 bits with 16 digits. */
export function withJaegerIds(span: Span): Span {
  const { traceId, links } = span;
  if (!isShort(traceId) && !links.some((link) => isShort(link.traceId))) return span;
  return {
    ...span,
    traceId: shortTraceId(traceId),
    links: links.map((link) => ({ ...link, traceId: shortTraceId(link.traceId) })),
  };
}

export function shortTraceId(traceId: string): string {
  return isShort(traceId) ? traceId.slice(16) : traceId;
}

function isShort(traceId: string): boolean {
  return traceId.startsWith('0000000000000000');
}

/** As 32 digits. `parameter` as its API calls it. */
export function readTraceId(text: string, parameter: string): string {
  if (text.length > 32)
    throw badRequest(`TraceID cannot be longer than 32 hex characters: ${text.slice(0, 60)}`);
  if (!/^[0-9a-f]+$/i.test(text))
    throw badRequest(`cannot parse ${parameter} param: got ${text}, expected hex digits`);
  return text.toLowerCase().padStart(32, '0');
}

export interface Operation {
  name: string;
  spanKind: string;
}

/** One entry for each of its kinds; of those asked for where one is. */
export function operationsOf(
  found: readonly { readonly operation: string; readonly kinds: readonly SpanKind[] }[],
  kind: string,
): Operation[] {
  return found.flatMap(({ operation, kinds }) =>
    kinds
      .filter((each) => kind === '' || each === kind.toLowerCase())
      .map((each) => ({ name: operation, spanKind: each === 'unspecified' ? '' : each })),
  );
}

export function dependenciesOf(map: ServiceMap, service: string) {
  const counts = new Map<string, { parent: string; child: string; callCount: number }>();
  for (const { from: parent, to: child, calls } of namedCalls(map)) {
    if (service !== '' && service !== parent && service !== child) continue;
    const key = JSON.stringify([parent, child]);
    const { callCount = 0 } = counts.get(key) ?? {};
    counts.set(key, { parent, child, callCount: callCount + calls });
  }
  return [...counts.values()];
}

/** Of a whole trace, for the list of the third API. */
export function summaryOf(traceId: string, spans: readonly Span[]) {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const services = new Map<string, { name: string; spanCount: number; errorSpanCount: number }>();
  let [start, end] = [spans[0]?.startUnixNano ?? 0n, 0n];
  for (const span of spans) {
    const name = serviceOf(span);
    const service = services.get(name) ?? { name, spanCount: 0, errorSpanCount: 0 };
    service.spanCount++;
    if (span.status.code === 'error') service.errorSpanCount++;
    services.set(name, service);
    if (span.startUnixNano < start) start = span.startUnixNano;
    if (span.endUnixNano > end) end = span.endUnixNano;
  }
  const root = spans.find(({ parentSpanId }) => parentSpanId === '') ?? spans[0];
  return {
    traceId,
    rootServiceName: root === undefined ? '' : serviceOf(root),
    rootOperationName: root?.name ?? '',
    minStartTimeUnixNano: String(start),
    maxEndTimeUnixNano: String(end),
    spanCount: spans.length,
    errorSpanCount: spans.filter(({ status }) => status.code === 'error').length,
    orphanSpanCount: spans.filter(({ parentSpanId }) => parentSpanId !== '' && !ids.has(parentSpanId)).length,
    services: [...services.values()],
  };
}
