/** A span that is recorded: one of the hook's own, or one that a program makes through the OpenTelemetry API. */
import { performance } from 'node:perf_hooks';
import type {
  Attributes,
  Exception,
  Link,
  Span,
  SpanContext,
  SpanStatus,
  TraceState,
} from '@opentelemetry/api';
import type { SharedAttributes, SpanSource } from '../recorder.ts';
import { isValidContext, sampledFlag } from '../trace-context.ts';
import { addAttribute, cleanAttributes } from './attribute-values.ts';
import { isBefore, momentOf } from './clock.ts';
import { newSpanId } from './ids.ts';
import type { SpanLimits } from './limits.ts';
import { OpenLink, type OpenSpans } from './open-spans.ts';
import type { Moment, SpanData, SpanEvent, SpanLink } from './span-data.ts';

/** What the spans of one scope have in common. */
export interface SpanOwner {
  limits: SpanLimits;
  open: OpenSpans<SpanRecord>;
  /** Takes a span that has ended, and will not change any more, or a snapshot of one that has not. */
  take(span: SpanData): void;
}

export interface SpanOrigin {
  traceId: string;
  traceFlags: number;
  traceState: TraceState | undefined;
  parent: SpanContext | undefined;
}

/** Statuses, as OTLP numbers them. */
export const okCode = 1;
export const errorCode = 2;

/** Kinds, as OTLP numbers them. */
export const internalKind = 1;
export const kindNames = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];

export class SpanRecord extends OpenLink implements Span, SpanData {
  readonly owner: SpanOwner;
  readonly traceId: string;
  readonly spanId = newSpanId();
  readonly traceFlags: number;
  readonly traceState: TraceState | undefined;
  readonly parentSpanId: string | undefined;
  readonly parentIsRemote: boolean;
  readonly kind: number;
  readonly startedAt: Moment;
  name: string;
  endedAt: Moment = -1;
  isOpen = true;
  shared: readonly SharedAttributes[] | undefined = undefined;
  startAttributes: Attributes | undefined = undefined;
  endAttributes: Attributes | undefined = undefined;
  ownAttributes: Map<string, unknown> | undefined = undefined;
  droppedAttributesCount = 0;
  events: SpanEvent[] | undefined = undefined;
  droppedEventsCount = 0;
  links: SpanLink[] | undefined = undefined;
  droppedLinksCount = 0;
  statusCode = 0;
  statusMessage = '';
  /** Who can say more of it while it is open; undefined for a program's own span. */
  source: SpanSource | undefined = undefined;

  constructor(owner: SpanOwner, origin: SpanOrigin, name: string, kind: number, startedAt: Moment) {
    super();
    this.owner = owner;
    this.traceId = origin.traceId;
    this.traceFlags = origin.traceFlags;
    this.traceState = origin.traceState;
    this.parentSpanId = origin.parent?.spanId;
    this.parentIsRemote = origin.parent?.isRemote === true;
    this.name = name;
    this.kind = kind;
    this.startedAt = startedAt;
  }

  spanContext(): SpanContext {
    const { traceId, spanId, traceFlags, traceState } = this;
    return traceState ? { traceId, spanId, traceFlags, traceState } : { traceId, spanId, traceFlags };
  }

  isRecording(): boolean {
    return this.isOpen && (this.traceFlags & sampledFlag) !== 0;
  }

  setAttribute(key: string, value: unknown): this {
    if (!this.isRecording()) return this;
    this.ownAttributes ??= new Map();
    this.droppedAttributesCount += addAttribute(this.ownAttributes, key, value, this.owner.limits.attributes);
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const [key, value] of Object.entries(attributes ?? {})) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributesOrTime?: unknown, time?: unknown): this {
    if (!this.isRecording()) return this;
    const { eventsMax, eventAttributes } = this.owner.limits;
    const statedAt = momentOf(attributesOrTime);
    const attributes = statedAt === undefined ? (attributesOrTime as Attributes | undefined) : undefined;
    this.events ??= [];
    this.events.push({
      name: String(name),
      at: momentOf(time) ?? statedAt ?? performance.now(),
      ...cleanAttributes(attributes, eventAttributes, { simple: true }),
    });
    if (this.events.length > eventsMax) {
      this.events.shift();
      this.droppedEventsCount += 1;
    }
    return this;
  }

  addLink(link: Link): this {
    if (!this.isRecording()) return this;
    const { linksMax, linkAttributes } = this.owner.limits;
    const { context, attributes } = link;
    if (!isValidContext(context)) {
      this.droppedLinksCount += 1;
      return this;
    }
    const { traceId, spanId, traceFlags, traceState, isRemote = false } = context;
    this.links ??= [];
    this.links.push({
      traceId,
      spanId,
      traceFlags,
      traceState,
      isRemote,
      ...cleanAttributes(attributes, linkAttributes),
    });
    if (this.links.length > linksMax) {
      this.links.shift();
      this.droppedLinksCount += 1;
    }
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus({ code, message }: SpanStatus): this {
    // What is said to be well stays so.
    if (!this.isRecording() || this.statusCode === okCode) return this;
    if (code === okCode || code === errorCode) {
      this.statusCode = code;
      this.statusMessage = code === errorCode && typeof message === 'string' ? message : '';
    }
    return this;
  }

  updateName(name: string): this {
    if (this.isRecording()) this.name = String(name);
    return this;
  }

  recordException(exception: Exception, time?: unknown): void {
    const { code, name, message, stack } =
      typeof exception === 'string' ? { message: exception } : Object(exception);
    const attributes: Attributes = {};
    if (code ?? name) attributes['exception.type'] = String(code || name);
    if (message) attributes['exception.message'] = String(message);
    if (stack) attributes['exception.stacktrace'] = String(stack);
    if (attributes['exception.type'] ?? attributes['exception.message']) {
      this.addEvent('exception', attributes, time);
    }
  }

  end(time?: unknown): void {
    if (this.isOpen) this.finish(momentOf(time) ?? performance.now());
  }

  /** Ends the span at a moment of its own clock; one before its start is its start. */
  finish(at: Moment): void {
    this.close();
    this.endedAt = isBefore(at, this.startedAt) ? this.startedAt : at;
    this.owner.take(this);
    this.#forget();
  }

  /** What it held is sent: whoever still holds the span, such as a context, must not keep that too. */
  #forget(): void {
    this.shared = undefined;
    this.startAttributes = this.endAttributes = undefined;
    this.ownAttributes = undefined;
    this.events = undefined;
    this.links = undefined;
  }

  /** From here on it is not open, whether it is to be told of or not. */
  close(): void {
    this.isOpen = false;
    this.source = undefined;
    this.owner.open.delete(this);
  }
}
