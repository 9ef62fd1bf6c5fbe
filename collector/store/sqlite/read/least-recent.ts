/** Keeps what was used last, up to a size; what grows while it is used is measured again with each use. */
export class LeastRecent<Key, Value> {
  readonly #kept = new Map<Key, { readonly value: Value; size: number }>();
  readonly #sizeMax: number;
  readonly #sizeOf: (value: Value) => number;
  #size = 0;

  constructor(sizeMax: number, sizeOf: (value: Value) => number) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
  }

  /** What is kept under the key, else what `read` gives, which is kept from then on. */
  get(key: Key, read: () => Value): Value {
    const kept = this.#kept.get(key) ?? { value: read(), size: 0 };
    // The last one now.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const size = this.#sizeOf(kept.value);
    this.#size += size - kept.size;
    kept.size = size;
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#sizeMax || oldest === key) break;
      this.delete(oldest);
    }
    return kept.value;
  }

  /** What is kept under the key, without that being a use of it. */
  peek(key: Key): Value | undefined {
    return this.#kept.get(key)?.value;
  }

  delete(key: Key): void {
    this.#size -= this.#kept.get(key)?.size ?? 0;
    this.#kept.delete(key);
  }

  /** Forgets what is under other keys. */
  keepOnly(keys: ReadonlySet<Key>): void {
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.delete(key);
  }
}
