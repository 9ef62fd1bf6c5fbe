/** Reads how long calls took over time: all of them from sums, and from spans what sums do not say. */
import type { PhaseSlice } from '../../../diagnose/phases.ts';
import { PHASES, type Phase } from '../../../diagnose/verdict.ts';
import { findWalls } from '../../../query/find-walls.ts';
import { relatedBudgetsMs } from '../../../query/related-budgets.ts';
import { describeDiffers, type LookedCall } from '../../../query/latency-differs.ts';
import { wireRange } from '../../../query/wire-range.ts';
import type { Latency, LatencyDiffers, LatencyPhases } from '../../../serve/wire.ts';
import { operationOf, serviceOf } from '../../../span.ts';
import { OUTCOMES } from '../../columns/codes.ts';
import { LatencySteps } from '../../rollup/latency-steps.ts';
import type { LatencyAsked, LatencyBrush } from '../../store.ts';
import { createCallRows } from './call-rows.ts';
import {
  createLatencyCalls,
  mostOfEach,
  TimeSteps,
  type LatencyQuestion,
  type SomeCall,
  type SomeGroup,
} from './latency-calls.ts';
import { findLatencySubject } from './latency-subject.ts';
import type { Names } from './names.ts';
import type { createRollupReader } from './rollups.ts';
import type { TraceReader } from './traces.ts';
import type { OnDamage, Unit } from './units.ts';

/** Calls that are compared with each other. */
const SELECTED_CALLS_MAX = 500;
const OTHER_CALLS_MAX = 1_000;

/** What was found of one question, to be told. */
interface Found {
  readonly steps: LatencySteps;
  readonly phases: PhaseMeans;
  /** As they were measured, of some. */
  readonly knownMs: readonly number[];
  readonly read: Omit<Latency['read'], 'phases'>;
  readonly isAll: boolean;
}

export function createLatencyReader(
  reader: TraceReader,
  names: Names,
  addressServices: { all(): ReadonlyMap<string, string> },
  rollups: ReturnType<typeof createRollupReader>,
  onDamage: OnDamage,
) {
  const calls = createLatencyCalls(reader, names, createCallRows(names, onDamage));

  function questionOf(
    units: readonly Unit[],
    asked: LatencyAsked,
    isCancelled: () => boolean,
  ): LatencyQuestion {
    const remembered = addressServices.all();
    const subject = findLatencySubject(rollups.eachCell, asked, remembered, isCancelled);
    return { units, range: asked.range, subject, steps: new TimeSteps(asked), remembered, isCancelled };
  }

  function fromSums(question: LatencyQuestion): Found {
    const { sums, measured, of } = question.subject;
    const phases = new PhaseMeans();
    const { timeoutsMs, isAll } = calls.placeFailures(question);
    const knownMs = [...timeoutsMs];
    const groups = [{ most: mostOfEach(question.subject) }];
    const wanted = { targets: measured, phase: 'any phase', groups } as const;
    calls.eachOfSome(question, wanted, (call) => {
      phases.add(call.step, call.phases);
      // Of what serves, they are its callers'.
      if (of !== 'served') knownMs.push(call.durationMs);
    });
    return { steps: sums, phases, knownMs, read: { calls: 0, timeouts: timeoutsMs.length }, isAll };
  }

  function fromSpans(question: LatencyQuestion, phase: Phase | null): Found {
    const { targets } = question.subject;
    const steps = new LatencySteps();
    const phases = new PhaseMeans();
    const knownMs: number[] = [];
    const wanted = { targets, phase, groups: [{ most: mostOfEach(question.subject) }] };
    const looked = calls.eachOfSome(question, wanted, (call) => {
      steps.addCall(call.step, call.durationMs, call.outcome);
      phases.add(call.step, call.phases);
      knownMs.push(call.durationMs);
    });
    const read = { calls: knownMs.length, timeouts: steps.totals().timeouts };
    return { steps, phases, knownMs, read, isAll: looked === 'all' };
  }

  function findUnexplained(
    { range, subject, isCancelled }: LatencyQuestion,
    { steps, knownMs }: Found,
    budgetsMs: readonly number[],
  ): Latency['walls'] {
    const { all, timeouts } = steps.sketches();
    const known = knownMs.toSorted((a, b) => a - b);
    const walls = findWalls(all, timeouts, budgetsMs, known);
    if (walls.length === 0) return walls;
    const groups = rollups.readCallGroups(range, isCancelled);
    const related = relatedBudgetsMs(groups, subject.callers, subject.callees);
    return findWalls(all, timeouts, [...budgetsMs, ...related], known);
  }

  /** `units` are the blocks: what is in them is in the sums. */
  function readLatency(units: readonly Unit[], asked: LatencyAsked, isCancelled: () => boolean): Latency {
    const question = questionOf(units, asked, isCancelled);
    const { of, isSummed, budgets } = question.subject;
    const { startOf, stepMs } = question.steps;
    const found = isSummed ? fromSums(question) : fromSpans(question, asked.phase);
    const budgetsMs = [...new Set(budgets.map(({ budgetMs }) => budgetMs))];
    return {
      ...wireRange(asked.range),
      stepMs,
      of,
      countedFrom: isSummed ? 'sums' : 'spans',
      ...found.steps.totals(),
      read: { ...found.read, phases: found.phases.calls },
      truncated: !found.isAll,
      ...found.steps.describe(startOf),
      phases: found.phases.describe(startOf),
      budgetsMs,
      budgets,
      walls: findUnexplained(question, found, budgetsMs),
    };
  }

  /** The others are of all of the range. */
  function readLatencyDiffers(
    units: readonly Unit[],
    asked: LatencyAsked,
    brush: LatencyBrush,
    isCancelled: () => boolean,
  ): LatencyDiffers {
    const question = questionOf(units, asked, isCancelled);
    const { of, targets } = question.subject;
    const { fromUnixMs, toUnixMs } = brush.range;
    const [first, last] = [question.steps.at(fromUnixMs), question.steps.at(toUnixMs - 1)];
    const groups: SomeGroup[] = [
      {
        most: Math.ceil(SELECTED_CALLS_MAX / (last - first + 1)),
        isStep: (step) => step >= first && step <= last,
        isIt: isIn(brush),
      },
      { most: mostOfEach(question.subject, OTHER_CALLS_MAX) },
    ];
    const found: [LookedCall[], LookedCall[]] = [[], []];
    const looked = calls.eachOfSome(question, { targets, phase: asked.phase, groups }, (call, group) =>
      found[group]!.push(detach(call)),
    );
    return describeDiffers(asked, of, brush, ...found, looked === 'some');
  }

  return { readLatency, readLatencyDiffers };
}

