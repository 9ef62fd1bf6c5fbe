/**
 * What a span of Jaeger means in OTLP, in whichever of its formats it came: JSON, thrift or protobuf. Pure. The names of the
 * extra tags are those of OpenTelemetry's own translation, so that other tools read them as they read Jaeger's.
 */
import { encodeMessage } from './otlp-json.ts';
import { RESOURCE_SPANS, TRACES_DATA } from './otlp-schema.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import type { JsonObject } from './read-json.ts';
import { SPANS_AT_A_TIME, WrittenBytes } from './request-parts.ts';

/** `value` is OTLP JSON's AnyValue. */
export interface JaegerTag {
  readonly key: string;
  readonly value: JsonObject;
}

/** Ids are hex; `traceId` 32 digits, `spanId` 16, or '' where there is none. */
export interface JaegerReference {
  /** CHILD_OF, not FOLLOWS_FROM. */
  readonly isParent: boolean;
  readonly traceId: string;
  readonly spanId: string;
}

export interface JaegerProcess {
  readonly serviceName: string;
  readonly tags: readonly JaegerTag[];
}

export interface JaegerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly references: readonly JaegerReference[];
  readonly flags: number;
  readonly name: string;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly tags: readonly JaegerTag[];
  readonly logs: readonly { readonly timeUnixNano: bigint; readonly fields: readonly JaegerTag[] }[];
}

