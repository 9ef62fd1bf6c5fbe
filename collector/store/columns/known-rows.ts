/** Remembers rows by some of their values, to find one like another. */
import type { SpanTable } from './span-table.ts';

/** Sets of two slots, 256 KB; a row that falls out is worked out again. */
const SLOTS = 1 << 16;
const MIX = 0x9e3779b1;

export class KnownRows {
  readonly #slots = new Uint32Array(SLOTS);

  clear(): void {
    this.#slots.fill(0);
  }

  /** An earlier row of the same shape with the same values at `offsets`; -1 for none. */
  find(table: SpanTable, row: number, offsets: Uint16Array): number {
    const slot = this.#slotOf(table, row, offsets);
    for (let way = slot; way < slot + 2; way++) {
      const known = this.#slots[way]! - 1;
      if (known >= 0 && known < row && isSame(table, known, row, offsets)) return known;
    }
    return -1;
  }

  add(table: SpanTable, row: number, offsets: Uint16Array): void {
    const slot = this.#slotOf(table, row, offsets);
    this.#slots[slot + 1] = this.#slots[slot]!;
    this.#slots[slot] = row + 1;
  }

  #slotOf(table: SpanTable, row: number, offsets: Uint16Array): number {
    const { values } = table;
    const first = table.valueStart[row]!;
    let hash = Math.imul(table.shape[row]! + 1, MIX);
    for (let index = 0; index < offsets.length; index++) {
      hash = Math.imul(hash ^ values[first + offsets[index]!]!, MIX);
      hash ^= hash >>> 15;
    }
    return hash & (SLOTS - 2);
  }
}

function isSame(table: SpanTable, a: number, b: number, offsets: Uint16Array): boolean {
  if (table.shape[a] !== table.shape[b]) return false;
  const { values } = table;
  const firstOfA = table.valueStart[a]!;
  const firstOfB = table.valueStart[b]!;
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index]!;
    if (values[firstOfA + offset] !== values[firstOfB + offset]) return false;
  }
  return true;
}
