/** A store under the contract's tests, and how they ask it. */
import { parseQuery } from '../../../collector/query/parse-query.ts';
import type { Store, TraceSearch } from '../../../collector/store/store.ts';
import { AROUND_NOON } from '../make-request.ts';

/** `open` gives an empty store, `reopen` closes one and opens what it had stored. */
export interface Backend {
  open(): Promise<Store>;
  reopen(store: Store): Promise<Store>;
  remove(): Promise<void>;
}

export class TestedStore {
  readonly #backend: Backend;
  store!: Store;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  async open(): Promise<void> {
    this.store = await this.#backend.open();
  }
  async reopen(): Promise<void> {
    this.store = await this.#backend.reopen(this.store);
  }
  async remove(): Promise<void> {
    await this.store.close();
    await this.#backend.remove();
  }

  search(q: string, more: Partial<TraceSearch> = {}) {
    const search = {
      range: AROUND_NOON,
      term: parseQuery(q),
      sort: 'newest',
      limit: 20,
      cursor: null,
    } as const;
    return this.store.searchTraces({ ...search, ...more });
  }
  /** Ids of the traces found, without leading zeros. */
  async found(q: string, more: Partial<TraceSearch> = {}): Promise<string[]> {
    const { traces } = await this.search(q, more);
    return traces.map((trace) => trace.traceId.replace(/^0+/, ''));
  }
}
