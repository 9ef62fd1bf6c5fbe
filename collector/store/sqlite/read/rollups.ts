/**
 * Reads the rollups of a range: the map's edges, statistics, versions, calls over time, and what is normal.
 */
import { calleeOf, type Callee } from '../../../query/callee.ts';
import type { CallCounts, CallGroup, OperationTotals, ServiceVersion } from '../../../query/results.ts';
import type { ProtobufReader } from '../../../decode/protobuf-reader.ts';
import { addCell, emptyCell, holdAtZero, isEmptyCell, type Cell } from '../../rollup/cell.ts';
import { groupCells, type EdgeCell } from '../../rollup/call-groups.ts';
import { latencyOfSketch, quantileOfSketch, totalOf } from '../../rollup/sketch.ts';
import {
  coverRange,
  openStep,
  readCells,
  STEP_MS,
  toMinutes,
  type Level,
  type StepCells,
  type StepRun,
} from '../../rollup/steps.ts';
import { sumSteps } from '../../rollup/sum-steps.ts';
import { rememberByNumber } from '../../search/remember-by-number.ts';
import type { SpanKind } from '../../../span.ts';
import { Cancelled, type StatsGroup, type TimeRange } from '../../store.ts';
import type { Connection } from '../open-database.ts';
import { createChangeCounter, createNewestSteps } from './newest-steps.ts';
import {
  createOperationSeries,
  createSeriesReader,
  type OperationKey,
  type SeriesRow,
  type SeriesType,
} from './series.ts';
import { createStoredSteps, type StepRow } from './stored-steps.ts';
import type { OnDamage } from './units.ts';
import { createWaitingDeltas } from './waiting-deltas.ts';
import { A_DELTA, wholeStep, type StepName } from './whole-step.ts';

interface Step {
  readonly stepUnixMs: number;
  readonly reader: ProtobufReader;
}

/** Of the sum that is kept, 16 bytes each: a week of five thousand series has a million. */
const SUM_BUCKETS_KEPT_MAX = 2_000_000;
const NO_SUM: { readonly key: string; readonly cells: StepCells } = { key: '', cells: new Map() };

type IsCancelled = () => boolean;

