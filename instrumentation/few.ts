/**
 * A set that has one member most of the time, in the order in which they came.
 *
 * A `Set` makes itself a new table each time it gets empty, 170 bytes for each call.
 */
export class Few<Member extends object> {
  #first: Member | undefined = undefined;
  /** Those behind the first; empty when there is none. */
  #others: Set<Member> | undefined = undefined;

  get size(): number {
    return this.#first === undefined ? 0 : 1 + (this.#others?.size ?? 0);
  }

  /** Whether it is the only one. */
  isOnly(member: Member): boolean {
    return this.#first === member && this.size === 1;
  }

  add(member: Member): void {
    if (this.#first === undefined) this.#first = member;
    else if (this.#first !== member) (this.#others ??= new Set()).add(member);
  }

  delete(member: Member): void {
    if (this.#first !== member) {
      this.#others?.delete(member);
      return;
    }
    this.#first = undefined;
    for (const next of this.#others ?? []) {
      this.#first = next;
      this.#others?.delete(next);
      return;
    }
  }

  /** Members may leave and come meanwhile: none is met twice, and none that has left. */
  *[Symbol.iterator](): Iterator<Member> {
    const first = this.#first;
    if (first === undefined) return;
    yield first;
    if (this.#first === undefined || this.isOnly(first)) return;
    // When the first leaves, another takes its place and is no longer among the others.
    for (const member of [this.#first, ...(this.#others ?? [])])
      if (member !== first && this.#has(member)) yield member;
  }

  #has(member: Member): boolean {
    return this.#first === member || this.#others?.has(member) === true;
  }
}
