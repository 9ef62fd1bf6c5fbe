/** Diagnoses a trace by what is stored now: what is normal for its operations, who its callees are. */
import type { DiagnosisContext } from '../diagnose/case.ts';
import { diagnoseTree } from '../diagnose/diagnose-trace.ts';
import { normalKey } from '../diagnose/normals.ts';
import { spansInQuestion } from '../diagnose/in-question.ts';
import type { TraceNode, TraceTree } from '../diagnose/tree.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import { operationOf, type Span } from '../span.ts';
import type { NormalKey, Store } from '../store/store.ts';
import { readCallees } from './trace-callees.ts';

/** A trace with more operations than this is judged by what is known of its first ones. */
const LOOKED_UP_MAX = 500;

/** What a trace is judged by beside its own spans. */
export type History = Pick<Store, 'readNormals' | 'readAddressServices'>;

export async function diagnoseByHistory(
  history: History,
  traceId: string,
  spans: readonly Span[],
  tree: TraceTree,
): Promise<Diagnosis> {
  const asked = spansInQuestion(tree);
  if (asked.size === 0) return diagnoseTree(traceId, tree, { normals: new Map() });
  const [normals, nameCallee] = await Promise.all([
    history.readNormals(normalKeysOf(asked), traceId),
    readCallees(history, spans),
  ]);
  const context: DiagnosisContext = {
    normals: new Map(
      normals.map((normal) => [normalKey(normal.service, normal.operation, normal.kind), normal]),
    ),
    nameCallee,
  };
  return diagnoseTree(traceId, tree, context);
}

function normalKeysOf(nodes: Iterable<TraceNode>): NormalKey[] {
  const keys = new Map<string, NormalKey>();
  for (const { service, span } of nodes) {
    if (keys.size >= LOOKED_UP_MAX) break;
    const key = { service, operation: operationOf(span), kind: span.kind };
    keys.set(normalKey(key.service, key.operation, key.kind), key);
  }
  return [...keys.values()];
}
