/** Looks at calls one by one for what sums do not say of their latency: some of each step of time, or those that failed. */
import { readPhases, type PhaseSlice } from '../../../diagnose/phases.ts';
import type { Phase } from '../../../diagnose/verdict.ts';
import { fairShare } from '../../../query/fair-share.ts';
import type { Span } from '../../../span.ts';
import { IS_STREAM, OK, TIMEOUT, TRACE_ID_BYTES } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { durationMsOf, startMsOf } from '../../columns/span-table.ts';
import type { LatencyAsked, TimeRange } from '../../store.ts';
import { isCalling, type CallRows, type CallsWanted, type createCallRows, type Take } from './call-rows.ts';
import type { LatencySubject } from './latency-subject.ts';
import type { Names } from './names.ts';
import type { TraceReader } from './traces.ts';
import type { Unit } from './units.ts';

/** Looked at one by one, of all steps together. */
const LATENCY_CALLS_MAX = 10_000;
/** Failures whose cell is found. */
const LATENCY_FAILURES_MAX = 50_000;
/** Granules of some 8,000 spans that are looked through, a millisecond each; fewer where some calls are enough. */
const LATENCY_GRANULES_MAX = 400;
const PHASE_GRANULES_MAX = 64;
/** Rows of calls that some are chosen of: 0.2 µs each. */
const LATENCY_ROWS_MAX = 500_000;

/** Equal steps of time, by number. */
export class TimeSteps {
  readonly stepMs: number;
  readonly #fromUnixMs: number;
  readonly #last: number;

  constructor({ range, steps }: LatencyAsked) {
    this.stepMs = (range.toUnixMs - range.fromUnixMs) / steps;
    this.#fromUnixMs = range.fromUnixMs;
    this.#last = steps - 1;
  }

