/** Reads single calls: the newest of an edge, and what is normal for an operation. */
import { normalKey } from '../../../diagnose/normals.ts';
import type { Span } from '../../../span.ts';
import { CLIENT, IS_SNAPSHOT, IS_STREAM, OK, PRODUCER, SERVER, TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { startMsOf } from '../../columns/span-table.ts';
import { decidedLines } from '../../rollup/decided-lines.ts';
import {
  clearLines,
  CODES,
  createLines,
  durationMsOfLine,
  LINE_WORDS,
  OPERATION,
} from '../../rollup/row-lines.ts';
import {
  bucketOf,
  countBucket,
  emptySketch,
  latencyWithout,
  subtractSketch,
  type Sketch,
} from '../../rollup/sketch.ts';
import type { Edge, Normal, NormalKey, TimeRange } from '../../store.ts';
import { addGranuleLines } from '../write/make-lines.ts';
import type { Names, OperationRow } from './names.ts';
import type { createRollupReader } from './rollups.ts';
import { calleeOfRow, createServerFinder, isRoot, type CallRun, type ServerFinder } from './paired-rows.ts';
import type { Piece, TraceReader } from './traces.ts';
import { eachGranule, newestUnits, type OnDamage, type Unit } from './units.ts';

/** Spans are enough that say what is normal for an operation. */
const NORMAL_SPANS_MAX = 1_000;
const CALLS_LOOKED_AT_MAX = 5_000;
/** Of a trace whose own durations are left out: most are smaller. */
const FEW_LINES = 256;
/** All rows are of one trace: nobody asks which. */
const ANY_TRACE = new Uint8Array(TRACE_ID_BYTES);

export function createCallReader(
  reader: TraceReader,
  names: Names,
  addressServices: { all(): ReadonlyMap<string, string> },
  rollups: ReturnType<typeof createRollupReader>,
  onDamage: OnDamage,
) {
  /** Rows of a granule that could be calls of the edge, by class. */
  function candidates(granule: Granule, { caller, callee }: Edge, range: TimeRange): number[] {
    const { classes } = granule;
    const ofClass = Array.from({ length: classes.count }, (_, index) => {
      const kind = classes.kind[index]!;
      const service = names.service(classes.operation[index]!);
      if (caller === null) return kind === SERVER && service === callee;
      return (kind === CLIENT || kind === PRODUCER) && service === caller;
    });
    if (!ofClass.includes(true)) return [];
    return Array.from({ length: granule.rows }, (_, row) => row).filter((row) => {
      if (!ofClass[classes.of[row]!]) return false;
      const startMs = startMsOf(granule, row);
      return startMs >= range.fromUnixMs && startMs < range.toUnixMs;
    });
  }

  function isOfEdge(
    of: CallRun,
    row: number,
    { caller, callee }: Edge,
    servers: ServerFinder,
    remembered: ReadonlyMap<string, string>,
  ): boolean {
    const { granule } = of;
    if (caller === null) return isRoot(granule, row);
    if (granule.peer[row] === 0) return false;
    return calleeOfRow(granule, row, servers.find(of, row), names, remembered) === callee;
  }

  /** Of which trace's rows each of these rows, rising, is one. */
  function* inRuns(unit: Unit, granule: Granule, rows: readonly number[]): Generator<[CallRun, number]> {
    const { starts } = granule.traces;
    let run = -1;
    let of: CallRun | null = null;
    for (const row of rows) {
      if (of === null || row >= of.decoded.end) {
        do run++;
        while (starts[run + 1]! <= row);
        of = { unit, granule, run, decoded: { rows: granule, first: starts[run]!, end: starts[run + 1]! } };
      }
      yield [of, row];
    }
  }

  /** Gives the durations of a key's newest spans, enough to say what is normal. To be asked within one transaction. */
  function latenciesNow(): (key: NormalKey) => Sketch {
    let cellOf: ReturnType<typeof rollups.operationCells> | null = null;
    const known = new Map<string, Sketch>();
    return (key) => {
      const name = normalKey(key.service, key.operation, key.kind);
      let latency = known.get(name);
      if (latency === undefined) {
        cellOf ??= rollups.operationCells(NORMAL_SPANS_MAX);
        const { latency: all, serverLatency: decided } = cellOf(key);
        latency = decided === null ? all : subtractSketch(all, decided);
        known.set(name, latency);
      }
      return latency;
    };
  }

  /** Of each span of each trace: names are kept, and so are their keys. */
  const keyOfRow = new WeakMap<OperationRow, string>();
  function keyOf(operation: OperationRow): string {
    let key = keyOfRow.get(operation);
    if (key === undefined) {
      key = normalKey(operation.service, operation.name, operation.kind);
      keyOfRow.set(operation, key);
    }
    return key;
  }

  const keptLines = createLines(FEW_LINES);
  /** The durations in these pieces of a trace, of each key, as the rollups count what is normal. */
  function latenciesOf(keys: readonly NormalKey[], judged: readonly Piece[]): Sketch[] {
    const latencies = keys.map(emptySketch);
    if (keys.length === 0) return latencies;
    const indexOf = new Map(
      keys.map(({ service, operation, kind }, index) => [normalKey(service, operation, kind), index]),
    );
    const rows = judged.reduce((sum, { at }) => sum + at.length, 0);
    const lines = rows > FEW_LINES ? createLines(rows) : keptLines;
    clearLines(lines);
    for (const { rows: granule, at } of judged) {
      // Row by row only where copies were left out.
      for (let first = 0, end = 1; first < at.length; first = end++) {
        while (end < at.length && at[end] === at[end - 1]! + 1) end++;
        addGranuleLines(lines, granule, ANY_TRACE, at[first]!, at[end - 1]! + 1);
      }
    }
    const { words } = lines;
    const decided = decidedLines(lines, 0, lines.count);
    for (let line = 0, at = 0; line < lines.count; line++, at += LINE_WORDS) {
      const operation = names.operationRow(words[at + OPERATION]!);
      const index = indexOf.get(keyOf(operation));
      if (index === undefined || decided?.[line] === true) continue;
      const isLeftOut = ((words[at + CODES]! >>> 16) & (IS_STREAM | IS_SNAPSHOT)) !== 0;
      const hasFailed = ((words[at + CODES]! >>> 8) & 0xff) !== OK;
      const isCall = operation.kind === 'client' || operation.kind === 'producer';
      if (isLeftOut || (isCall && hasFailed)) continue;
      countBucket(latencies[index]!, bucketOf(durationMsOfLine(words, at)), 1);
    }
    return latencies;
  }

  return {
    readEdgeCalls(
      units: readonly Unit[],
      range: TimeRange,
      edge: Edge,
      outcome: 'ok' | 'any',
      limit: number,
    ): Span[] {
      const remembered = addressServices.all();
      const found: { readonly granule: Granule; readonly row: number; readonly startMs: number }[] = [];
      const servers = createServerFinder(units, onDamage);
      let lookedAt = 0;
      for (const unit of newestUnits(units, range)) {
        // What is left starts earlier than what was found.
        if (found.length >= limit || lookedAt >= CALLS_LOOKED_AT_MAX) break;
        eachGranule(unit, onDamage, (granule) => {
          for (const [of, row] of inRuns(unit, granule, candidates(granule, edge, range))) {
            lookedAt++;
            if (outcome === 'ok' && granule.outcome[row] !== OK) continue;
            if (isOfEdge(of, row, edge, servers, remembered)) {
              found.push({ granule, row, startMs: startMsOf(granule, row) });
            }
          }
          return 'more';
        });
      }
      return found
        .toSorted((a, b) => b.startMs - a.startMs)
        .slice(0, limit)
        .map(({ granule, row }) => reader.span(granule, row));
    },

    /** `judged` are the spans of the trace that is to be judged by the answer: they are left out of it. */
    readNormals: (keys: readonly NormalKey[], judged: readonly Piece[]): Normal[] =>
      normalsOf(keys, latenciesNow(), latenciesOf(keys, judged)),
    latenciesNow,
    latenciesOf,
    normalsOf,
  };
}

/** What is normal by all durations of each key but its `own`. */
function normalsOf(
  keys: readonly NormalKey[],
  latencyOf: (key: NormalKey) => Sketch,
  own: readonly Sketch[],
): Normal[] {
  return keys.flatMap((key, index) => {
    const normal = latencyWithout(latencyOf(key), own[index]!);
    return normal.count > 0 ? [{ ...key, ...normal }] : [];
  });
}
