/**
 * Diagnoses traces where they are read: a trace is large, what is said of it is little. Many at a time, because what is
 * normal is nearly the same for all of them, and traces that lie beside each other are of one granule.
 */
import type { HostView } from '../../../diagnose/hosts/host-view.ts';
import { normalKey } from '../../../diagnose/normals.ts';
import { foldPending } from '../../../diagnose/pending.ts';
import { buildTraceTree, type TraceTree } from '../../../diagnose/tree.ts';
import { judgeTrace, questionsOf, type Questions } from '../../../query/diagnose-by-history.ts';
import { diagnosisToSave } from '../../../query/diagnosis-to-save.ts';
import type { Span } from '../../../span.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Sketch } from '../../rollup/sketch.ts';
import type { DiagnosisToSave, NormalKey } from '../../store.ts';
import type { AddressServices } from './addresses.ts';
import type { createCallReader } from './calls.ts';
import type { Piece, TraceReader } from './traces.ts';
import type { Unit } from './units.ts';

/** Traces are held in memory together until they have so many spans. */
const SPANS_TOGETHER = 5_000;
/** Of one answer, and so of one look at the database: a second or two. */
const SPANS_MAX = 50_000;

/** By trace. */
export type HostViews = ReadonlyMap<string, readonly HostView[]>;

interface UnderstoodTrace {
  readonly sent: readonly Span[];
  readonly tree: TraceTree;
  readonly questions: Questions;
}

interface OpenTrace extends UnderstoodTrace {
  readonly traceId: string;
  readonly pieces: readonly Piece[];
  /** Durations of its own, of each key asked for: what is normal is told without them. */
  readonly own: readonly Sketch[];
}

export function createDiagnoser(
  reader: TraceReader,
  calls: ReturnType<typeof createCallReader>,
  addresses: AddressServices,
  readHostViews: (traceId: string) => readonly HostView[],
) {
  function open(units: readonly Unit[], traceId: string): OpenTrace | null {
    const pieces = reader.pieces(units, traceId, 'among many');
    const understood = undamaged(
      () => understand(reader.storedSpans(pieces, traceId)),
      () => understand(reader.spans(pieces)),
    );
    if (understood.sent.length === 0) return null;
    return {
      ...understood,
      traceId,
      pieces,
      own: calls.latenciesOf(understood.questions.normalKeys, pieces),
    };
  }

  function judge(traces: readonly OpenTrace[], hosts: HostViews): DiagnosisToSave[] {
    const keys = new Map<string, NormalKey>();
    const asked = new Set<string>();
    for (const { questions } of traces) {
      for (const key of questions.normalKeys) keys.set(keyOf(key), key);
      for (const address of questions.addresses) asked.add(address);
    }
    const services = addresses.some([...asked]);
    const known = calls.readLatencies([...keys.values()]);
    const latencies = new Map([...keys.keys()].map((key, index) => [key, known[index]!]));
    return traces.map((trace) => {
      const { traceId, pieces, questions, own } = trace;
      const all = questions.normalKeys.map((key) => latencies.get(keyOf(key))!);
      const normals = calls.normalsOf(questions.normalKeys, all, own);
      const views = questions.normalKeys.length === 0 ? [] : viewsOf(traceId, hosts.get(traceId));
      const conclude = ({ sent, tree }: UnderstoodTrace) =>
        diagnosisToSave(judgeTrace(traceId, tree, normals, services, views), sent);
      return undamaged(
        () => conclude(trace),
        () => conclude(understand(reader.spans(pieces))),
      );
    });
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
    let left = SPANS_MAX;
    const end = traceIds.findIndex((traceId, index) => {
      const isOver = left <= 0 && index > 0;
      left -= reader.countRows(units, traceId, SPANS_MAX);
      return isOver;
    });
    return end === -1 ? traceIds : traceIds.slice(0, end);
  }

  return (
    units: readonly Unit[],
    traceIds: readonly string[],
    hosts: HostViews = new Map(),
  ): DiagnosisToSave[] => {
    const diagnosed: DiagnosisToSave[] = [];
    let opened: OpenTrace[] = [];
    let spans = 0;
    // As they lie in the blocks, so that each granule is decoded once.
    for (const traceId of firstOf(units, traceIds).toSorted()) {
      const trace = open(units, traceId);
      if (trace === null) continue;
      opened.push(trace);
      spans += trace.sent.length;
      if (spans < SPANS_TOGETHER) continue;
      diagnosed.push(...judge(opened, hosts));
      opened = [];
      spans = 0;
    }
    return [...diagnosed, ...judge(opened, hosts)];
  };
}

function understand(sent: readonly Span[]): UnderstoodTrace {
  const spans = foldPending(sent);
  const tree = buildTraceTree(spans);
  return { sent, tree, questions: questionsOf(spans, tree) };
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

function keyOf({ service, operation, kind }: NormalKey): string {
  return normalKey(service, operation, kind);
}
