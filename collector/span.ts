/**
 * The domain type: a span as OpenTelemetry defines it, decoded for reading.
 *
 * The bytes a sender transmitted stay the truth in the store; a `Span` is a view of them for searching and
 * diagnosing. This file imports nothing.
 */

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type StatusCode = 'unset' | 'ok' | 'error';

/** OTLP's AnyValue. Integers are `number` while they are safe, else `bigint`; an empty AnyValue is `null`. */
export type AttributeValue =
  string | boolean | number | bigint | Uint8Array | null | readonly AttributeValue[] | Attributes;

/** In the order sent. A Map, because keys come from strangers (`__proto__` is a legal attribute name). */
export type Attributes = ReadonlyMap<string, AttributeValue>;

export interface SpanEvent {
  readonly timeUnixNano: bigint;
  readonly name: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly flags: number;
}

/** Shared by all spans of one sender: compare by identity, never copy. */
export interface Resource {
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly schemaUrl: string;
}

export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
  readonly droppedAttributes: number;
  readonly schemaUrl: string;
}

export interface Span {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, or '' at a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startUnixNano: bigint;
  /** As sent: may be 0 (not ended) or before the start. */
  readonly endUnixNano: bigint;
  readonly status: { readonly code: StatusCode; readonly message: string };
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
  readonly resource: Resource;
  readonly scope: Scope;
  /** What `operationOf` gives, where that is known. */
  readonly operation?: string | undefined;
  /** Whether it neither failed nor was given up or cancelled, where that is known. */
  readonly endedWell?: boolean | undefined;
}

/** What OpenTelemetry names a service that did not name itself. */
const UNKNOWN_SERVICE = 'unknown_service';

export function serviceOf(span: { readonly resource: Pick<Resource, 'attributes'> }): string {
  const name = span.resource.attributes.get('service.name');
  return typeof name === 'string' && name !== '' ? shownName(name) : UNKNOWN_SERVICE;
}

/** Services, operations and peers are shown, searched and grouped by so much of their names; the span keeps them whole. */
const NAME_CHARS_MAX = 1_024;

export function shownName(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX - 1).toWellFormed()}…`;
}

/**
 * In Zipkin the server's span of a call may share the call's id. Here a call is the parent of what answers it: the server's
 * gets the id whose bits are the opposite, each time the same, and the shared one for its parent.
 */
export function idOfSharedServer(shared: string): string {
  return BigInt.asUintN(64, ~BigInt(`0x${shared}`))
    .toString(16)
    .padStart(16, '0');
}

/** The parent that such a span was sent with, which is that of its call: all that is known of it when the call never came. */
export const SHARED_PARENT_KEY = 'zipkin.parent_id';

/** Whether it is one of these. What its parent is said to have called, it called. */
export function isSharedServer({ spanId, parentSpanId }: Pick<Span, 'spanId' | 'parentSpanId'>): boolean {
  // Asked of every span of a trace: mostly two digits tell.
  for (let at = 0; at < 2; at++) if (digitOf(spanId, at) + digitOf(parentSpanId, at) !== 15) return false;
  return parentSpanId === idOfSharedServer(spanId);
}

/** Of lower-case hex; NaN beyond its end. */
function digitOf(hex: string, at: number): number {
  const code = hex.charCodeAt(at);
  return code <= 57 ? code - 48 : code - 87;
}

/** Duration in milliseconds; 0 for a span that has not ended or that ends before it starts. */
export function durationMsOf(span: Pick<Span, 'startUnixNano' | 'endUnixNano'>): number {
  return span.endUnixNano > span.startUnixNano ? Number(span.endUnixNano - span.startUnixNano) / 1e6 : 0;
}

export function textAttribute(attributes: Attributes, key: string): string | null {
  const value = attributes.get(key);
  return typeof value === 'string' ? value : null;
}

/** An empty one says nothing. */
function firstTextOf(attributes: Attributes, keys: readonly string[]): string | null {
  for (const key of keys) {
    const text = textAttribute(attributes, key);
    if (text !== null && text !== '') return text;
  }
  return null;
}

export function numberAttribute(attributes: Attributes, key: string): number | null {
  const value = attributes.get(key);
  if (typeof value === 'number') return value;
  return typeof value === 'bigint' ? Number(value) : null;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'QUERY'];
/** Names that say nothing but the method: what instrumentations give where no framework tells them the route. */
export const BARE_METHODS: ReadonlySet<string> = new Set(
  METHODS.flatMap((method) => [method, `HTTP ${method}`]),
);
/** What names the operation of such a span: the first of these that is text and not empty, the paths with their ids left out. */
export const ROUTE_KEYS = ['http.route', 'url.template'] as const;
export const PATH_KEYS = ['url.path', 'http.target', 'url.full', 'http.url', 'http.path'] as const;
/** Part of a path that names one thing of many: a number, an id in hex, something with four digits, or something long. */
const VARIABLE_SEGMENT = /^\d+$|^(?=.*\d)[0-9a-f-]{8,}$|(?:\d.*){4}|^.{33,}/i;
const OPERATION_SEGMENTS = 4;

/**
 * What is shown, searched and grouped as the span's operation: its name, and where that is a bare method, the path
 * with it: `GET` of `/items/42?x=1` is `GET /items/{id}`.
 */
export function operationOf(span: Pick<Span, 'name' | 'attributes' | 'operation'>): string {
  return span.operation ?? shownName(wholeOperationOf(span));
}

function wholeOperationOf(span: Pick<Span, 'name' | 'attributes'>): string {
  if (!BARE_METHODS.has(span.name)) return span.name;
  const known = firstTextOf(span.attributes, ROUTE_KEYS);
  if (known !== null) return `${span.name} ${known}`;
  const path = firstTextOf(span.attributes, PATH_KEYS);
  if (path === null) return span.name;
  const [, pathname = ''] = /^(?:[a-z][a-z+.-]*:\/\/[^/?#]*)?(\/[^?#]{0,512})/i.exec(path) ?? [];
  const segments = pathname.split('/').slice(1);
  const shown = segments
    .slice(0, OPERATION_SEGMENTS)
    .map((part) => (VARIABLE_SEGMENT.test(part) ? '{id}' : part));
  if (segments.length > OPERATION_SEGMENTS) shown.push('…');
  return pathname === '' ? span.name : `${span.name} /${shown.join('/')}`;
}
