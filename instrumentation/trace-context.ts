/**
 * The W3C Trace Context headers, level 2: what a peer sent, and what is sent on. Pure.
 *
 * A `traceparent` that breaks the rules begins a new trace; a `tracestate` that breaks them is discarded as a whole.
 */
import type { SpanContext, TraceState } from '@opentelemetry/api';

/** The flags that level 2 knows; others are not passed on. */
export const sampledFlag = 1;
export const randomFlag = 2;

const membersMax = 32;
const traceparentLength = 55;
const traceparentForm = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;
const traceIdForm = /^(?!0+$)[\da-f]{32}$/i;
const spanIdForm = /^(?!0+$)[\da-f]{16}$/i;
const onlyZeros = /^0+$/;
const memberKey = /^(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})$/;
const memberValue = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** The parent that a `traceparent` names; undefined when there is none, or it breaks the rules. */
export function parseTraceparent(header: unknown): SpanContext | undefined {
  if (typeof header !== 'string') return undefined;
  const [, version, traceId, spanId, flags] = traceparentForm.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  // Later versions may add fields, this one has none.
  if (version === 'ff' || (version === '00' && header.length !== traceparentLength)) return undefined;
  if (onlyZeros.test(traceId) || onlyZeros.test(spanId)) return undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & (sampledFlag | randomFlag),
    isRemote: true,
  };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${(traceFlags & (sampledFlag | randomFlag)).toString()}`;
}

/** Whether the ids have the form of ids, and are not all zeros. */
export function isValidContext({ traceId, spanId }: SpanContext): boolean {
  return traceIdForm.test(traceId) && spanIdForm.test(spanId);
}

/** The members of one or several `tracestate` headers; undefined when there are none, or one of them breaks the rules. */
export function parseTracestate(header: unknown): TraceState | undefined {
  const text = Array.isArray(header) ? header.join() : header;
  if (typeof text !== 'string') return undefined;
  const members = new Map<string, string>();
  for (const member of text.split(',')) {
    const trimmed = member.replace(/^[ \t]+|[ \t]+$/g, '');
    if (trimmed === '') continue;
    const equals = trimmed.indexOf('=');
    const key = trimmed.slice(0, Math.max(0, equals));
    const value = trimmed.slice(equals + 1);
    if (!memberKey.test(key) || !memberValue.test(value) || members.has(key)) return undefined;
    members.set(key, value);
  }
  return members.size === 0 || members.size > membersMax ? undefined : new Members(members);
}

/** As the OpenTelemetry API wants it: immutable, what was changed last comes first. */
class Members implements TraceState {
  readonly members: ReadonlyMap<string, string>;

  constructor(members: ReadonlyMap<string, string>) {
    this.members = members;
  }

  get(key: string): string | undefined {
    return this.members.get(key);
  }

  set(key: string, value: string): TraceState {
    if (!memberKey.test(key) || !memberValue.test(value)) return this;
    const others = [...this.members].filter(([other]) => other !== key);
    return others.length >= membersMax ? this : new Members(new Map([[key, value], ...others]));
  }

  unset(key: string): TraceState {
    return new Members(new Map([...this.members].filter(([other]) => other !== key)));
  }

  serialize(): string {
    return [...this.members].map(([key, value]) => `${key}=${value}`).join();
  }
}