  at(unixMs: number): number {
    const step = Math.floor((unixMs - this.#fromUnixMs) / this.stepMs);
    return Math.min(this.#last, Math.max(0, step));
  }

  readonly startOf = (step: number): number => this.#fromUnixMs + step * this.stepMs;

  /** Whether one of the steps between is wanted. */
  hasAny(fromUnixMs: number, toUnixMs: number, isWanted: (step: number) => boolean): boolean {
    const last = this.at(toUnixMs);
    for (let step = this.at(fromUnixMs); step <= last; step++) if (isWanted(step)) return true;
    return false;
  }
}

/** Those that have the phase, one of them, or whatever they have. */
export interface SomeWanted {
  readonly targets: LatencySubject['targets'];
  readonly phase: Phase | 'any phase' | null;
  readonly groups: readonly SomeGroup[];
}

/** At most so many of each step. */
export interface SomeGroup {
  readonly most: number;
  /** Of which steps, and which calls; all where it is left out. */
  readonly isStep?: (step: number) => boolean;
  readonly isIt?: (startMs: number, durationMs: number) => boolean;
}

/** Duration and outcome are the phase's, where one was asked for. */
export interface SomeCall {
  /** Not to leave this thread. */
  readonly span: Span;
  readonly step: number;
  readonly startMs: number;
  readonly durationMs: number;
  /** A number of columns/codes.ts. */
  readonly outcome: number;
  readonly phases: readonly PhaseSlice[];
}

/** The blocks of one moment, and who is asked about. */
export interface LatencyQuestion {
  readonly units: readonly Unit[];
  readonly range: TimeRange;
  readonly subject: LatencySubject;
  readonly steps: TimeSteps;
  readonly remembered: ReadonlyMap<string, string>;
  readonly isCancelled: () => boolean;
}

export function createLatencyCalls(
  reader: TraceReader,
  names: Names,
  { eachCall }: ReturnType<typeof createCallRows>,
) {
  /** `left`: whether blocks or granules were left out, for their number, or because nothing of their steps was wanted any more. */
  function look(
    { units, range, steps, remembered, isCancelled }: LatencyQuestion,
    wanted: Pick<
      CallsWanted,
      'targets' | 'attribute' | 'isOutcome' | 'withStreams' | 'isWorth' | 'granulesMax'
    >,
    isWanted: (step: number) => boolean,
    take: Take,
  ): { readonly left: 'none' | 'unwanted' | 'too many' } {
    if (wanted.targets.length === 0) return { left: 'none' };
    let isAllWanted = true;
    const isWantedAt = (fromUnixMs: number, toUnixMs: number) => {
      const isOne = steps.hasAny(fromUnixMs, toUnixMs, isWanted);
      isAllWanted &&= isOne;
      return isOne;
    };
    const isWhole = eachCall(units, { ...wanted, range, isWantedAt }, remembered, take, isCancelled);
    return { left: !isWhole ? 'too many' : isAllWanted ? 'none' : 'unwanted' };
  }

  return {
    /**
     * Adds to the sums what they do not know: which durations are those of timeouts and, of an operation's calls, how long those
     * took that failed. Gives the durations of timeouts, and whether that is all of them.
     */
    placeFailures(question: LatencyQuestion): { timeoutsMs: number[]; isAll: boolean } {
      const { steps, subject } = question;
      const { sums, targets, of } = subject;
      const isOwn = of === 'operation';
      const timeoutsMs: number[] = [];
      let seen = 0;
      let streams = 0;
      const { left } = look(
        question,
        {
          targets,
          withStreams: true,
          isOutcome: (outcome) => (isOwn ? outcome !== OK : outcome === TIMEOUT),
          granulesMax: LATENCY_GRANULES_MAX,
        },
        (step) => isOwn || sums.timeoutsIn(step) > 0,
        ({ granule, at }) => {
          for (const row of at) {
            const step = steps.at(startMsOf(granule, row));
            const durationMs = durationMsOf(granule, row);
            const outcome = granule.outcome[row]!;
            if ((granule.flags[row]! & IS_STREAM) !== 0) {
              if (outcome === TIMEOUT) streams++;
              continue;
            }
            if (isOwn && isCalling(names.operationRow(granule.operation[row]!).kind))
              sums.addDuration(step, durationMs, outcome);
            else if (outcome === TIMEOUT) sums.noteTimeout(step, durationMs);
            if (outcome === TIMEOUT) timeoutsMs.push(durationMs);
          }
          seen += at.length;
          return seen < LATENCY_FAILURES_MAX ? 'more' : 'enough';
        },
      );
      // What sums count, and no span was found of, is left out, too.
      const isFound = timeoutsMs.length + streams >= sums.totals().timeouts;
      return { timeoutsMs, isAll: isFound && left !== 'too many' && seen < LATENCY_FAILURES_MAX };
    },

    /**
     * Tells of as many calls of each step, or of all: of each group so many, the first one that a call is of. Who is of none
     * costs little.
     */
    eachOfSome(
      question: LatencyQuestion,
      { targets, phase, groups }: SomeWanted,
      take: (call: SomeCall, group: number) => void,
    ): 'some' | 'all' {
      const { steps } = question;
      const attribute = phase === null ? '' : `sockeye.phase.${phase === 'any phase' ? '' : `${phase}_ms`}`;
      const granulesMax = phase === 'any phase' ? PHASE_GRANULES_MAX : LATENCY_GRANULES_MAX;
      const quotas = new Quotas(groups);
      const groupOf = (startMs: number, durationMs: number) =>
        groups.findIndex(({ isIt }) => isIt?.(startMs, durationMs) ?? true);
      const roomFor = (granule: Granule, row: number): 'room' | 'none' | 'not asked for' => {
        const startMs = startMsOf(granule, row);
        const step = steps.at(startMs);
        // How long a phase took is not known yet.
        if (phase !== null) return quotas.hasRoom(step) ? 'room' : 'none';
        const group = groupOf(startMs, durationMsOf(granule, row));
        return group < 0 ? 'not asked for' : quotas.isOpen(group, step) ? 'room' : 'none';
      };
      let isAll = true;
      // Once it is known that there are more, nothing is to be said of those without room.
      const isWorth = (granule: Granule, row: number) => {
        const room = roomFor(granule, row);
        return room === 'room' || (room === 'none' && isAll);
      };
      let rowsLeft = LATENCY_ROWS_MAX;
      const { left } = look(
        question,
        { targets, attribute, isWorth, granulesMax },
        (step) => quotas.hasRoom(step),
        ({ granule, run, at }) => {
          rowsLeft -= at.length;
          const rows = at.filter((row) => {
            const room = roomFor(granule, row);
            if (room === 'none') isAll = false;
            return room === 'room';
          });
          for (const call of callsOf({ granule, run, at: rows }, phase, steps)) {
            const group = groupOf(call.startMs, call.durationMs);
            if (group < 0) continue;
            if (quotas.take(group, call.step)) take(call, group);
            else isAll = false;
          }
          return rowsLeft > 0 ? 'more' : 'enough';
        },
      );
      // Of a step that gave as many as it may, sums say whether it had more.
      const { sums } = question.subject;
      if (left === 'unwanted' && quotas.full().some(({ step, given }) => given !== sums.timedIn(step)))
        isAll = false;
      return isAll && left !== 'too many' && rowsLeft > 0 ? 'all' : 'some';
    },
  };

  /** Without those that do not have the phase asked for. Rows of a trace are in order of start, and so are its spans. */
  function callsOf({ granule, run, at }: CallRows, phase: SomeWanted['phase'], steps: TimeSteps): SomeCall[] {
    if (at.length === 0) return [];
    const idAt = run * TRACE_ID_BYTES;
    const traceId = granule.traces.ids.toString('hex', idAt, idAt + TRACE_ID_BYTES);
    const spans = reader.storedSpans([{ rows: granule, at }], traceId);
    return Array.from(at).flatMap((row, index) => {
      const span = spans[index]!;
      const phases = readPhases(span);
      const slice = phases.find((each) => each.phase === phase);
      if (phase !== null && phase !== 'any phase' && slice === undefined) return [];
      const startMs = startMsOf(granule, row);
      const durationMs = slice?.durationMs ?? durationMsOf(granule, row);
      // A call that failed in another phase did well in this one.
      const outcome = slice === undefined || slice.open ? granule.outcome[row]! : OK;
      return [{ span, startMs, step: steps.at(startMs), durationMs, outcome, phases }];
    });
  }
}

/** How many calls of each group the steps have given. */
class Quotas {
  readonly #groups: readonly SomeGroup[];
  readonly #given: readonly Map<number, number>[];

  constructor(groups: readonly SomeGroup[]) {
    this.#groups = groups;
    this.#given = groups.map(() => new Map());
  }

  isOpen(group: number, step: number): boolean {
    return this.#givenBy(group, step) < this.#groups[group]!.most;
  }

  hasRoom(step: number): boolean {
    return this.#groups.some(({ isStep }, group) => (isStep?.(step) ?? true) && this.isOpen(group, step));
  }

  /** Whether one more may be taken: then it is counted. */
  take(group: number, step: number): boolean {
    if (!this.isOpen(group, step)) return false;
    this.#given[group]!.set(step, this.#givenBy(group, step) + 1);
    return true;
  }

  /** Steps that gave as many of a group as they may, and how many they gave of all groups. */
  full(): { step: number; given: number }[] {
    const steps = new Set(this.#given.flatMap((of) => [...of.keys()]));
    return [...steps]
      .filter((step) => this.#groups.some((_, group) => !this.isOpen(group, step)))
      .map((step) => ({
        step,
        given: this.#groups.reduce((sum, _, group) => sum + this.#givenBy(group, step), 0),
      }));
  }

  #givenBy(group: number, step: number): number {
    return this.#given[group]!.get(step) ?? 0;
  }
}

/** So many of each step that all steps give as many as may be looked at. */
export function mostOfEach({ sums }: LatencySubject, total: number = LATENCY_CALLS_MAX): number {
  const durations = sums.numbers.map((step) => sums.timedIn(step));
  return fairShare(durations, total);
}
