/**
 * Finds the rows of calls whose latency is asked for: by what their class says, then by whom they went to. They lie anywhere
 * in a block, sorted by trace, so the first granules of each block are a fair share of its calls.
 */
import type { SpanKind } from '../../../span.ts';
import { Cancelled, type TimeRange } from '../../store.ts';
import { IS_SNAPSHOT, IS_STREAM, OK } from '../../columns/codes.ts';
import type { Granule } from '../../columns/granule.ts';
import { numberOfCode, OPERATIONS } from '../../columns/operations.ts';
import type { StoredShapes } from '../../columns/shapes-part.ts';
import { startMsOf } from '../../columns/span-table.ts';
import type { GranuleZone } from '../../columns/zone.ts';
import { expandClasses } from '../../search/attribute-filter.ts';
import { markedRuns } from '../../search/marked-runs.ts';
import { rememberByNumber } from '../../search/remember-by-number.ts';
import type { Names } from './names.ts';
import {
  calleeOfRow,
  createServerFinder,
  isRoot,
  NO_SERVER,
  type CallRun,
  type ServerFinder,
} from './paired-rows.ts';
import { eachGranule, newestUnits, type OnDamage, type Unit } from './units.ts';

/** Whose spans they are; what is null may be any. */
export type CallTarget =
  /** Server spans without a parent. */
  | { readonly of: 'entries'; readonly service: string | null; readonly operation: string | null }
  | { readonly of: 'served'; readonly service: string | null; readonly operation: string | null }
  /** That serve nobody. */
  | { readonly of: 'operation'; readonly service: string | null; readonly operation: string }
  /** Client and producer spans by who is called; `served` is the operation of the span that answered. */
  | {
      readonly of: 'calls';
      readonly caller: string | null;
      readonly callee: string | null;
      readonly operation: string | null;
      readonly served: string | null;
    };

export interface CallsWanted {
  readonly range: TimeRange;
  readonly targets: readonly CallTarget[];
  /** Only those that ended so; a number of columns/codes.ts. */
  readonly isOutcome?: (outcome: number) => boolean;
  /** Also streams, which are no such calls: they are counted, but have no latency. */
  readonly withStreams?: boolean;
  /** Only those with an attribute of this beginning. */
  readonly attribute?: string;
  /** Only those at least so long. */
  readonly minMs?: number;
  /** Whether calls that start then are wanted still. */
  readonly isWantedAt: (fromUnixMs: number, toUnixMs: number) => boolean;
  /** Whether it is worth finding out if a row is wanted, which takes longer than this. */
  readonly isWorth?: (granule: Granule, row: number) => boolean;
  /** How many granules are looked through; every block has its share of them. */
  readonly granulesMax: number;
}

/** Rows of one trace that are such calls, rising. */
export interface CallRows {
  readonly granule: Granule;
  /** The trace's, among those of the granule. */
  readonly run: number;
  readonly at: Uint32Array;
}

export type Take = (calls: CallRows) => 'more' | 'next block' | 'enough';

