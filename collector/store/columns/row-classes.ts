/**
 * Sorts the rows of a block into classes: rows that agree in operation, shape, scope, kind, status, outcome and flags,
 * and if wanted in resource. They are few, and what a class says of its rows is stored and searched once; a row keeps
 * the number of its class.
 */
import type { SpanRows } from './span-table.ts';

const FIRST_CLASSES = 1 << 10;
const MIX = 0x9e3779b1;
/** Words kept of a class: operation, shape, scope, codes, resource (0 if classes are not told by it), an example. */
const WORDS = 8;
const EXAMPLE = 5;

export class RowClasses {
  count = 0;
  /** A row of the table for each class. */
  readonly example: Uint32Array;
  /** How many rows a class has. */
  readonly rows: Uint32Array;
  /** The class of each row of the table; of those that have no place, none in particular. */
  readonly ofRow: Uint32Array;
  #classes = new Uint32Array(WORDS * FIRST_CLASSES);
  /** Twos: hash, and class plus 1. */
  #slots = new Int32Array(4 * FIRST_CLASSES);

  /** Sorts the rows whose place (one more than it) is not 0, as they lie in memory: reaching them is what costs. */
  constructor(table: SpanRows, placeOf: Uint32Array, byResource: boolean) {
    const ofRow = new Uint32Array(table.rows);
    const { operation, shape, scope, kind, status, outcome, flags, resource } = table;
    for (let row = 0; row < table.rows; row++) {
      if (placeOf[row] === 0) continue;
      const codes = kind[row]! | (status[row]! << 8) | (outcome[row]! << 16) | (flags[row]! << 24);
      ofRow[row] = this.#classOf(
        operation[row]!,
        shape[row]!,
        scope[row]!,
        codes,
        byResource ? resource[row]! : 0,
        row,
      );
    }
    this.ofRow = ofRow;
    this.example = Uint32Array.from(
      { length: this.count },
      (_, index) => this.#classes[WORDS * index + EXAMPLE]!,
    );
    this.rows = new Uint32Array(this.count);
    for (let row = 0; row < ofRow.length; row++) if (placeOf[row] !== 0) this.rows[ofRow[row]!]!++;
  }

  #classOf(
    operation: number,
    shape: number,
    scope: number,
    codes: number,
    resource: number,
    row: number,
  ): number {
    let hash =
      Math.imul(operation, MIX) ^ Math.imul(shape + 1, 0x85ebca6b) ^ Math.imul(resource, 0x27d4eb2f) ^ codes;
    hash = Math.imul(hash ^ (hash >>> 15), MIX);
    hash ^= hash >>> 13;
    if (4 * this.count >= this.#slots.length) this.#growSlots();
    const mask = (this.#slots.length >>> 1) - 1;
    const classes = this.#classes;
    let slot = hash & mask;
    for (let known = this.#slots[2 * slot + 1]!; known !== 0; known = this.#slots[2 * slot + 1]!) {
      const at = WORDS * (known - 1);
      if (
        this.#slots[2 * slot] === hash &&
        classes[at] === operation &&
        classes[at + 1] === shape &&
        classes[at + 2] === scope &&
        classes[at + 3] === codes >>> 0 &&
        classes[at + 4] === resource
      ) {
        return known - 1;
      }
      slot = (slot + 1) & mask;
    }
    this.#slots[2 * slot] = hash;
    this.#slots[2 * slot + 1] = this.count + 1;
    this.#add(operation, shape, scope, codes, resource, row);
    return this.count++;
  }

  #add(operation: number, shape: number, scope: number, codes: number, resource: number, row: number): void {
    const at = WORDS * this.count;
    if (at === this.#classes.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.#classes);
      this.#classes = larger;
    }
    this.#classes[at] = operation;
    this.#classes[at + 1] = shape;
    this.#classes[at + 2] = scope;
    this.#classes[at + 3] = codes;
    this.#classes[at + 4] = resource;
    this.#classes[at + EXAMPLE] = row;
  }

  #growSlots(): void {
    const before = this.#slots;
    this.#slots = new Int32Array(2 * before.length);
    const mask = (this.#slots.length >>> 1) - 1;
    for (let at = 0; at < before.length; at += 2) {
      if (before[at + 1] === 0) continue;
      let slot = before[at]! & mask;
      while (this.#slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      this.#slots[2 * slot] = before[at]!;
      this.#slots[2 * slot + 1] = before[at + 1]!;
    }
  }
}
