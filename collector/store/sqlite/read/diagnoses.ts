/**
 * Diagnoses traces where they are read: a trace is large, what is said of it is little. Many at a time, because what is
 * normal is nearly the same for all of them, and traces that lie beside each other are of one granule.
 */
import type { HostView } from '../../../diagnose/hosts/host-view.ts';
import { foldPending } from '../../../diagnose/pending.ts';
import { buildTraceTree } from '../../../diagnose/tree.ts';
import { judgeTrace, normalsByKey, questionsOf } from '../../../query/diagnose-by-history.ts';
import { diagnosisToSave } from '../../../query/diagnosis-to-save.ts';
import { ADDRESSES_MAX, addressesOf } from '../../../query/trace-callees.ts';
import type { Span } from '../../../span.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Sketch } from '../../rollup/sketch.ts';
import type { DiagnosisToSave, NormalKey } from '../../store.ts';
import type { AddressServices } from './addresses.ts';
import type { createCallReader } from './calls.ts';
import { openFailedRows, type FailedRows } from './failed-rows.ts';
import { findTraces, type FoundTrace } from './many-traces.ts';
import type { TraceReader } from './traces.ts';
import type { OnDamage, TraceUnit } from './units.ts';
import type { createVerdictReader } from './verdicts.ts';

/** Of one answer, and so of one look at the database: a second or two. */
const SPANS_MAX = 50_000;

/** By trace. */
export type HostViews = ReadonlyMap<string, readonly HostView[]>;

/** What is read for one trace of an answer is remembered for the next ones. */
interface History {
  latencyOf(key: NormalKey): Sketch;
  serviceOf(address: string): string | undefined;
  /** Most traces are judged for the first time: nothing was kept of them. */
  readonly judgedBefore: ReadonlySet<string>;
}

export function createDiagnoser(
  reader: TraceReader,
  calls: ReturnType<typeof createCallReader>,
  addresses: AddressServices,
  verdicts: Pick<ReturnType<typeof createVerdictReader>, 'someJudged' | 'readHostViews'>,
  onDamage: OnDamage,
) {
  /** null when the trace is not there. */
  function diagnose(
    found: FoundTrace,
    traceId: string,
    hosts: HostViews,
    history: History,
  ): DiagnosisToSave | null {
    const pieces = found.pieces();
    function judge(sent: readonly Span[]): DiagnosisToSave | null {
      if (sent.length === 0) return null;
      const spans = foldPending(sent);
      const tree = buildTraceTree(spans);
      // Half of the give-ups need neither: that something was refused explains itself.
      const normals = whenAsked(() => {
        const { normalKeys } = questionsOf(spans, tree);
        return normalsByKey(
          calls.normalsOf(normalKeys, history.latencyOf, calls.latenciesOf(normalKeys, pieces)),
        );
      });
      const known = whenAsked(() => (spans.length <= ADDRESSES_MAX ? null : new Set(addressesOf(spans))));
      const kept = history.judgedBefore.has(traceId) ? verdicts.readHostViews(traceId) : [];
      const views = viewsOf(kept, hosts.get(traceId));
      // Few of a trace's calls are spoken of.
      const services = {
        get: (address: string) => (known()?.has(address) === false ? undefined : history.serviceOf(address)),
      };
      const diagnosis = judgeTrace(traceId, tree, { get: (key) => normals().get(key) }, services, views);
      return diagnosisToSave(diagnosis, sent);
    }
    return undamaged(
      () => judge(reader.storedSpans(pieces, traceId)),
      () => judge(reader.spans(pieces)),
    );
  }

  /** What is said of a call takes the place of what was kept of it, and that once: it was kept with each verdict of the call. */
  function viewsOf(kept: readonly HostView[], said: readonly HostView[] = []): readonly HostView[] {
    if (kept.length === 0) return said;
    const spanIds = new Set(said.map(({ spanId }) => spanId));
    const others = kept.filter(({ spanId }) => !spanIds.has(spanId));
    const byEnd = others.map(
      (view) => [JSON.stringify([view.spanId, view.side, view.host, view.networkNamespace]), view] as const,
    );
    return [...said, ...new Map(byEnd).values()];
  }

  return (
    units: readonly TraceUnit[],
    traceIds: readonly string[],
    hosts: HostViews = new Map(),
    failed: readonly FailedRows[] = [],
  ): DiagnosisToSave[] => {
    // As they lie in the blocks.
    const found = findTraces(units, traceIds.toSorted(), onDamage, openFailedRows(failed, onDamage));
    const judged = firstOf(found, traceIds);
    const history = {
      latencyOf: calls.latenciesNow(),
      serviceOf: rememberServices(addresses),
      judgedBefore: verdicts.someJudged(judged),
    };
    return judged
      .toSorted()
      .map((traceId) => diagnose(found.get(traceId)!, traceId, hosts, history))
      .filter((diagnosis) => diagnosis !== null);
  };
}

/** As many as one answer is made of, and one at least: those that wait longest stand first. */
function firstOf(found: ReadonlyMap<string, FoundTrace>, traceIds: readonly string[]): readonly string[] {
  let left = SPANS_MAX;
  const end = traceIds.findIndex((traceId, index) => {
    const isOver = left <= 0 && index > 0;
    left -= found.get(traceId)!.rows;
    return isOver;
  });
  return end === -1 ? traceIds : traceIds.slice(0, end);
}

/** Asks about each address once. */
function rememberServices(services: AddressServices): (address: string) => string | undefined {
  const known = new Map<string, string | null>();
  return (address) => {
    let service = known.get(address);
    if (service === undefined) known.set(address, (service = services.one(address)));
    return service ?? undefined;
  };
}

/** Made when it is asked for, and once. */
function whenAsked<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
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