export function createRollupReader(
  database: Connection,
  addressServices: { all(): ReadonlyMap<string, string> },
  onDamage: OnDamage,
) {
  const steps = createStoredSteps(database, onDamage);
  const series = createSeriesReader(database);
  const operationSeries = createOperationSeries(database);
  const deltas = database.prepare<[number, number], StepRow>(
    'SELECT step_unix_ms, data FROM rollup_delta WHERE step_unix_ms >= ? AND step_unix_ms < ?',
  );
  const waitingDeltas = createWaitingDeltas(database, onDamage);
  const countChanges = createChangeCounter(database);
  const newestSteps = createNewestSteps(database, onDamage);
  /** Map and services are asked for together, and again while nothing was absorbed. */
  let lastSum = NO_SUM;

  function* opened(of: StepName, rows: Iterable<StepRow>, isCancelled: IsCancelled): Generator<Step> {
    for (const { step_unix_ms: stepUnixMs, data } of rows) {
      if (isCancelled()) throw new Cancelled('the caller went away');
      const reader = wholeStep(of, stepUnixMs, onDamage, () => openStep(data));
      if (reader !== null) yield { stepUnixMs, reader };
    }
  }

  /** Whole steps, and what is to be added to minutes of theirs. */
  function* readSteps(level: Level, fromUnixMs: number, toUnixMs: number, isCancelled: IsCancelled) {
    yield* opened(level, steps(level, fromUnixMs, toUnixMs), isCancelled);
    yield* opened(A_DELTA, deltas.iterate(fromUnixMs, toUnixMs), isCancelled);
  }

  function* stepsIn(runs: readonly StepRun[], isCancelled: IsCancelled): Generator<Step> {
    for (const { level, fromUnixMs, toUnixMs } of runs)
      yield* opened(level, steps(level, fromUnixMs, toUnixMs), isCancelled);
  }

  /** Of the range rounded outward to minutes, without what waits to be added. Not to be changed. */
  function sumOfSteps(range: TimeRange, isCancelled: IsCancelled): StepCells {
    const changes = countChanges();
    const runs = coverRange(range);
    const key = JSON.stringify([changes, runs]);
    if (lastSum.key === key) return lastSum.cells;
    const cells = sumSteps(
      readersOf(stepsIn(runs, isCancelled)),
      series.areOf(['edge', 'entry', 'operation']),
    );
    lastSum = bucketsOf(cells) > SUM_BUCKETS_KEPT_MAX ? NO_SUM : { key, cells };
    return cells;
  }

  /** Not to be changed. */
  function* sumCells(
    range: TimeRange,
    types: readonly SeriesType[],
    isCancelled: IsCancelled,
  ): Generator<readonly [number, Cell]> {
    const isWanted = series.areOf(types);
    const { fromUnixMs, toUnixMs } = toMinutes(range);
    const added = opened(A_DELTA, deltas.iterate(fromUnixMs, toUnixMs), isCancelled);
    const waiting = sumSteps(readersOf(added), isWanted);
    const stored = sumOfSteps(range, isCancelled);
    for (const [id, known] of stored) {
      if (!isWanted(id)) continue;
      const added = waiting.get(id);
      if (added === undefined) yield [id, known];
      else yield* left(id, known, added);
    }
    for (const [id, added] of waiting) if (!stored.has(id)) yield* left(id, added);
  }

  return {
    readCallGroups(range: TimeRange, isCancelled: IsCancelled): CallGroup[] {
      const remembered = addressServices.all();
      const cells: EdgeCell[] = [];
      for (const [id, cell] of sumCells(range, ['edge', 'entry'], isCancelled)) {
        const row = series.get(id);
        if (row === undefined) continue;
        const callee = row.type === 'entry' ? serviceNode(row.service!) : calleeOfRow(row, remembered);
        const from = row.type === 'entry' ? null : row.service!;
        cells.push({ from, callee, edgeKind: row.edge_kind ?? 'http', cell });
      }
      return groupCells(cells);
    },

    /** Only spans that serve are calls; others make their service and operation known. */
    readServiceStats(range: TimeRange, group: StatsGroup, isCancelled: IsCancelled): OperationTotals[] {
      const byOperation = group.byOperation || group.service !== null;
      const rows = new Map<
        string,
        { service: string; operation: string; kinds: Set<SpanKind>; cell: Cell }
      >();
      for (const [id, cell] of sumCells(range, ['operation'], isCancelled)) {
        const { operation_service: service, operation, operation_kind: kind } = series.get(id) ?? {};
        if (service == null || operation == null) continue;
        if (group.service !== null && service !== group.service) continue;
        const key = byOperation ? JSON.stringify([service, operation]) : service;
        let row = rows.get(key);
        if (row === undefined) {
          row = { service, operation: byOperation ? operation : '', kinds: new Set(), cell: emptyCell() };
          rows.set(key, row);
        }
        row.kinds.add(kind as SpanKind);
        if (kind === 'server' || kind === 'consumer') addCell(row.cell, cell);
      }
      return [...rows.values()]
        .map(({ service, operation, kinds, cell }) => ({
          service,
          operation,
          kinds: [...kinds].toSorted(),
          calls: cell.calls,
          errors: cell.errors,
          timeouts: cell.timeouts,
          ...latencyOfSketch(cell.latency),
          ...(group.quantile !== undefined && { quantileMs: quantileOfSketch(cell.latency, group.quantile) }),
        }))
        .toSorted((a, b) => compare(a.service, b.service) || compare(a.operation, b.operation));
    },

    /**
     * Of an operation, newest steps first until so many normal durations are counted, but two steps at least: those of the
     * last moments may all be of one disturbance. Spans of its own kind; of calls those that were answered well. For many operations of one moment: to be asked within its transaction. Not to be changed.
     */
    operationCells(durationsWanted: number): (key: OperationKey) => Cell {
      // The newest calls are in no hour yet.
      const newest = waitingDeltas();
      const older = readOnce(newestSteps());
      const seriesOf = operationSeries();
      return (key) => {
        const series = seriesOf(key);
        if (series === null) return emptyCell();
        const waiting = newest(series);
        let durations = countNormal(waiting);
        let sum: Cell | null = null;
        let steps = 0;
        for (const step of older) {
          if (durations >= durationsWanted && steps >= NORMAL_STEPS_MIN) break;
          const cell = step.cell(series);
          if (cell === null) continue;
          steps++;
          durations += countNormal(cell);
          if (sum === null) sum = cell;
          else addCell(sum, cell);
        }
        if (sum === null) return waiting;
        addCell(sum, waiting);
        return sum;
      };
    },

    /** A minute counts where it begins. */
    readCallCounts(range: TimeRange, count: number, isCancelled: IsCancelled): CallCounts[] {
      const isWanted = series.areOf(['edge', 'entry']);
      const found = Array.from({ length: count }, () => ({ calls: 0, errors: 0, timeouts: 0 }));
      const lengthMs = (range.toUnixMs - range.fromUnixMs) / count;
      const level = levelFor(lengthMs);
      const from = Math.floor(range.fromUnixMs / STEP_MS[level]) * STEP_MS[level];
      for (const { stepUnixMs, reader } of readSteps(level, from, range.toUnixMs, isCancelled)) {
        const at = Math.floor((stepUnixMs - range.fromUnixMs) / lengthMs);
        const step = found[Math.min(count - 1, Math.max(0, at))]!;
        for (const cell of readCells(reader, isWanted).values()) {
          step.calls += cell.calls;
          step.errors += cell.errors;
          step.timeouts += cell.timeouts;
        }
      }
      return found;
    },

    /** Tells of each cell of the series wanted in which of so many equal steps of the range it is; a minute is where it begins. */
    eachCell(
      range: TimeRange,
      count: number,
      isWanted: (row: SeriesRow) => boolean,
      take: (step: number, row: SeriesRow, cell: Cell) => void,
      isCancelled: IsCancelled,
    ): void {
      const isWantedId = rememberByNumber((id) => {
        const row = series.get(id);
        return row !== undefined && isWanted(row);
      });
      const lengthMs = (range.toUnixMs - range.fromUnixMs) / count;
      const level = levelFor(lengthMs);
      const { fromUnixMs, toUnixMs } = range;
      for (const { stepUnixMs, reader } of readSteps(level, fromUnixMs, toUnixMs, isCancelled)) {
        const step = Math.min(count - 1, Math.floor((stepUnixMs - fromUnixMs) / lengthMs));
        for (const [id, cell] of readCells(reader, isWantedId)) {
          const row = series.get(id);
          if (row !== undefined) take(step, row, cell);
        }
      }
    },

    /** Times are those of the steps: the first and last minute, hour or day that has a span of the version. */
    readVersions(range: TimeRange, isCancelled: IsCancelled): ServiceVersion[] {
      const isWanted = series.areOf(['version']);
      const versions = new Map<number, ServiceVersion>();
      const level = levelFor((range.toUnixMs - range.fromUnixMs) / VERSION_STEPS);
      const from = Math.floor(range.fromUnixMs / STEP_MS[level]) * STEP_MS[level];
      for (const step of readSteps(level, from, range.toUnixMs, isCancelled)) {
        const stepUnixMs = Math.floor(step.stepUnixMs / STEP_MS[level]) * STEP_MS[level];
        for (const [id, { calls }] of readCells(step.reader, isWanted)) {
          const { service, service_version: version } = series.get(id) ?? {};
          if (service == null || version == null || calls <= 0) continue;
          const { firstUnixMs, lastUnixMs } = versions.get(id) ?? { firstUnixMs: Infinity, lastUnixMs: 0 };
          versions.set(id, {
            service,
            version,
            firstUnixMs: Math.min(firstUnixMs, Math.max(stepUnixMs, range.fromUnixMs)),
            lastUnixMs: Math.max(lastUnixMs, Math.min(stepUnixMs + STEP_MS[level], range.toUnixMs)),
          });
        }
      }
      return [...versions.values()];
    },
  };
}

