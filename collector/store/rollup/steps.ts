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

/**
 * A step's sum: the cells, added to what is stored of it. Null when nothing is left in it. Throws when the stored bytes are
 * damaged. What is stored is read a cell at a time, because a day has thousands, and those that nothing is added to are
 * copied as they are.
 */
export function encodeStep(
  cells: ReadonlyMap<number, Cell>,
  stored: Uint8Array | null = null,
): Buffer | null {
  writer.clear();
  let before = 0;
  const begin = (series: number): void => {
    writer.varint(series - before);
    before = series;
  };
  const put = (series: number, cell: Cell): void => {
    holdAtZero(cell);
    if (isEmptyCell(cell)) return;
    begin(series);
    writeCell(writer, cell);
  };
  const added = rising(cells);
  let next = 0;
  const putBelow = (series: number): void => {
    for (; next < added.length && added[next]!.series < series; next++)
      put(added[next]!.series, added[next]!.cell);
  };
  if (stored !== null) {
    const reader = openStep(stored);
    for (let series = 0; reader.more;) {
      series += reader.varint();
      putBelow(series);
      if (added[next]?.series === series) {
        const sum = readCell(reader);
        addCell(sum, added[next++]!.cell);
        put(series, sum);
      } else {
        const from = reader.position;
        skipCell(reader);
        begin(series);
        writer.copy(reader.bytes.subarray(from, reader.position));
      }
    }
  }
  putBelow(Infinity);
  return compressWritten();
}

/** What is to be added to a step: of either sign, so that nothing of it may be left out. */
export function encodeDelta(cells: ReadonlyMap<number, Cell>): Buffer | null {
  writer.clear();
  let before = 0;
  for (const { series, cell } of rising(cells)) {
    writer.varint(series - before);
    writeCell(writer, cell);
    before = series;
  }
  return compressWritten();
}

function rising(cells: ReadonlyMap<number, Cell>): { readonly series: number; readonly cell: Cell }[] {
  return Array.from(cells, ([series, cell]) => ({ series, cell })).toSorted((a, b) => a.series - b.series);
}

function compressWritten(): Buffer | null {
  const written = writer.bytes();
  if (written.length === 0) return null;
  return zstdCompressSync(written, {
    params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 },
  });
}

/** The cells of a sum or a delta, in rising order of series: how far from the one before, and the cell. */
export function openStep(data: Uint8Array): ProtobufReader {
  return new ProtobufReader(zstdDecompressSync(data, { maxOutputLength: STEP_BYTES_MAX }));
}

/** Of a sum or a delta. Throws when the bytes are damaged. `wanted` leaves out series that are not asked for. */
export function decodeStep(data: Uint8Array, wanted?: (series: number) => boolean): StepCells {
  const reader = openStep(data);
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
