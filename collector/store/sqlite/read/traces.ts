/** Reads traces whole, wherever their spans lie: decoded, as OTLP bytes, or as facts for a list. */
import { decodeSpan, encodeTracesData, type ResourceGroup } from '../../../decode/otlp-protobuf.ts';
import type { Span } from '../../../span.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import { decodeStored } from '../../columns/decode-stored.ts';
import type { Granule } from '../../columns/granule.ts';
import { createSpanMaker, type SpanMaker } from '../../columns/stored-span.ts';
import { spanIdOf, startMsOf } from '../../columns/span-table.ts';
import { withoutCopies, type TracePiece } from '../../search/trace-pieces.ts';
import type { SpanIdentity } from '../../store.ts';
import type { Names } from './names.ts';
import { runOfTrace } from './trace-directory.ts';
import type { TraceUnit } from './units.ts';

export type Piece = TracePiece<Granule>;

export interface TraceReader {
  /**
   * Without copies; empty when the trace is unknown. No other rows are decoded: many traces are read by many-traces.ts.
   */
  pieces(units: readonly TraceUnit[], traceId: string): Piece[];
  /** The same; null when it has more rows than `rowsMax`, copies included. */
  piecesUpTo(units: readonly TraceUnit[], traceId: string, rowsMax: number): Piece[] | null;
  /** How many rows the trace has, copies included; no further than it takes to know that they are more than `most`. */
  countRows(units: readonly TraceUnit[], traceId: string, most: number): number;
  /** By start. */
  spans(pieces: readonly Piece[]): Span[];
  span(granule: Granule, row: number): Span;
  /** As `spans`, much quicker: for whoever is in this thread, and asks few attributes of most of them. Throws DamagedPart. */
  storedSpans(pieces: readonly Piece[], traceId: string): Span[];
  /** OTLP TracesData, grouped by resource and scope; null when there is no piece. */
  bytes(pieces: readonly Piece[]): Uint8Array<ArrayBuffer> | null;
  ofIdentities(units: readonly TraceUnit[], ids: readonly SpanIdentity[]): Span[];
}

/** `onDamage` is told of what could not be read; the rest is served. */
export function createTraceReader(names: Names, onDamage: (what: string) => void): TraceReader {
  /** Tells of the trace's rows, granule by granule, until `take` says that it has enough. */
  function eachRun(
    units: readonly TraceUnit[],
    traceId: string,
    take: (granule: Granule, run: number) => 'more' | 'enough',
  ): void {
    const id = Buffer.from(traceId, 'hex');
    for (const unit of units) {
      try {
        for (const number of unit.directory().granulesOf(id)) {
          const granule = unit.granule(number, 'alone');
          const run = runOfTrace(granule, id);
          if (run !== null && take(granule, run) === 'enough') return;
        }
      } catch (error) {
        if (!(error instanceof DamagedPart)) throw error;
        onDamage(`${unit.name}: ${error.message}`);
      }
    }
  }

  function piecesOf(units: readonly TraceUnit[], traceId: string, rowsMax: number): Piece[] | null {
    const found: Piece[] = [];
    let count = 0;
    eachRun(units, traceId, (granule, run) => {
      const { starts } = granule.traces;
      count += starts[run + 1]! - starts[run]!;
      if (count > rowsMax) return 'enough';
      const { rows, first, end } = granule.ofRun(run);
      decodeFacts(rows);
      const at = new Uint32Array(end - first);
      for (let i = 0; i < at.length; i++) at[i] = first + i;
      found.push({ rows, at });
      return 'more';
    });
    // Within a unit copies were left out when it was made; a segment is as it came.
    return count > rowsMax ? null : withoutCopies(found);
  }

  const pieces: TraceReader['pieces'] = (units, traceId) => piecesOf(units, traceId, Infinity)!;

  function countRows(units: readonly TraceUnit[], traceId: string, most: number): number {
    let count = 0;
    eachRun(units, traceId, ({ traces: { starts } }, run) => {
      count += starts[run + 1]! - starts[run]!;
      return count > most ? 'enough' : 'more';
    });
    return count;
  }

  function span(granule: Granule, row: number): Span {
    const resource = names.decodedResource(granule.resource[row]!);
    const scope = names.decodedScope(granule.scope[row]!);
    return decodeStored(() => decodeSpan(granule.spanBytes(row), resource, scope));
  }

  /** What it learns of a granule's shapes holds for the other traces of the granule. */
  const makers = new WeakMap<Granule, SpanMaker>();
  function makerOf(granule: Granule): SpanMaker {
    let maker = makers.get(granule);
    if (maker === undefined) makers.set(granule, (maker = createSpanMaker(granule, names)));
    return maker;
  }

  /** What is made of each row; those that cannot be read are left out. */
  function readable<Row, T>(rows: readonly Row[], make: (row: Row) => T): T[] {
    return rows.flatMap((row) => {
      try {
        return [make(row)];
      } catch (error) {
        if (!(error instanceof DamagedPart)) throw error;
        onDamage(`spans: ${error.message}`);
        return [];
      }
    });
  }

  /** Rows of all pieces by start; equal starts stay in order. */
  function rowsByStart(pieces: readonly Piece[]): { granule: Granule; row: number; startMs: number }[] {
    return pieces
      .flatMap(({ rows: granule, at }) =>
        Array.from(at, (row) => ({ granule, row, startMs: startMsOf(granule, row) })),
      )
      .toSorted((a, b) => a.startMs - b.startMs);
  }

  return {
    pieces,
    piecesUpTo: piecesOf,
    countRows,
    span,
    spans: (of) => readable(rowsByStart(of), ({ granule, row }) => span(granule, row)),
    storedSpans(of, traceId) {
      const spans = of.flatMap(({ rows: granule, at }) => makerOf(granule)(at, traceId));
      // Rows of a piece are in order: what is left to do is to merge the pieces.
      return spans.toSorted(byStart);
    },
    bytes(of) {
      const rows = rowsByStart(of);
      if (rows.length === 0) return null;
      const byResource = Map.groupBy(rows, ({ granule, row }) => granule.resource[row]!);
      const groups = readable([...byResource], ([resource, ofResource]): ResourceGroup => {
        const byScope = Map.groupBy(ofResource, ({ granule, row }) => granule.scope[row]!);
        const scopes = readable([...byScope], ([scope, ofScope]) => ({
          scope: names.scopeContext(scope),
          spans: readable(ofScope, ({ granule, row }) => granule.spanBytes(row)),
        }));
        return { resource: names.resourceContext(resource), scopes };
      });
      return Uint8Array.from(encodeTracesData(groups));
    },
    ofIdentities(units, ids) {
      const byTrace = Map.groupBy(ids, ({ traceId }) => traceId);
      return [...byTrace].flatMap(([traceId, wanted]) => {
        const spanIds = new Set(wanted.map(({ spanId }) => spanId));
        return pieces(units, traceId).flatMap(({ rows, at }) =>
          readable(
            [...at].filter((row) => spanIds.has(spanIdOf(rows, row))),
            (row) => span(rows, row),
          ),
        );
      });
    },
  };
}

function byStart(a: Span, b: Span): number {
  return a.startUnixNano < b.startUnixNano ? -1 : a.startUnixNano > b.startUnixNano ? 1 : 0;
}

/** Decodes what all need who read a piece: damage in it leaves the piece out, instead of failing an answer later. */
export function decodeFacts(granule: Granule): void {
  void [granule.spanId, granule.parentSpanId, granule.startLow, granule.endLow, granule.classes.of];
}
