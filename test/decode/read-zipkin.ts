/** Reads spans of Zipkin for tests, and says what they say in few words. */
import { decodeTraces } from '../../collector/decode/decode-traces.ts';
import { tracesFromZipkin, type ZipkinFormat } from '../../collector/decode/zipkin.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { serviceOf, type Span } from '../../collector/span.ts';

/** By the road that received spans take; by start. */
export function spansOf(spans: unknown, format: ZipkinFormat = 'v2'): Span[] {
  const body = Buffer.isBuffer(spans) ? spans : Buffer.from(JSON.stringify(spans));
  return decodeTraces(tracesFromZipkin(body, format));
}

/** What a span says, in few words: ids and times are told where they matter. */
export const told = (span: Span) => ({
  service: serviceOf(span),
  name: span.name,
  kind: span.kind,
  status: span.status,
  durationUs: Number(span.endUnixNano - span.startUnixNano) / 1000,
  attributes: Object.fromEntries(span.attributes),
  events: span.events.map(({ name }) => name),
});

/** One line a span, in the order of the tree: how deep it is, whose it is. */
export function drawn(spans: readonly Span[]): string[] {
  const lines: string[] = [];
  const draw = (node: ReturnType<typeof buildTraceTree>['nodes'][number], depth: number): void => {
    lines.push(`${'  '.repeat(depth)}${node.service} ${node.span.kind} ${node.span.name}`);
    for (const child of node.children) draw(child, depth + 1);
  };
  for (const root of buildTraceTree(spans).roots) draw(root, 0);
  return lines;
}

export const IDS = { traceId: 'abc', id: '1' };
/** An endpoint. */
export const place = (serviceName: string) => ({ serviceName });
/** An annotation of v1. */
export const at = (value: string, timestamp: number, serviceName: string) => ({
  value,
  timestamp,
  endpoint: place(serviceName),
});
