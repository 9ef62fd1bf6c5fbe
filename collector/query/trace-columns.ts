/**
 * A trace as columns: what a page draws 100,000 spans from, without their attributes. The layout stands at
 * `TraceColumnsHead`. Pure.
 */
import { PROCESS_ENDED } from '../diagnose/pending.ts';
import { readPhases, type PhaseSlice } from '../diagnose/phases.ts';
import { peerLabel, type TraceNode, type TraceTree } from '../diagnose/tree.ts';
import { PHASES, type Phase, type Verdict } from '../diagnose/verdict.ts';
import type { TraceColumnsHead } from '../serve/wire.ts';
import { numberAttribute, operationOf, textAttribute } from '../span.ts';
import { createDictionary, type ColumnParts, type Dictionary } from './column-file.ts';
import { answersAbsentCall, isCycle } from './flaws.ts';
import type { RowOrder } from './row-order.ts';

const KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES = ['unset', 'ok', 'error'];
const OUTCOMES = ['ok', 'error', 'timeout', 'cancelled'];
const NOT_ENDED = 1;
const CYCLE = 2;
const ITS_PROCESS_ENDED = 4;
const CALL_ABSENT = 8;
const UNFINISHED = 128;
const SPAN_ID_BYTES = 8;
/** A call that ended in one of these had not sent its request. */
const BEFORE_REQUEST: ReadonlySet<Phase> = new Set(['queue', 'dns', 'connect', 'tls']);

/** How many spans were received, and how many they are with the snapshots of open ones folded, duplicates included. */
export interface SpanCounts {
  readonly received: number;
  readonly folded: number;
}

export function traceColumns(
  traceId: string,
  tree: TraceTree,
  { nodes, parents, missingParents }: RowOrder,
  { received, folded }: SpanCounts,
  verdicts: Verdict[],
): ColumnParts<TraceColumnsHead> {
  const lists = { services: createDictionary(), operations: createDictionary(), callees: createDictionary() };
  const dense = createDenseColumns(nodes.length, tree, lists);
  const sparse = createSparseColumns(nodes.length, lists.callees);
  nodes.forEach((node, index) => {
    dense.add(node, index);
    sparse.add(node, index);
  });
  const head = {
    traceId,
    complete: tree.complete,
    startUnixNano: String(tree.startUnixNano),
    durationMs: dense.lengthMs(),
    spans: nodes.length,
    received,
    duplicates: folded - nodes.length,
    services: lists.services.texts,
    operations: lists.operations.texts,
    kinds: KINDS,
    statuses: STATUSES,
    outcomes: OUTCOMES,
    phases: [...PHASES],
    callees: lists.callees.texts,
    missingParents: [...missingParents],
    verdicts,
  };
  return { head, columns: { ...dense.columns, parent: parents, ...sparse.columns() } };
}

/** What every span has. */
function createDenseColumns(
  count: number,
  tree: TraceTree,
  { services, operations }: { readonly services: Dictionary; readonly operations: Dictionary },
) {
  const columns = {
    start: new Float64Array(count),
    duration: new Float64Array(count),
    skew: new Float64Array(count),
    service: new Uint32Array(count),
    operation: new Uint32Array(count),
    spanId: new Uint8Array(count * SPAN_ID_BYTES),
    kind: new Uint8Array(count),
    status: new Uint8Array(count),
    outcome: new Uint8Array(count),
    marks: new Uint8Array(count),
  };
  let earliestMs = 0;
  let latestMs = 0;
  const writeSpanId = spanIdWriter(columns.spanId);
  return {
    columns,
    add(node: TraceNode, index: number): void {
      const { span, startMs, endMs, ended } = node;
      const durationMs = ended ? endMs - startMs : 0;
      columns.start[index] = startMs;
      columns.duration[index] = durationMs;
      columns.skew[index] = node.skewMs;
      columns.service[index] = services.numberOf(node.service);
      columns.operation[index] = operations.numberOf(operationOf(span));
      columns.kind[index] = KINDS.indexOf(span.kind);
      columns.status[index] = STATUSES.indexOf(span.status.code);
      columns.outcome[index] = OUTCOMES.indexOf(node.outcome.outcome);
      columns.marks[index] = marksOf(node, tree);
      writeSpanId(span.spanId, index);
      earliestMs = Math.min(earliestMs, startMs);
      latestMs = Math.max(latestMs, startMs + durationMs);
    },
    lengthMs: () => latestMs - earliestMs,
  };
}

