/**
 * Answers what is made of a whole trace in the thread that reads it: its OTLP, the columns that the page opens it with,
 * where its time went. Nothing of the trace is sent on but the answer.
 */
import { foldPending } from '../../../diagnose/pending.ts';
import { buildTraceTree } from '../../../diagnose/tree.ts';
import type { HistoryHere } from '../../../query/diagnose-by-history.ts';
import { splitByPhase } from '../../../query/trace-phases.ts';
import { writeColumns } from '../../../query/write-columns.ts';
import type { TracePhases } from '../../../serve/wire.ts';
import type { Span } from '../../../span.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { TraceReader } from './traces.ts';
import type { TraceUnit } from './units.ts';

export interface ViewAsked {
  readonly traceId: string;
  /** A larger trace is for another thread. */
  readonly spansMax: number;
}
/** null when the trace is unknown. */
export type ViewAnswer<View> = View | 'too many' | null;

export function createTraceViews(
  traces: TraceReader,
  unitsNow: () => readonly TraceUnit[],
  history: HistoryHere,
  isPinned: (traceId: string) => boolean,
) {
  const piecesOf = ({ traceId, spansMax }: ViewAsked) => traces.piecesUpTo(unitsNow(), traceId, spansMax);

  function answer<View>(asked: ViewAsked, make: (spans: readonly Span[]) => View): ViewAnswer<View> {
    const { traceId } = asked;
    const pieces = piecesOf(asked);
    if (pieces === null) return 'too many';
    if (pieces.length === 0) return null;
    try {
      return make(traces.storedSpans(pieces, traceId));
    } catch (error) {
      if (!(error instanceof DamagedPart)) throw error;
      // One by one, without those that cannot be read.
      const spans = traces.spans(pieces);
      return spans.length === 0 ? null : make(spans);
    }
  }

  return {
    readTraceBytes(asked: ViewAsked): ViewAnswer<Uint8Array<ArrayBuffer>> {
      const pieces = piecesOf(asked);
      return pieces === null ? 'too many' : traces.bytes(pieces);
    },
    readTraceColumns: (asked: ViewAsked): ViewAnswer<Uint8Array<ArrayBuffer>> =>
      answer(asked, (spans) => writeColumns(asked.traceId, spans, history, isPinned(asked.traceId))),
    readTracePhases: (asked: ViewAsked): ViewAnswer<TracePhases> =>
      answer(asked, (spans) => ({
        traceId: asked.traceId,
        ...splitByPhase(buildTraceTree(foldPending(spans))),
      })),
  };
}
