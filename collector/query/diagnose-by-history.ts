/** Diagnoses a trace by what is stored now: what is normal for its operations, who its callees are. */
import type { DiagnosisContext } from '../diagnose/case.ts';
import { diagnoseTree } from '../diagnose/diagnose-trace.ts';
import { normalKey } from '../diagnose/normals.ts';
import type { TraceTree } from '../diagnose/tree.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import { serviceOf, type Span, operationOf } from '../span.ts';
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
  const [normals, nameCallee] = await Promise.all([
    history.readNormals(normalKeysOf(spans), traceId),
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

function normalKeysOf(spans: readonly Span[]): NormalKey[] {
  const keys = new Map<string, NormalKey>();
  for (const span of spans) {
    if (keys.size >= LOOKED_UP_MAX) break;
    const key = { service: serviceOf(span), operation: operationOf(span), kind: span.kind };
    keys.set(normalKey(key.service, key.operation, key.kind), key);
  }
  return [...keys.values()];
}
