/** Answers what the page opens a trace with, in the thread that reads it: nothing of the trace is sent on but the answer. */
import type { HistoryHere } from '../../../query/diagnose-by-history.ts';
import { writeColumns } from '../../../query/write-columns.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { TraceReader } from './traces.ts';
import type { TraceUnit } from './units.ts';

export interface ColumnsAsked {
  readonly traceId: string;
  /** A larger trace is for another thread. */
  readonly spansMax: number;
}
/** null when the trace is unknown. */
export type ColumnsAnswer = Uint8Array<ArrayBuffer> | 'too many' | null;

export function createColumnsReader(
  traces: TraceReader,
  unitsNow: () => readonly TraceUnit[],
  history: HistoryHere,
  isPinned: (traceId: string) => boolean,
): (asked: ColumnsAsked) => ColumnsAnswer {
  return ({ traceId, spansMax }) => {
    const units = unitsNow();
    if (traces.countRows(units, traceId, spansMax) > spansMax) return 'too many';
    const pieces = traces.pieces(units, traceId);
    if (pieces.length === 0) return null;
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
