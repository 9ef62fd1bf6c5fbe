/**
 * Diagnoses traces where they are read: a trace is large, what is said of it is little. Many at a time, because what is
 * normal is nearly the same for all of them, and traces that lie beside each other are of one granule.
 */
import type { HostView } from '../../../diagnose/hosts/host-view.ts';
import { foldPending } from '../../../diagnose/pending.ts';
import { buildTraceTree } from '../../../diagnose/tree.ts';
import { judgeTrace, questionsOf } from '../../../query/diagnose-by-history.ts';
import { diagnosisToSave } from '../../../query/diagnosis-to-save.ts';
import type { Span } from '../../../span.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Sketch } from '../../rollup/sketch.ts';
import type { DiagnosisToSave, NormalKey } from '../../store.ts';
import type { AddressServices } from './addresses.ts';
import type { createCallReader } from './calls.ts';
import type { TraceReader } from './traces.ts';
import type { Unit } from './units.ts';

/** Of one answer, and so of one look at the database: a second or two. */
const SPANS_MAX = 50_000;

/** By trace. */
export type HostViews = ReadonlyMap<string, readonly HostView[]>;

/** What is read for one trace of an answer is remembered for the next ones. */
interface History {
  latencyOf(key: NormalKey): Sketch;
  servicesOf(addresses: readonly string[]): ReadonlyMap<string, string>;
}

export function createDiagnoser(
  reader: TraceReader,
  calls: ReturnType<typeof createCallReader>,
  addresses: AddressServices,
  readHostViews: (traceId: string) => readonly HostView[],
) {
  /** null when the trace is not there. */
  function diagnose(
    units: readonly Unit[],
    traceId: string,
    hosts: HostViews,
    history: History,
  ): DiagnosisToSave | null {
    const pieces = reader.pieces(units, traceId, 'among many');
    function judge(sent: readonly Span[]): DiagnosisToSave | null {
      if (sent.length === 0) return null;
      const spans = foldPending(sent);
      const tree = buildTraceTree(spans);
      const { normalKeys, addresses } = questionsOf(spans, tree);
      if (normalKeys.length === 0) return diagnosisToSave(judgeTrace(traceId, tree, [], new Map()), sent);
      const normals = calls.normalsOf(normalKeys, history.latencyOf, calls.latenciesOf(normalKeys, pieces));
      const views = viewsOf(traceId, hosts.get(traceId));
      return diagnosisToSave(judgeTrace(traceId, tree, normals, history.servicesOf(addresses), views), sent);
    }
    return undamaged(
      () => judge(reader.storedSpans(pieces, traceId)),
      () => judge(reader.spans(pieces)),
    );
  }

  /** What is said of a call takes the place of what was kept of it, and that once: it was kept with each verdict of the call. */
  function viewsOf(traceId: string, said: readonly HostView[] = []): readonly HostView[] {
    const spanIds = new Set(said.map(({ spanId }) => spanId));
    const kept = readHostViews(traceId).filter(({ spanId }) => !spanIds.has(spanId));
    const byEnd = kept.map(
      (view) => [JSON.stringify([view.spanId, view.side, view.host, view.networkNamespace]), view] as const,
    );
    return [...said, ...new Map(byEnd).values()];
  }

  /** As many as one answer is made of, and one at least: those that wait longest stand first. */
  function firstOf(units: readonly Unit[], traceIds: readonly string[]): readonly string[] {
    // As they lie in the blocks.
    const rows = new Map(
      traceIds.toSorted().map((traceId) => [traceId, reader.countRows(units, traceId, SPANS_MAX)]),
    );
    let left = SPANS_MAX;
    const end = traceIds.findIndex((traceId, index) => {
      const isOver = left <= 0 && index > 0;
      left -= rows.get(traceId)!;
      return isOver;
    });
    return end === -1 ? traceIds : traceIds.slice(0, end);
  }

  return (
    units: readonly Unit[],
    traceIds: readonly string[],
    hosts: HostViews = new Map(),
  ): DiagnosisToSave[] => {
    const history = { latencyOf: calls.latenciesNow(), servicesOf: rememberServices(addresses) };
    // As they lie in the blocks, so that each granule is decoded once.
    return firstOf(units, traceIds)
      .toSorted()
      .map((traceId) => diagnose(units, traceId, hosts, history))
      .filter((diagnosis) => diagnosis !== null);
  };
}

/** Asks about each address once. */
function rememberServices(services: AddressServices): History['servicesOf'] {
  const asked = new Set<string>();
  const known = new Map<string, string>();
  return (addresses) => {
    for (const address of addresses) {
      if (asked.has(address)) continue;
      asked.add(address);
      const service = services.one(address);
      if (service !== null) known.set(address, service);
    }
    return known;
  };
}

/** Spans may say only when they are asked that they are damaged; then the trace is taken `without` those. */
function undamaged<T>(whole: () => T, without: () => T): T {
  try {
    return whole();
  } catch (error) {
    if (!(error instanceof DamagedPart)) throw error;
    return without();
  }
}
