/** Keeps what was used last, up to a size. */
export class LeastRecent<Key, Value> {
  readonly #kept = new Map<Key, Value>();
  readonly #sizeMax: number;
  readonly #sizeOf: (value: Value) => number;
  #size = 0;

  constructor(sizeMax: number, sizeOf: (value: Value) => number) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
  }

  /** What is kept under the key, else what `read` gives, which is kept from then on. */
  get(key: Key, read: () => Value): Value {
    let value = this.#kept.get(key);
    if (value !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, value);
      return value;
    }
    value = read();
    this.#kept.set(key, value);
    this.#size += this.#sizeOf(value);
    for (const [oldest, old] of this.#kept) {
      if (this.#size <= this.#sizeMax || oldest === key) break;
      this.#kept.delete(oldest);
      this.#size -= this.#sizeOf(old);
    }
    return value;
  }

  /** What is kept under the key, without that being a use of it. */
  peek(key: Key): Value | undefined {
    return this.#kept.get(key);
  }

  delete(key: Key): void {
    const value = this.#kept.get(key);
    if (this.#kept.delete(key)) this.#size -= this.#sizeOf(value!);
  }

  /** Forgets what is under other keys. */
  keepOnly(keys: ReadonlySet<Key>): void {
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.delete(key);
  }
}
