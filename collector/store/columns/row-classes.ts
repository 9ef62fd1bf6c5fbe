/**
 * Sorts the rows of a granule into classes: rows that agree in operation, shape, resource, scope, kind, status, outcome
 * and flags. There are few, so what they share is stored and searched once for each class; a row keeps its number.
 */
import type { SpanTable } from './span-table.ts';

const MIX = 0x9e3779b1;

export class RowClasses {
  count = 0;
  /** A row of the table for each class. */
  example = new Uint32Array(64);
  /** How many rows a class has. */
  rows = new Uint32Array(64);
  /** The class of each row of the granule, in its order. */
  of = new Uint32Array(0);
  #slots = new Uint32Array(0);

  /** Sorts the rows `order[from]` up to `order[to]`. */
  sort(table: SpanTable, order: Uint32Array, from: number, to: number): void {
    const rows = to - from;
    if (this.of.length < rows) this.of = new Uint32Array(2 * rows);
    let slots = 1024;
    while (slots < 2 * rows) slots *= 2;
    if (this.#slots.length < slots) this.#slots = new Uint32Array(slots);
    else this.#slots.fill(0, 0, slots);
    this.count = 0;
    const { operation, shape, resource } = table;
    for (let index = 0; index < rows; index++) {
      const row = order[from + index]!;
      let hash = Math.imul(operation[row]!, MIX) ^ Math.imul(shape[row]! + 1, 0x85ebca6b) ^ resource[row]!;
      hash = Math.imul(hash ^ (hash >>> 15), MIX);
      this.of[index] = this.#classOf(table, row, (hash ^ (hash >>> 13)) & (slots - 1), slots - 1);
    }
  }

  #classOf(table: SpanTable, row: number, slot: number, mask: number): number {
    for (; ; slot = (slot + 1) & mask) {
      const known = this.#slots[slot]! - 1;
      if (known < 0) break;
      if (isAlike(table, this.example[known]!, row)) {
        this.rows[known]!++;
        return known;
      }
    }
    if (this.count === this.example.length) this.#grow();
    this.#slots[slot] = this.count + 1;
    this.example[this.count] = row;
    this.rows[this.count] = 1;
    return this.count++;
  }

  #grow(): void {
    const [examples, rows] = [this.example, this.rows];
    this.example = new Uint32Array(2 * examples.length);
    this.example.set(examples);
    this.rows = new Uint32Array(2 * rows.length);
    this.rows.set(rows);
  }
}

function isAlike(table: SpanTable, a: number, b: number): boolean {
  return (
    table.operation[a] === table.operation[b] &&
    table.shape[a] === table.shape[b] &&
    table.resource[a] === table.resource[b] &&
    table.scope[a] === table.scope[b] &&
    table.kind[a] === table.kind[b] &&
    table.status[a] === table.status[b] &&
    table.outcome[a] === table.outcome[b] &&
    table.flags[a] === table.flags[b]
  );
}
