/**
 * The steps of time that cells are kept for, and one step's cells as bytes.
 *
 * A range is read from as few steps as cover it: whole days, then hours, then minutes at its ends.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { ProtobufReader } from '../../decode/protobuf-reader.ts';
import type { TimeRange } from '../store.ts';
import { ByteWriter } from './byte-writer.ts';
import {
  addCell,
  emptyCell,
  holdAtZero,
  isEmptyCell,
  readCell,
  skipCell,
  writeCell,
  type Cell,
} from './cell.ts';

export type Level = 'minute' | 'hour' | 'day';

export const MINUTE_MS = 60_000;
export const STEP_MS: { readonly [level in Level]: number } = {
  minute: MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 24 * 60 * MINUTE_MS,
};
/** A blob that claims to be larger is damaged: 100,000 series of full sketches are below it. */
const STEP_BYTES_MAX = 1_000_000_000;

/** Cells by series id. */
export type StepCells = Map<number, Cell>;

const writer = new ByteWriter();

/** A step's sum. Null when nothing is left in it. Changes the cells. */
export function encodeStep(cells: ReadonlyMap<number, Cell>): Buffer | null {
  const step = new StepWriter();
  for (const [series, cell] of rising(cells)) step.sum(series, cell);
  return step.finish();
}

/** What is to be added to a step: of either sign, so that nothing of it may be left out. */
export function encodeDelta(cells: ReadonlyMap<number, Cell>): Buffer | null {
  const step = new StepWriter();
  for (const [series, cell] of rising(cells)) step.delta(series, cell);
  return step.finish();
}

function rising(cells: ReadonlyMap<number, Cell>): (readonly [number, Cell])[] {
  return [...cells].toSorted(bySeries);
}

const bySeries = (a: readonly [number, Cell], b: readonly [number, Cell]) => a[0] - b[0];

/** Writes cells in rising order of series. One at a time: they share their memory. */
export class StepWriter {
  #before = 0;

  constructor() {
    writer.clear();
  }

  /** Left out when nothing is left in it. */
  sum(series: number, cell: Cell): void {
    holdAtZero(cell);
    if (!isEmptyCell(cell)) this.delta(series, cell);
  }

  delta(series: number, cell: Cell): void {
    this.#begin(series);
    writeCell(writer, cell);
  }

  /** Of a cell as `openStep` reads it. */
  copy(series: number, bytes: Uint8Array): void {
    this.#begin(series);
    writer.copy(bytes);
  }

  /** Null when nothing was written. */
  finish(): Buffer | null {
    const written = writer.bytes();
    if (written.length === 0) return null;
    return zstdCompressSync(written, {
      params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
    });
  }

  #begin(series: number): void {
    writer.varint(series - this.#before);
    this.#before = series;
  }
}

/** The cells of a sum or a delta, in rising order of series: how far from the one before, and the cell. */
export function openStep(data: Uint8Array): ProtobufReader {
  return new ProtobufReader(zstdDecompressSync(data, { maxOutputLength: STEP_BYTES_MAX }));
}

/** Of a sum or a delta. Throws when the bytes are damaged. `wanted` leaves out series that are not asked for. */
export function decodeStep(data: Uint8Array, wanted?: (series: number) => boolean): StepCells {
  return readCells(openStep(data), wanted);
}

/** Of a step as `openStep` gives it. */
export function readCells(reader: ProtobufReader, wanted?: (series: number) => boolean): StepCells {
  const cells: StepCells = new Map();
  for (let series = 0; reader.more;) {
    series += reader.varint();
    if (wanted?.(series) ?? true) cells.set(series, readCell(reader));
    else skipCell(reader);
  }
  return cells;
}

export function addCells(sum: StepCells, added: ReadonlyMap<number, Cell>): void {
  for (const [series, cell] of added) {
    const known = sum.get(series);
    if (known !== undefined) addCell(known, cell);
    else {
      const copy = emptyCell();
      addCell(copy, cell);
      sum.set(series, copy);
    }
  }
}

export interface StepRun {
  readonly level: Level;
  /** `[from, to)`, whole steps. */
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
}

/** The runs of steps that cover a range, rounded outward to minutes: at most five. */
export function coverRange(range: TimeRange): StepRun[] {
  const { fromUnixMs, toUnixMs } = toMinutes(range);
  return cover(fromUnixMs, toUnixMs, ['day', 'hour', 'minute']);
}

/** Rounded outward. */
export function toMinutes({ fromUnixMs, toUnixMs }: TimeRange): TimeRange {
  return { fromUnixMs: floorTo(fromUnixMs, MINUTE_MS), toUnixMs: -floorTo(-toUnixMs, MINUTE_MS) };
}

function cover(from: number, to: number, levels: readonly Level[]): StepRun[] {
  const [level, ...finer] = levels;
  if (level === undefined || from >= to) return [];
  const stepMs = STEP_MS[level];
  const first = -floorTo(-from, stepMs);
  const last = floorTo(to, stepMs);
  if (first >= last) return cover(from, to, finer);
  return [
    ...cover(from, first, finer),
    { level, fromUnixMs: first, toUnixMs: last },
    ...cover(last, to, finer),
  ];
}

function floorTo(unixMs: number, stepMs: number): number {
  return Math.floor(unixMs / stepMs) * stepMs;
}