function marksOf(node: TraceNode, tree: TraceTree): number {
  const { attributes } = node.span;
  const notEnded = !node.ended || attributes.has('sockeye.pending.span_id');
  return (
    (notEnded ? NOT_ENDED : 0) |
    (isCycle(node.span, node, tree) ? CYCLE : 0) |
    (attributes.has(PROCESS_ENDED) ? ITS_PROCESS_ENDED : 0) |
    (answersAbsentCall(node.span, node, tree) ? CALL_ABSENT : 0)
  );
}

/** Eight bytes an id. */
export function spanIdWriter(column: Uint8Array): (spanId: string, index: number) => void {
  const bytes = Buffer.from(column.buffer, column.byteOffset, column.byteLength);
  return (spanId, index) => void bytes.write(spanId, index * SPAN_ID_BYTES, 'hex');
}

/** What some spans have: phases, a known budget, a callee that was never heard of. */
function createSparseColumns(count: number, callees: Dictionary) {
  const phaseEnd = new Uint32Array(count);
  const phase: number[] = [];
  const phaseMs: number[] = [];
  const budgetOf: number[] = [];
  const budgetMs: number[] = [];
  const silentOf: number[] = [];
  const silentCallee: number[] = [];
  const silentNever: number[] = [];
  return {
    add(node: TraceNode, index: number): void {
      const slices = readPhases(node.span);
      for (const slice of slices) {
        phase.push(PHASES.indexOf(slice.phase) | (slice.open ? UNFINISHED : 0));
        phaseMs.push(slice.durationMs);
      }
      phaseEnd[index] = phase.length;
      const budget = budgetOfNode(node);
      if (budget !== null) {
        budgetOf.push(index);
        budgetMs.push(budget);
      }
      const silent = silentCalleeOf(node, slices);
      if (silent !== null) {
        silentOf.push(index);
        silentCallee.push(callees.numberOf(silent.callee));
        silentNever.push(silent.neverArrived ? 1 : 0);
      }
    },
    columns: () => ({
      phaseEnd,
      phase: Uint8Array.from(phase),
      phaseMs: Float32Array.from(phaseMs),
      budgetOf: Uint32Array.from(budgetOf),
      budgetMs: Float64Array.from(budgetMs),
      silentOf: Uint32Array.from(silentOf),
      silentCallee: Uint32Array.from(silentCallee),
      silentNever: Uint8Array.from(silentNever),
    }),
  };
}

function budgetOfNode({ span, outcome }: TraceNode): number | null {
  const known = outcome.giveUp?.budgetMs ?? numberAttribute(span.attributes, 'sockeye.timeout.budget_ms');
  return known !== null && known >= 0 ? known : null;
}

/** Of a failed outgoing call without a span of its callee, when the call tells how far it came. */
function silentCalleeOf(
  { span, children }: TraceNode,
  slices: readonly PhaseSlice[],
): { callee: string; neverArrived: boolean } | null {
  if (span.kind !== 'client' || span.status.code !== 'error' || children.length > 0) return null;
  const last = slices.at(-1);
  const callee = textAttribute(span.attributes, 'peer.service') || peerLabel(span);
  if (last === undefined || callee === null) return null;
  return { callee, neverArrived: BEFORE_REQUEST.has(last.phase) };
}
