/** A step whose cells are read one by one, without going past those before them. */
import type { ProtobufReader } from '../../decode/protobuf-reader.ts';
import { readCell, skipCell, type Cell } from './cell.ts';
import { openStep } from './steps.ts';

export class StepIndex {
  /** Of memory. */
  readonly bytes: number;
  readonly #reader: ProtobufReader;
  /** Rising; of each, where its cell begins. */
  readonly #series: Uint32Array;
  readonly #positions: Uint32Array;

  /** Of a sum or a delta. Throws when the bytes are damaged. */
  constructor(data: Uint8Array) {
    const reader = (this.#reader = openStep(data));
    const all: number[] = [];
    const positions: number[] = [];
    for (let series = 0; reader.more;) {
      series += reader.varint();
      all.push(series);
      positions.push(reader.position);
      skipCell(reader);
    }
    this.#series = Uint32Array.from(all);
    this.#positions = Uint32Array.from(positions);
    this.bytes = reader.limit + this.#series.byteLength + this.#positions.byteLength;
  }

  /** The caller's own; null when the series has none. */
  cell(series: number): Cell | null {
    let low = 0;
    let high = this.#series.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#series[middle]! < series) low = middle + 1;
      else high = middle;
    }
    if (this.#series[low] !== series) return null;
    this.#reader.position = this.#positions[low]!;
    return readCell(this.#reader);
  }
}
