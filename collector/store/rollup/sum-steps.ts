/**
 * Adds up the cells of many steps as they are stored, without making each of them.
 *
 *     minute   1: 12 3 ─ 5: 7       ┐
 *     hour     1: 40 9 ─ 2: 6 ─ …   ├─ side by side, a series at a time ─▶ 1: 52 12, 2: 6, …
 *     day      1: 831 …             ┘
 *
 * A week is read from some thirty steps of thousands of cells: made one by one, they take three times as long.
 */
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';
import { addStoredCell, emptyCell, skipCell, type Cell } from './cell.ts';
import { SketchSum } from './sketch-sum.ts';
import { addCells, openStep, StepWriter, type StepCells } from './steps.ts';

/** A step, and the series whose cell is to be read next. */
interface OpenedStep {
  readonly reader: ProtobufReader;
  series: number;
}

const latency = new SketchSum();
const serverLatency = new SketchSum();

/** So many are opened at a time, some MB each at most. */
const STEPS_AT_ONCE = 64;

/** So many are added up within some 2 ms. */
const CELLS_AT_ONCE = 256;

/** Of sums and deltas, each as `openStep` gives it, the cells of the series wanted. Throws when bytes are damaged. */
export function sumSteps(steps: Iterable<ProtobufReader>, isWanted: (series: number) => boolean): StepCells {
  const sum: StepCells = new Map();
  let open: OpenedStep[] = [];
  for (const reader of steps) {
    const step = { reader, series: 0 };
    if (findNext(step, isWanted)) open.push(step);
    if (open.length < STEPS_AT_ONCE) continue;
    addCells(sum, sumSideBySide(open, isWanted));
    open = [];
  }
  const rest = sumSideBySide(open, isWanted);
  if (sum.size === 0) return rest;
  addCells(sum, rest);
  return sum;
}

/**
 * A stored step's sum, null when there is none, and what is to be added to it, as one sum; null when nothing is left. Throws
 * when bytes are damaged. A cell at a time: a day has thousands, of which most are copied as they are. A generator, stepped
 * between commits; nothing else may be encoded before its end.
 */
export function* encodeSum(
  stored: Uint8Array | null,
  deltas: readonly Uint8Array[],
): Generator<void, Buffer | null, void> {
  const whole = stored === null ? null : { reader: openStep(stored), series: 0 };
  const open = deltas.map((data) => ({ reader: openStep(data), series: 0 }));
  if (whole !== null) open.unshift(whole);
  const opened = open.filter((step) => findNext(step, all));
  const step = new StepWriter();
  for (let cells = 1; opened.length > 0; cells++) {
    if (cells % CELLS_AT_ONCE === 0) yield;
    const series = lowestOf(opened);
    const isAlone = opened[0] === whole && opened.every((each) => each === whole || each.series !== series);
    if (!isAlone) step.sum(series, sumNext(opened, series, all));
    else {
      const { reader } = opened[0]!;
      const from = reader.position;
      skipCell(reader);
      step.copy(series, reader.bytes.subarray(from, reader.position));
      if (!findNext(opened[0]!, all)) opened.shift();
    }
  }
  return step.finish();
}

const all = (): boolean => true;

function sumSideBySide(open: OpenedStep[], isWanted: (series: number) => boolean): StepCells {
  const sum: StepCells = new Map();
  while (open.length > 0) {
    const series = lowestOf(open);
    sum.set(series, sumNext(open, series, isWanted));
  }
  return sum;
}

function lowestOf(open: readonly OpenedStep[]): number {
  let series = Infinity;
  for (const step of open) if (step.series < series) series = step.series;
  return series;
}

/** Of the steps whose next cell is of the series; those that are at their end are taken out. */
function sumNext(open: OpenedStep[], series: number, isWanted: (series: number) => boolean): Cell {
  const cell = emptyCell();
  latency.clear();
  serverLatency.clear();
  for (let index = 0; index < open.length; index++) {
    const step = open[index]!;
    if (step.series !== series) continue;
    addStoredCell(cell, latency, serverLatency, step.reader);
    if (!findNext(step, isWanted)) open.splice(index--, 1);
  }
  cell.latency = latency.sketch();
  if (!serverLatency.isEmpty) cell.serverLatency = serverLatency.sketch();
  return cell;
}

/** Goes to the next cell that is wanted; false when there is none. */
function findNext(step: OpenedStep, isWanted: (series: number) => boolean): boolean {
  const { reader } = step;
  while (reader.more) {
    step.series += reader.varint();
    if (isWanted(step.series)) return true;
    skipCell(reader);
  }
  return false;
}
