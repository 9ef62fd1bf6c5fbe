/** The types of wire.ts that are about traces, as JSON Schemas; `wire-schemas.ts` has them among the others. */
import { PHASES } from '../diagnose/verdict.ts';
import {
  anything,
  boolean,
  dictionary,
  integer,
  list,
  named,
  nullable,
  number,
  object,
  text,
  time,
  words,
  type Schema,
} from './schema.ts';
import type * as Wire from './wire.ts';

export const PHASES_OR_NONE = words(...PHASES, 'none');
export const outcomes = { calls: integer, errors: integer, timeouts: integer };
export const cursor: Schema = { ...nullable(text), description: 'continues the list; null at its end' };
const ATTRIBUTES: Schema = {
  ...dictionary(anything),
  description: 'JSON values; integers beyond 2^53 are strings, bytes are {"bytes": base64}',
};

/** What a span says beside its place in the trace. */
const spanContent = {
  status: object<Wire.WireSpan['status']>({ code: text, message: text }),
  attributes: ATTRIBUTES,
  resource: ATTRIBUTES,
  scope: ATTRIBUTES,
  events: list(
    object<Wire.WireSpan['events'][number]>({ name: text, offsetMs: number, attributes: ATTRIBUTES }),
  ),
  links: list(
    object<Wire.WireSpan['links'][number]>({ traceId: text, spanId: text, attributes: ATTRIBUTES }),
  ),
  traceState: text,
  flags: integer,
  dropped: object<Wire.WireSpan['dropped']>(
    { attributes: integer, events: integer, links: integer },
    'attributes',
    'events',
    'links',
  ),
};

export const traceSchemas = {
  TraceSummary: object<Wire.TraceSummary>({
    traceId: text,
    root: object<Wire.TraceSummary['root']>({ service: text, operation: text }),
    startedAt: time,
    durationMs: number,
    spans: integer,
    services: list(text),
    errors: integer,
    timeouts: integer,
    verdict: nullable(
      object<NonNullable<Wire.TraceSummary['verdict']>>({
        edge: text,
        phase: text,
        cause: text,
        sentence: text,
      }),
    ),
  }),
  TracePage: object<Wire.TracePage>({
    traces: list(named('TraceSummary')),
    total: { ...integer, description: 'exact up to 1,000' },
    truncated: boolean,
    cursor,
  }),
  WirePhase: object<Wire.WirePhase>({
    phase: words(...PHASES),
    startOffsetMs: number,
    durationMs: number,
    open: boolean,
  }),
  WireSpan: object<Wire.WireSpan>(
    {
      spanId: text,
      parentSpanId: text,
      service: text,
      operation: text,
      kind: text,
      startOffsetMs: number,
      durationMs: number,
      skewMs: number,
      pending: boolean,
      phases: list(named('WirePhase')),
      ...spanContent,
      flaws: list(text),
    },
    'flaws',
  ),
  SpanDetails: object<Wire.SpanDetails>({ spans: list(named('SpanDetail')) }),
  SpanDetail: object<Wire.SpanDetail>({
    spanId: text,
    kind: text,
    startUnixNano: text,
    ...spanContent,
    flaws: list(text),
  }),
  LookedAt: object<Wire.LookedAt>({
    traces: list(named('TraceSummary')),
    total: integer,
    refused: integer,
    message: text,
  }),
  PhasesOfTraces: object<Wire.PhasesOfTraces>({ traces: list(named('TracePhases')) }),
  TracePhases: object<Wire.TracePhases>({
    traceId: text,
    durationMs: number,
    parts: list(
      object<Wire.TracePhases['parts'][number]>({
        phase: PHASES_OR_NONE,
        durationMs: number,
        open: boolean,
      }),
    ),
  }),
  TracePin: object<Wire.TracePin>({ traceId: text, pinned: boolean }),
  Trace: object<Wire.Trace>({
    traceId: text,
    pinned: { ...boolean, description: 'kept past retention' },
    complete: { ...boolean, description: 'one root, every parent present, nothing pending' },
    startUnixNano: text,
    durationMs: number,
    spans: list(named('WireSpan')),
  }),
  TraceEdges: object<Wire.TraceEdges>({
    traceId: text,
    startedAt: time,
    durationMs: number,
    edges: list(named('TraceEdge')),
  }),
  MatchingEdges: object<Wire.MatchingEdges>({
    from: time,
    to: time,
    traces: integer,
    total: { ...integer, description: 'exact up to 1,000' },
    truncated: boolean,
    edges: list(named('TraceEdge')),
  }),
  TraceEdge: object<Wire.TraceEdges['edges'][number]>({ from: nullable(text), to: text, ...outcomes }),
};