const SPAN_ID = /^(?!0+$)[0-9a-f]{16}$/;
/** Index: OTLP's number. */
const KINDS = ['', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUS_CODES = ['UNSET', 'OK', 'ERROR'];
/** What a request has, for its message that it has too many. */
export const JAEGER_PARTS = 'spans, tags, logs and references';
const RESOURCE_SPANS_FIELD = TRACES_DATA.fields[0]!.number;

/**
 * Writes spans as an `ExportTraceServiceRequest`, all of a process behind its one resource. That may be as large as the
 * request, which may name it for every two bytes: written each time, forty kilobytes would become megabytes.
 *
 * Messages one after the other are one message, their lists are joined.
 */
export class JaegerEncoder {
  readonly #bytes: WrittenBytes;
  readonly #written = new Map<JaegerProcess, Buffer[]>();
  #waiting = new Map<JaegerProcess, JsonObject[]>();
  #waitingCount = 0;

  constructor(bytesMax: number) {
    this.#bytes = new WrittenBytes(bytesMax);
  }

  /** Throws TooLarge where what is written is. */
  add(process: JaegerProcess, span: JaegerSpan): void {
    const scopeSpans = scopeSpansOf(span);
    const waiting = this.#waiting.get(process);
    if (waiting === undefined) this.#waiting.set(process, [scopeSpans]);
    else waiting.push(scopeSpans);
    this.#waitingCount += 1;
    if (this.#waitingCount === SPANS_AT_A_TIME) this.#write();
  }

  finish(): Buffer {
    this.#write();
    const writer = new ProtobufWriter();
    // It writes backwards.
    for (const written of [...this.#written.values()].toReversed()) {
      const mark = writer.length;
      for (const bytes of written.toReversed()) writer.bytes(bytes);
      writer.prefix(RESOURCE_SPANS_FIELD, mark);
    }
    return writer.finish();
  }

  #write(): void {
    for (const [process, scopeSpans] of this.#waiting) {
      const written = this.#written.get(process);
      if (written === undefined) {
        this.#written.set(process, [this.#encode({ resource: resourceOf(process), scopeSpans })]);
      } else written.push(this.#encode({ scopeSpans }));
    }
    this.#waiting = new Map();
    this.#waitingCount = 0;
  }

  #encode(resourceSpans: JsonObject): Buffer {
    // A copy, as what is written first has room for more around it.
    const bytes = Buffer.from(encodeMessage(RESOURCE_SPANS, resourceSpans));
    this.#bytes.add(bytes.length);
    return bytes;
  }
}

/** OTLP JSON's Resource. */
export function resourceOf({ serviceName, tags }: JaegerProcess): JsonObject {
  return { attributes: [{ key: 'service.name', value: { stringValue: serviceName } }, ...tags] };
}

/** OTLP JSON's ScopeSpans: the span in a scope of its own, because its scope stands in its tags. */
export function scopeSpansOf(span: JaegerSpan): JsonObject {
  const { traceId, spanId, references, tags } = span;
  /** Tags that stand for fields of the span; they are not attributes too. */
  const taken = new Set<JaegerTag>();
  // The first that is understood counts.
  const take = <T>(name: string, read: (value: JsonObject) => T | null): T | null => {
    let found: T | null = null;
    for (const tag of tags) {
      const value = tag.key === name ? read(tag.value) : null;
      found ??= value;
      if (value !== null && value === found) taken.add(tag);
    }
    return found;
  };
  const text = (name: string) => take(name, textOf) ?? '';
  const parent = parentOf(references, traceId);
  const scope = { name: text('otel.scope.name'), version: text('otel.scope.version') };
  const traceState = text('w3c.tracestate');
  const kind = take('span.kind', (value) => ordinalOf(KINDS, textOf(value)?.toLowerCase())) ?? 0;
  const code =
    take('otel.status_code', (value) => ordinalOf(STATUS_CODES, textOf(value)?.toUpperCase())) ?? 0;
  const description = text('otel.status_description');
  const error = take('error', errorOf) ?? 'false';
  const cause = error === 'true' || error === 'false' ? '' : error;
  const message = description === '' ? cause : description;
  // Said in no field of the span, it stays an attribute.
  const isLeft = (tag: JaegerTag) =>
    !taken.has(tag) || (tag.key === 'error' && cause !== '' && cause !== message);
  return {
    scope,
    spans: [
      {
        traceId,
        spanId,
        parentSpanId: parent?.spanId ?? '',
        traceState,
        flags: span.flags & 0xff,
        name: span.name,
        kind,
        startTimeUnixNano: nanosText(span.startUnixNano),
        endTimeUnixNano: nanosText(span.endUnixNano),
        status: { code: error === 'false' ? code : STATUS_CODES.indexOf('ERROR'), message },
        attributes: tags.filter(isLeft),
        events: span.logs.map(eventOf),
        links: references
          .filter((one) => one !== parent || !one.isParent)
          .map((one) => ({ traceId: one.traceId, spanId: one.spanId })),
      },
    ],
  };
}

/** As Jaeger has it: what it is a child of, else what it follows from, which it is linked to all the same. */
function parentOf(references: readonly JaegerReference[], traceId: string): JaegerReference | undefined {
  const own = references.filter((one) => one.traceId === traceId);
  return own.find(({ isParent }) => isParent) ?? own.find(({ spanId }) => SPAN_ID.test(spanId));
}

function textOf({ stringValue }: JsonObject): string | null {
  return typeof stringValue === 'string' ? stringValue : null;
}

/** null where it is none of these. */
function ordinalOf(names: readonly string[], name: string | undefined): number | null {
  const ordinal = name === undefined ? -1 : names.indexOf(name);
  return ordinal < 0 ? null : ordinal;
}

/** 'true', 'false', or what the error was. Clients write all of them, and numbers. */
function errorOf(value: JsonObject): string | null {
  const text = 'bytesValue' in value ? '' : String(Object.values(value)[0] ?? '');
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === '1') return 'true';
  if (lower === 'false' || lower === '0') return 'false';
  return text === '' ? null : text;
}

function eventOf({ timeUnixNano, fields }: JaegerSpan['logs'][number]): JsonObject {
  // Exporters of OpenTelemetry for Python, and those who log but a text, name it so.
  const textNamed = (name: string) => fields.find(({ key, value }) => key === name && textOf(value) !== null);
  const name = textNamed('event') ?? textNamed('message');
  return {
    timeUnixNano: nanosText(timeUnixNano),
    name: name === undefined ? '' : textOf(name.value),
    attributes: fields.filter((field) => field !== name),
  };
}

const NANOS_MOST = 2n ** 64n - 1n;

/** Of a time beyond what OTLP can say, the latest that it can. */
function nanosText(nanos: bigint): string {
  return (nanos > NANOS_MOST ? NANOS_MOST : nanos).toString();
}

/** Before references, a span named its parent in a field; it still does in thrift. */
export function withParent(
  references: readonly JaegerReference[],
  traceId: string,
  spanId: string,
): readonly JaegerReference[] {
  if (spanId === '' || references.some((one) => one.isParent && one.traceId === traceId)) return references;
  return [...references, { isParent: true, traceId, spanId }];
}