function* readersOf(steps: Iterable<Step>): Generator<ProtobufReader> {
  for (const { reader } of steps) yield reader;
}

/** Their sum: what a delta took out and is not absorbed yet may leave nothing. */
function* left(id: number, ...cells: readonly Cell[]): Generator<readonly [number, Cell]> {
  const sum = emptyCell();
  for (const cell of cells) addCell(sum, cell);
  holdAtZero(sum);
  if (!isEmptyCell(sum)) yield [id, sum];
}

/** What `source` gives, each only once somebody asks for it, however often they are gone through. */
function readOnce<T>(source: Iterator<T, unknown>): Iterable<T> {
  const known: T[] = [];
  return {
    *[Symbol.iterator]() {
      for (let index = 0; ; index++) {
        if (index === known.length) {
          const next = source.next();
          if (next.done === true) return;
          known.push(next.value);
        }
        yield known[index]!;
      }
    },
  };
}

/** Of an operation. */
function countNormal({ latency, serverLatency: decided }: Cell): number {
  return totalOf(latency) - (decided === null ? 0 : totalOf(decided));
}

function bucketsOf(cells: StepCells): number {
  let buckets = 0;
  for (const { latency, serverLatency } of cells.values())
    buckets += latency.buckets.length + (serverLatency?.buckets.length ?? 0);
  return buckets;
}

/** Of those that have the operation: this hour and the one before; in the first hour of a day (UTC), all of the day before. */
const NORMAL_STEPS_MIN = 2;
const VERSION_STEPS = 120;

/** The coarsest level whose steps are not longer than those asked for; minutes when all are. */
function levelFor(stepMs: number): Level {
  if (stepMs >= STEP_MS.day) return 'day';
  return stepMs >= STEP_MS.hour ? 'hour' : 'minute';
}

function serviceNode(service: string): Callee {
  return { id: service, kind: 'service', inferred: false };
}

/** Of a series of type `edge`. */
export function calleeOfRow(row: SeriesRow, remembered: ReadonlyMap<string, string>): Callee {
  if (row.callee_service !== null) return serviceNode(row.callee_service);
  const peer = {
    address: row.address,
    name: row.peer_name ?? '',
    nodeKind: row.node_kind ?? 'external',
    edgeKind: row.edge_kind ?? 'tcp',
  };
  return calleeOf(peer, null, row.address === null ? null : (remembered.get(row.address) ?? null));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