export function createCallRows(names: Names, onDamage: OnDamage) {
  /** By what all spans of an operation agree in. */
  function canBe(target: CallTarget, operation: number): boolean {
    const { service, name, kind } = names.operationRow(operation);
    switch (target.of) {
      case 'entries':
        return kind === 'server' && isAny(target.service, service) && isAny(target.operation, name);
      case 'served':
        return isServing(kind) && isAny(target.service, service) && isAny(target.operation, name);
      case 'operation':
        return !isServing(kind) && isAny(target.service, service) && target.operation === name;
      case 'calls':
        return isCalling(kind) && isAny(target.caller, service) && isAny(target.operation, name);
    }
  }

  function isIt(
    target: CallTarget,
    of: CallRun,
    row: number,
    servers: ServerFinder,
    remembered: ReadonlyMap<string, string>,
  ): boolean {
    const granule = of.decoded.rows;
    if (!canBe(target, granule.operation[row]!)) return false;
    if (target.of === 'entries') return isRoot(granule, row);
    if (target.of !== 'calls') return true;
    if (granule.peer[row] === 0) return false;
    const { callee, served } = target;
    if (callee === null && served === null) return true;
    const serving = servers.find(of, row);
    if (served !== null && (serving === NO_SERVER || names.operation(serving) !== served)) return false;
    return isAny(callee, calleeOfRow(granule, row, serving, names, remembered));
  }

  /** Streams, long by design, and spans that have not ended are no such calls. Marks the rows of a granule that may be wanted; null where none is. What a class says is found once a block. */
  function compileMarks(
    { isOutcome, attribute, withStreams }: CallsWanted,
    isOperation: (operation: number) => boolean,
  ) {
    const notTimed = withStreams === true ? IS_SNAPSHOT : IS_STREAM | IS_SNAPSHOT;
    const known = new WeakMap<object, Uint8Array>();
    function marksOfClasses({ classesOfAnyResource: classes, stored }: Granule): Uint8Array {
      const mayHaveIt = rememberByNumber(
        (shape) => attribute === undefined || mayHave(stored, shape, attribute),
      );
      const { count, operation, flags, outcome, shape } = classes;
      const marks = new Uint8Array(count);
      for (let index = 0; index < count; index++) {
        if (!isOperation(operation[index]!) || (flags[index]! & notTimed) !== 0) continue;
        if ((isOutcome?.(outcome[index]!) ?? true) && mayHaveIt(shape[index]!)) marks[index] = 1;
      }
      return marks;
    }
    return (granule: Granule): Uint8Array | null => {
      const { operation } = granule.classesOfAnyResource;
      let ofClass = known.get(operation);
      if (ofClass === undefined) known.set(operation, (ofClass = marksOfClasses(granule)));
      return ofClass.includes(1) ? expandClasses(granule.classesOfAnyResource, granule.rows, ofClass) : null;
    };
  }

  /**
   * Tells `take` of them trace by trace, the newest blocks first, until it has enough of a block or of all. Whether nothing was
   * left out for `granulesMax`, or for how many spans of servers may be looked for.
   */
  function eachCall(
    units: readonly Unit[],
    wanted: CallsWanted,
    remembered: ReadonlyMap<string, string>,
    take: Take,
    isCancelled: () => boolean,
  ): boolean {
    const { range, targets, isWantedAt, granulesMax, minMs = 0 } = wanted;
    const inRange = newestUnits(units, range);
    const granulesOfUnit = Math.max(1, Math.ceil(granulesMax / Math.max(1, inRange.length)));
    const isOperation = rememberByNumber((operation) => targets.some((target) => canBe(target, operation)));
    const marksOf = compileMarks(wanted, isOperation);

    function isLeftOut({ minStartMs, maxStartMs, maxDurationMs, failed, operations }: GranuleZone): boolean {
      if (maxStartMs < range.fromUnixMs || minStartMs >= range.toUnixMs || maxDurationMs < minMs) return true;
      if (failed === 0 && wanted.isOutcome?.(OK) === false) return true;
      return !isWantedAt(minStartMs, maxStartMs) || !operations.some(isOperation);
    }

    const servers = createServerFinder(units, onDamage);
    function isWanted(of: CallRun, row: number): boolean {
      const { rows } = of.decoded;
      const startMs = startMsOf(rows, row);
      if (startMs < range.fromUnixMs || startMs >= range.toUnixMs) return false;
      if (wanted.isWorth?.(rows, row) === false) return false;
      return targets.some((target) => isIt(target, of, row, servers, remembered));
    }

    function takeMarked(unit: Unit, granule: Granule, marks: Uint8Array): ReturnType<Take> {
      for (const { run: number, first, end, decoded } of markedRuns(granule, marks)) {
        const shift = decoded.first - first;
        const of = { unit, granule, run: number, decoded };
        const at: number[] = [];
        for (let row = first; row < end; row++)
          if (marks[row] === 1 && isWanted(of, row + shift)) at.push(row + shift);
        if (at.length === 0) continue;
        const isAlone = decoded.rows !== granule;
        const answer = take({ granule: decoded.rows, run: isAlone ? 0 : number, at: Uint32Array.from(at) });
        if (answer !== 'more') return answer;
      }
      return 'more';
    }

    let isWhole = true;
    function takeUnit(unit: Unit): ReturnType<Take> {
      let left = granulesOfUnit;
      let answer: ReturnType<Take> = 'more';
      eachGranule(unit, onDamage, (granule) => {
        if (isCancelled()) throw new Cancelled('the caller went away');
        if (isLeftOut(granule.zone)) return 'more';
        const marks = marksOf(granule);
        if (marks === null) return 'more';
        if (left-- === 0) {
          isWhole = false;
          return 'done';
        }
        answer = takeMarked(unit, granule, marks);
        return answer === 'more' ? 'more' : 'done';
      });
      return answer;
    }

    for (const unit of inRange) {
      if (isWantedAt(unit.firstStartMs, unit.lastStartMs) && takeUnit(unit) === 'enough') break;
    }
    return isWhole && servers.isWhole();
  }

  return { eachCall };
}

const isServing = (kind: SpanKind): boolean => kind === 'server' || kind === 'consumer';
export const isCalling = (kind: SpanKind): boolean => kind === 'client' || kind === 'producer';
const isAny = (wanted: string | null, name: string): boolean => wanted === null || wanted === name;

/** Of a span that is kept whole it is not known. */
function mayHave(stored: StoredShapes, shape: number, attribute: string): boolean {
  const { steps } = stored.shapes[shape]!;
  return steps.some(
    ({ code, key }) => key.startsWith(attribute) || OPERATIONS[numberOfCode(code)]!.content === 'raw',
  );
}
