/** Resources or scopes that a table has met, by the numbers that its pool gives to their bytes and schema URL. */
import { PairMap } from './pair-map.ts';

/** More are forgotten, all at once. */
const CONTEXTS_MAX = 1_024;

export class KnownContexts<T> {
  readonly #numbers = new PairMap();
  readonly #contexts: T[] = [];

  get(bytesId: number, urlId: number): T | undefined {
    const number = this.#numbers.get(bytesId, urlId);
    return number < 0 ? undefined : this.#contexts[number];
  }

  /** Returns the context. */
  add(bytesId: number, urlId: number, context: T): T {
    if (this.#contexts.length >= CONTEXTS_MAX) this.clear();
    this.#numbers.set(bytesId, urlId, this.#contexts.push(context) - 1);
    return context;
  }

  clear(): void {
    this.#numbers.clear();
    this.#contexts.length = 0;
  }
}
