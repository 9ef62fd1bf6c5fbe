/** Traces that are too large to be one JSON document: typed arrays, and what is asked for one span at a time. Types only. */
import type { Phase, Verdict } from '../diagnose/verdict.ts';
import type { TraceSummary, WireAttributes } from './wire.ts';

/**
 * Answers of `format=columns` and `format=texts`: a head in JSON, and typed arrays behind it. The first four bytes are the
 * head's length. All little-endian.
 */
export interface ColumnPlace {
  type: 'u8' | 'u32' | 'i32' | 'f32' | 'f64';
  /** Bytes from the head's end; null where every entry is 0 and none is written. */
  at: number | null;
  length: number;
}
export interface ColumnHead {
  columns: { [name: string]: ColumnPlace };
}
/**
 * A trace as the page opens it: one entry a span in every column, callers before callees and earlier calls before later
 * ones.
 *
 *     spanId u8 × 8   service, operation u32   kind, status, outcome u8   (indexes into the head's lists)
 *     start, duration, skew f64   parent i32
 *     marks u8: 1 not ended, 2 its parent is its own descendant, 4 its process ended before it did, 8 the call
 *       that it answers has not arrived
 *     phaseEnd u32 (where the span's entries of the phase columns end)   phase u8, +128 when unfinished   phaseMs f32
 *     budgetOf u32, budgetMs f64: spans whose budget is known
 *     silentOf u32, silentCallee u32, silentNever u8: failed calls of which no span of the callee came; 1 never arrived
 *
 * `parent` is a span's index, -1 at a root, and -2 - n where the n-th of `missingParents` was not received.
 */
export interface TraceColumnsHead extends ColumnHead {
  traceId: string;
  /** Kept past retention; not there for a trace of a file. */
  pinned?: boolean;
  complete: boolean;
  startUnixNano: string;
  durationMs: number;
  spans: number;
  /** As they came: duplicates, and snapshots of spans that have not ended, included. */
  received: number;
  /** Sent again under the same id, and left out. */
  duplicates: number;
  services: string[];
  operations: string[];
  kinds: string[];
  statuses: string[];
  outcomes: string[];
  phases: Phase[];
  callees: string[];
  missingParents: string[];
  verdicts: Verdict[];
}
/**
 * What find looks through: `key=value` lines, each once. Columns: spanId u8 × 8; textEnd u32 with text u32 (a span's own
 * lines); context u32 with contextEnd u32 and contextText u32 (lines of its resource and scope).
 */
export interface TraceTextsHead extends ColumnHead {
  spans: number;
  texts: string[];
}

/** What `POST /api/look` finds in a file: its newest traces, at most 1,000. */
export interface LookedAt {
  traces: TraceSummary[];
  total: number;
  /** Spans that the collector would refuse, which are left out. */
  refused: number;
  /** Why they would be, or what looks wrong with the others; '' when all is well. */
  message: string;
}
/**
 * One trace of a file: its columns and, for the same spans in the same order, the texts; and every span's `SpanDetail` as
 * JSON, in `detail` u8 up to the span's entry of `detailEnd` u32.
 */
export type LookedTraceHead = TraceColumnsHead & TraceTextsHead;

/** What a span says beside its times: `offsetMs` of an event counts from the span's start. */
export interface SpanDetail {
  spanId: string;
  kind: string;
  startUnixNano: string;
  status: { code: string; message: string };
  attributes: WireAttributes;
  resource: WireAttributes;
  scope: WireAttributes;
  events: { name: string; offsetMs: number; attributes: WireAttributes }[];
  links: { traceId: string; spanId: string; attributes: WireAttributes }[];
  traceState: string;
  flags: number;
  dropped: { attributes?: number; events?: number; links?: number };
  flaws: string[];
}
/** Several where several spans have one id. */
export interface SpanDetails {
  spans: SpanDetail[];
}