const isIn =
  ({ range: { fromUnixMs, toUnixMs }, minMs, maxMs }: LatencyBrush) =>
  (startMs: number, durationMs: number): boolean =>
    startMs >= fromUnixMs &&
    startMs < toUnixMs &&
    durationMs >= (minMs ?? -Infinity) &&
    durationMs < (maxMs ?? Infinity);

/** What is compared of a call, without the granule that it was read from. */
function detach({ span, startMs, durationMs, outcome, phases }: SomeCall): LookedCall {
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    service: serviceOf(span),
    operation: operationOf(span),
    startMs,
    durationMs,
    outcome: OUTCOMES[outcome]!,
    phases,
    attributes: new Map(span.attributes.entries()),
    resource: span.resource,
  };
}

/** How long each phase takes in the mean of a step's calls. */
class PhaseMeans {
  calls = 0;
  readonly #steps = new Map<number, { calls: number; readonly sumsMs: Map<Phase, number> }>();

  add(step: number, phases: readonly PhaseSlice[]): void {
    if (phases.length === 0) return;
    this.calls++;
    let sum = this.#steps.get(step);
    if (sum === undefined) this.#steps.set(step, (sum = { calls: 0, sumsMs: new Map() }));
    sum.calls++;
    for (const { phase, durationMs } of phases)
      sum.sumsMs.set(phase, (sum.sumsMs.get(phase) ?? 0) + durationMs);
  }

  describe(startOf: (step: number) => number): LatencyPhases[] {
    return [...this.#steps]
      .toSorted(([a], [b]) => a - b)
      .map(([step, { calls, sumsMs }]) => {
        const means: LatencyPhases = { t: startOf(step), calls };
        for (const phase of PHASES) {
          const sumMs = sumsMs.get(phase);
          if (sumMs !== undefined) means[`${phase}Ms`] = sumMs / calls;
        }
        return means;
      });
  }
}
