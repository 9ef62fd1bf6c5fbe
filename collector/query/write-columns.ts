/** A trace as the page opens it: its spans in, the file of columns out, its verdicts in the head. */
import { foldPending } from '../diagnose/pending.ts';
import { buildTraceTree } from '../diagnose/tree.ts';
import type { TraceColumnsHead } from '../serve/wire.ts';
import type { Span } from '../span.ts';
import { writeColumnFile } from './column-file.ts';
import { diagnoseByHistoryHere, type HistoryHere } from './diagnose-by-history.ts';
import { orderRows } from './row-order.ts';
import { traceColumns } from './trace-columns.ts';

/** `sent`: all of its spans, by start. */
export function writeColumns(
  traceId: string,
  sent: readonly Span[],
  history: HistoryHere,
  isPinned: boolean,
): Uint8Array<ArrayBuffer> {
  const spans = foldPending(sent);
  const tree = buildTraceTree(spans);
  const { verdicts } = diagnoseByHistoryHere(history, traceId, spans, tree);
  const counts = { received: sent.length, folded: spans.length };
  const { head, columns } = traceColumns(traceId, tree, orderRows(tree), counts, verdicts);
  return writeColumnFile<TraceColumnsHead>({ head: { ...head, pinned: isPinned }, columns });
}
