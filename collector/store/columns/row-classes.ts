/**
 * Sorts the rows of a block into classes: rows that agree in operation, shape, scope, kind, status, outcome and flags,
 * and if wanted in resource. They are few, and what a class says of its rows is stored and searched once; a row keeps
 * the number of its class.
 */
import type { SpanRows } from './span-table.ts';

const FIRST_CLASSES = 1 << 10;
const MIX = 0x9e3779b1;

export class RowClasses {
  count = 0;
  /** A row of the table for each class. */
  example = new Uint32Array(FIRST_CLASSES);
  /** How many rows a class has. */
  rows = new Uint32Array(FIRST_CLASSES);
  /** The class of each row, in the order of the block. */
  of = new Uint32Array(0);
  readonly #byResource: boolean;
  #slots = new Uint32Array(0);

  constructor(byResource: boolean) {
    this.#byResource = byResource;
  }

  /** Sorts the rows that `order` names. */
  sort(table: SpanRows, order: Uint32Array): void {
    const rows = order.length;
    if (this.of.length < rows) this.of = new Uint32Array(2 * rows);
    let slots = FIRST_CLASSES;
    while (slots < 2 * rows) slots *= 2;
    if (this.#slots.length < slots) this.#slots = new Uint32Array(slots);
    else this.#slots.fill(0, 0, slots);
    this.count = 0;
    const { operation, shape, outcome, resource } = table;
    for (let index = 0; index < rows; index++) {
      const row = order[index]!;
      let hash = Math.imul(operation[row]!, MIX) ^ Math.imul(shape[row]! + 1, 0x85ebca6b) ^ outcome[row]!;
      if (this.#byResource) hash ^= Math.imul(resource[row]!, 0x27d4eb2f);
      hash = Math.imul(hash ^ (hash >>> 15), MIX);
      this.of[index] = this.#classOf(table, row, (hash ^ (hash >>> 13)) & (slots - 1), slots - 1);
    }
  }

  #classOf(table: SpanRows, row: number, firstSlot: number, mask: number): number {
    const slots = this.#slots;
    let slot = firstSlot;
    for (let known = slots[slot]!; known !== 0; known = slots[slot]!) {
      const example = this.example[known - 1]!;
      const isOfResource = !this.#byResource || table.resource[example] === table.resource[row];
      if (isOfResource && isAlike(table, example, row)) {
        this.rows[known - 1]!++;
        return known - 1;
      }
      slot = (slot + 1) & mask;
    }
    if (this.count === this.example.length) this.#grow();
    this.example[this.count] = row;
    this.rows[this.count] = 1;
    slots[slot] = ++this.count;
    return this.count - 1;
  }

  #grow(): void {
    const [examples, rows] = [this.example, this.rows];
    this.example = new Uint32Array(2 * examples.length);
    this.example.set(examples);
    this.rows = new Uint32Array(2 * rows.length);
    this.rows.set(rows);
  }
}

function isAlike(table: SpanRows, a: number, b: number): boolean {
  return (
    table.operation[a] === table.operation[b] &&
    table.shape[a] === table.shape[b] &&
    table.scope[a] === table.scope[b] &&
    table.kind[a] === table.kind[b] &&
    table.status[a] === table.status[b] &&
    table.outcome[a] === table.outcome[b] &&
    table.flags[a] === table.flags[b]
  );
}
