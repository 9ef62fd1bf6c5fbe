/**
 * Says what was said of a trace, or diagnoses it by what is stored now: what is normal for its operations, who its callees are.
 * A trace is judged anew when it has new spans, and not when what is normal changed: its page says what the lists say.
 */
import { diagnoseTree } from '../diagnose/diagnose-trace.ts';
import { normalKey, type Normals } from '../diagnose/normals.ts';
import { spansInQuestion } from '../diagnose/in-question.ts';
import type { HostView } from '../diagnose/hosts/host-view.ts';
import type { TraceNode, TraceTree } from '../diagnose/tree.ts';
import type { Diagnosis, Verdict } from '../diagnose/verdict.ts';
import { operationOf, type Span } from '../span.ts';
import type { Normal, NormalKey, Store } from '../store/store.ts';
import { addressesOf, nameCallees, type AddressServices } from './trace-callees.ts';

/** A trace with more operations than this is judged by what is known of its first ones. */
const LOOKED_UP_MAX = 500;

/** What a trace is judged by beside its own spans. */
export type History = Pick<
  Store,
  'readKeptVerdicts' | 'readNormals' | 'readAddressServices' | 'readHostViews'
>;
/** The same for whoever is where it is stored. */
export interface HistoryHere {
  readKeptVerdicts(traceId: string): readonly Verdict[] | null;
  readNormals(keys: readonly NormalKey[], exceptTraceId: string): Normal[];
  readAddressServices(addresses: readonly string[]): ReadonlyMap<string, string>;
  readHostViews(traceId: string): HostView[];
}

/** What is asked of it; nothing where nobody gave up. */
export interface Questions {
  readonly normalKeys: readonly NormalKey[];
  addresses(): readonly string[];
}

export async function diagnoseByHistory(
  history: History,
  traceId: string,
  spans: readonly Span[],
  tree: TraceTree,
): Promise<Diagnosis> {
  const kept = await history.readKeptVerdicts(traceId);
  if (kept !== null) return { traceId, complete: tree.complete, verdicts: [...kept] };
  const { normalKeys, addresses } = questionsOf(spans, tree);
  if (normalKeys.length === 0) return judgeTrace(traceId, tree, new Map(), new Map());
  const [normals, services, hosts] = await Promise.all([
    history.readNormals(normalKeys, traceId),
    history.readAddressServices(addresses()),
    history.readHostViews(traceId),
  ]);
  return judgeTrace(traceId, tree, normalsByKey(normals), services, hosts);
}

export function diagnoseByHistoryHere(
  history: HistoryHere,
  traceId: string,
  spans: readonly Span[],
  tree: TraceTree,
): Diagnosis {
  const kept = history.readKeptVerdicts(traceId);
  if (kept !== null) return { traceId, complete: tree.complete, verdicts: [...kept] };
  const { normalKeys, addresses } = questionsOf(spans, tree);
  if (normalKeys.length === 0) return judgeTrace(traceId, tree, new Map(), new Map());
  const normals = history.readNormals(normalKeys, traceId);
  const services = history.readAddressServices(addresses());
  return judgeTrace(traceId, tree, normalsByKey(normals), services, history.readHostViews(traceId));
}

export function questionsOf(spans: readonly Span[], tree: TraceTree): Questions {
  const asked = spansInQuestion(tree);
  return asked.size === 0
    ? { normalKeys: [], addresses: () => [] }
    : { normalKeys: normalKeysOf(asked), addresses: () => addressesOf(spans) };
}

/** `services` by the addresses that they answer behind; `hosts` is what hosts reported around its calls. */
export function judgeTrace(
  traceId: string,
  tree: TraceTree,
  normals: Normals,
  services: AddressServices,
  hosts: readonly HostView[] = [],
): Diagnosis {
  return diagnoseTree(traceId, tree, { normals, nameCallee: nameCallees(services), hosts });
}

export function normalsByKey(normals: readonly Normal[]): Normals {
  return new Map(normals.map((normal) => [normalKey(normal.service, normal.operation, normal.kind), normal]));
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
