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
import { addStoredCell, emptyCell, skipCell } from './cell.ts';
import { SketchSum } from './sketch-sum.ts';
import { addCells, openStep, type StepCells } from './steps.ts';

/** A step, and the series whose cell is to be read next. */
interface OpenedStep {
  readonly reader: ProtobufReader;
  series: number;
}

const latency = new SketchSum();
const serverLatency = new SketchSum();

/** So many are opened at a time, some MB each at most. */
const STEPS_AT_ONCE = 64;

/** Of sums and deltas, the cells of the series wanted. Throws when bytes are damaged. */
export function sumSteps(steps: Iterable<Uint8Array>, isWanted: (series: number) => boolean): StepCells {
  const sum: StepCells = new Map();
  let open: OpenedStep[] = [];
  for (const data of steps) {
    const step = { reader: openStep(data), series: 0 };
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

function sumSideBySide(open: OpenedStep[], isWanted: (series: number) => boolean): StepCells {
  const sum: StepCells = new Map();
  while (open.length > 0) {
    let series = Infinity;
    for (const step of open) series = Math.min(series, step.series);
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
    sum.set(series, cell);
  }
  return sum;
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
