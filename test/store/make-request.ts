/**
 * Makes OTLP requests for tests: a few words a span, the rest filled in. Encoded by the protocol's own messages, so
 * that what reaches the store is what a sender would send.
 */
import { encode } from '../decode/otlp-proto.ts';

export interface SentSpan {
  /** Short hex, padded on the left: '1' is a whole id. */
  readonly trace?: string;
  readonly id?: string;
  readonly parent?: string;
  readonly service?: string;
  readonly name?: string;
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly error?: string;
  readonly attributes?: Record<string, string | number | boolean>;
  readonly resource?: Record<string, string>;
  /** Whatever else of the Span message. */
  readonly more?: object;
}

/** All spans of the tests start around here; whole seconds. */
export const NOON_UNIX_MS = Date.UTC(2026, 10, 20, 12);
export const AROUND_NOON = { fromUnixMs: NOON_UNIX_MS - 3_600_000, toUnixMs: NOON_UNIX_MS + 3_600_000 };

/** Every failed trace is due for diagnosis; none is. */
export const AT_ONCE = { quietMs: 0, waitMs: 0 };
export const PATIENT = { quietMs: 3_600_000, waitMs: 3_600_000 };

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

export function traceId(short: string): string {
  return short.padStart(32, '0');
}
export function spanId(short: string): string {
  return short.padStart(16, '0');
}

export function makeRequest(...spans: readonly SentSpan[]): Buffer {
  return encode('TracesData', {
    resourceSpans: spans.map((span) => ({
      resource: {
        attributes: keyValues({ 'service.name': span.service ?? 'checkout', ...span.resource }),
      },
      scopeSpans: [{ scope: { name: 'test', version: '1' }, spans: [spanMessage(span)] }],
    })),
  });
}

function spanMessage(span: SentSpan): object {
  const startMs = NOON_UNIX_MS + (span.startMs ?? 0);
  const nano = (unixMs: number) => String(BigInt(Math.round(unixMs * 1e3)) * 1_000n);
  return {
    traceId: Buffer.from(traceId(span.trace ?? '1'), 'hex'),
    spanId: Buffer.from(spanId(span.id ?? '1'), 'hex'),
    ...(span.parent !== undefined && { parentSpanId: Buffer.from(spanId(span.parent), 'hex') }),
    name: span.name ?? 'GET /',
    kind: KINDS.indexOf(span.kind ?? 'server'),
    startTimeUnixNano: nano(startMs),
    endTimeUnixNano: nano(startMs + (span.durationMs ?? 10)),
    attributes: keyValues({
      ...(span.error !== undefined && { 'error.type': span.error }),
      ...span.attributes,
    }),
    ...(span.error !== undefined && { status: { code: 2, message: span.error } }),
    ...span.more,
  };
}

function keyValues(attributes: Record<string, string | number | boolean>): object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** A call and its server span, as two services send them. */
export function call(
  trace: string,
  client: SentSpan & { id: string },
  server?: SentSpan & { id: string },
): SentSpan[] {
  const caller: SentSpan = {
    trace,
    kind: 'client',
    ...client,
    attributes: { 'server.address': 'payments.local', 'server.port': 8443, ...client.attributes },
  };
  if (server === undefined) return [caller];
  return [caller, { trace, kind: 'server', service: 'payments', parent: client.id, ...server }];
}
