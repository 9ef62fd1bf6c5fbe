/**
 * Durations of calls in equal steps of time, as `/api/latency` draws them: added up from cells of the sums, or call by call.
 *
 *     cells, single calls ─▶ a step: calls, errors, timeouts; a sketch of all durations, one of the timeouts'
 *                                    └─▶ cells of the heatmap, percentiles
 */
import { durationStepMs, durationStepOf } from '../../query/duration-steps.ts';
import type { Latency } from '../../serve/wire.ts';
import { ERROR, TIMEOUT } from '../columns/codes.ts';
import type { Cell } from './cell.ts';
import { SketchSum } from './sketch-sum.ts';
import {
  addSketch,
  bucketOf,
  countBucket,
  emptySketch,
  latencyOfSketch,
  longestMsOfBucket,
  totalOf,
  type Sketch,
} from './sketch.ts';

interface Step {
  calls: number;
  errors: number;
  timeouts: number;
  readonly durations: SketchSum;
  /** How many durations there are. */
  timed: number;
  /** Of durations that are counted already. */
  readonly timedOut: Sketch;
}

export class LatencySteps {
  readonly #steps = new Map<number, Step>();

  /** Those that have a call, rising. */
  get numbers(): number[] {
    const known = [...this.#steps].filter(([, { calls }]) => calls > 0);
    return known.map(([number]) => number).toSorted((a, b) => a - b);
  }

  totals(): { calls: number; errors: number; timeouts: number } {
    const totals = { calls: 0, errors: 0, timeouts: 0 };
    for (const { calls, errors, timeouts } of this.#steps.values()) {
      totals.calls += Math.max(0, calls);
      totals.errors += Math.max(0, errors);
      totals.timeouts += Math.max(0, timeouts);
    }
    return totals;
  }

  timeoutsIn(step: number): number {
    return this.#steps.get(step)?.timeouts ?? 0;
  }

  /** How many durations there are. */
  timedIn(step: number): number {
    return Math.max(0, this.#steps.get(step)?.timed ?? 0);
  }

  addCell(step: number, cell: Cell): void {
    const sum = this.#stepOf(step);
    sum.calls += cell.calls;
    sum.errors += cell.errors;
    sum.timeouts += cell.timeouts;
    sum.timed += totalOf(cell.latency);
    sum.durations.addSketch(cell.latency);
  }

  /** A call that no cell counted. `outcome` is a number of columns/codes.ts. */
  addCall(step: number, durationMs: number, outcome: number): void {
    const sum = this.#stepOf(step);
    sum.calls++;
    if (outcome === ERROR) sum.errors++;
    if (outcome === TIMEOUT) sum.timeouts++;
    this.addDuration(step, durationMs, outcome);
  }

  /** Of a call that a cell counted without its duration. */
  addDuration(step: number, durationMs: number, outcome: number): void {
    const sum = this.#stepOf(step);
    sum.timed++;
    sum.durations.addSketch({ buckets: [bucketOf(durationMs)], counts: [1] });
    if (outcome === TIMEOUT) this.noteTimeout(step, durationMs);
  }

  /** That a duration which was counted is one of a timeout. */
  noteTimeout(step: number, durationMs: number): void {
    countBucket(this.#stepOf(step).timedOut, bucketOf(durationMs), 1);
  }

  /** Of all steps. */
  sketches(): { readonly all: Sketch; readonly timeouts: Sketch } {
    const [all, timeouts] = [new SketchSum(), emptySketch()];
    for (const step of this.#steps.values()) {
      all.addSketch(durationsOf(step));
      addSketch(timeouts, step.timedOut);
    }
    return { all: all.sketch(), timeouts };
  }

  /** `timeOf` gives when a step starts, in epoch milliseconds. */
  describe(timeOf: (step: number) => number): Pick<Latency, 'overall' | 'cells' | 'percentiles'> {
    const all = new SketchSum();
    const cells: Latency['cells'] = [];
    const percentiles: Latency['percentiles'] = [];
    for (const number of this.numbers) {
      const step = this.#steps.get(number)!;
      const t = timeOf(number);
      const durations = durationsOf(step);
      all.addSketch(durations);
      cells.push(...cellsOf(t, durations, step.timedOut));
      percentiles.push({
        t,
        ...latencyOfSketch(durations),
        count: totalOf(durations),
        calls: step.calls,
        errors: Math.max(0, step.errors),
        timeouts: Math.max(0, step.timeouts),
      });
    }
    const overall = all.sketch();
    return { overall: { ...latencyOfSketch(overall), count: totalOf(overall) }, cells, percentiles };
  }

  #stepOf(number: number): Step {
    let step = this.#steps.get(number);
    if (step === undefined) {
      const durations = new SketchSum();
      step = { calls: 0, errors: 0, timeouts: 0, durations, timed: 0, timedOut: emptySketch() };
      this.#steps.set(number, step);
    }
    return step;
  }
}

/** Without what late spans took out of one sum, and is not added to another yet. */
function durationsOf({ durations }: Step): Sketch {
  const sketch = durations.sketch();
  if (sketch.counts.every((count) => count > 0)) return sketch;
  const left = emptySketch();
  sketch.counts.forEach((count, index) => {
    if (count > 0) countBucket(left, sketch.buckets[index]!, count);
  });
  return left;
}

/**
 * A bucket is 2 % wide, and may reach over the border of two cells: it counts in the upper one. Timers are set to durations at
 * which cells begin, and are late, never early.
 */
function cellsOf(t: number, durations: Sketch, timedOut: Sketch): Latency['cells'] {
  const timeoutsOf = new Map(timedOut.buckets.map((bucket, index) => [bucket, timedOut.counts[index]!]));
  const cells = new Map<number, Latency['cells'][number]>();
  durations.buckets.forEach((bucket, index) => {
    const place = durationStepOf(longestMsOfBucket(bucket));
    let cell = cells.get(place);
    if (cell === undefined) {
      cell = { t, minMs: durationStepMs(place), maxMs: durationStepMs(place + 1), count: 0, timeouts: 0 };
      cells.set(place, cell);
    }
    const count = durations.counts[index]!;
    cell.count += count;
    cell.timeouts += Math.min(count, timeoutsOf.get(bucket) ?? 0);
  });
  return [...cells.values()];
}
