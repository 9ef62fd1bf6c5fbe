/** Diagnoses a trace from what is stored now: its spans, what is normal for their operations, who their callees are. */
import type { DiagnosisContext } from '../diagnose/case.ts';
import { diagnoseTrace } from '../diagnose/diagnose-trace.ts';
import { normalKey } from '../diagnose/normals.ts';
import type { Diagnosis } from '../diagnose/verdict.ts';
import { serviceOf, type Span, operationOf } from '../span.ts';
import type { NormalKey, Store } from '../store/store.ts';
import { readCallees } from './trace-callees.ts';

/** A trace with more operations than this is judged by what is known of its first ones. */
const LOOKED_UP_MAX = 500;

export interface StoredDiagnosis {
  readonly diagnosis: Diagnosis;
  /** How many spans it was made from. */
  readonly spanCount: number;
}

/** null when the trace is not stored. */
export async function diagnoseStored(store: Store, traceId: string): Promise<StoredDiagnosis | null> {
  const spans = await store.readTrace(traceId);
  if (spans.length === 0) return null;
  const [normals, nameCallee] = await Promise.all([
    store.readNormals(normalKeysOf(spans), traceId),
    readCallees(store, spans),
  ]);
  const context: DiagnosisContext = {
    normals: new Map(
      normals.map((normal) => [normalKey(normal.service, normal.operation, normal.kind), normal]),
    ),
    nameCallee,
  };
  return { diagnosis: diagnoseTrace(traceId, spans, context), spanCount: spans.length };
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
