/** Answers what the page opens a trace with, in the thread that reads it: nothing of the trace is sent on but the answer. */
import type { HistoryHere } from '../../../query/diagnose-by-history.ts';
import { writeColumns } from '../../../query/write-columns.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Piece, TraceReader } from './traces.ts';

export interface ColumnsAsked {
  readonly traceId: string;
  /** Of a larger trace only its size is answered. */
  readonly spansMax: number;
}
/** null when the trace is unknown; a number: it has so many spans, more than was asked for. */
export type ColumnsAnswer = Uint8Array<ArrayBuffer> | number | null;

export function createColumnsReader(
  traces: TraceReader,
  piecesOf: (traceId: string) => Piece[],
  history: HistoryHere,
  isPinned: (traceId: string) => boolean,
): (asked: ColumnsAsked) => ColumnsAnswer {
  return ({ traceId, spansMax }) => {
    const pieces = piecesOf(traceId);
    const count = pieces.reduce((sum, { at }) => sum + at.length, 0);
    if (count === 0) return null;
    if (count > spansMax) return count;
    try {
      return writeColumns(traceId, traces.storedSpans(pieces, traceId), history, isPinned(traceId));
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      // One by one, without those that cannot be read.
      const spans = traces.spans(pieces);
      return spans.length === 0 ? null : writeColumns(traceId, spans, history, isPinned(traceId));
    }
  };
}
