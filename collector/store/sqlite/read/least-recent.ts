/** Keeps what was used last, up to a size; what grows while it is used is measured again with each use. */

interface Kept<Value> {
  /** Undefined when it is kept no more. */
  value: Value | undefined;
  size: number;
}

export class LeastRecent<Key, Value> {
  readonly #kept = new Map<Key, Kept<Value>>();
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
    const value = kept.value as Value;
    // The last one now.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const size = this.#sizeOf(value);
    this.#size += size - kept.size;
    kept.size = size;
    if (this.#size > this.#sizeMax) this.#forgetOldest(key);
    return value;
  }

  /** What is kept under the key, without that being a use of it. */
  peek(key: Key): Value | undefined {
    return this.#kept.get(key)?.value;
  }

  delete(key: Key): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#size -= kept.size;
    this.#kept.delete(key);
    // A table that a Map has left leads to the next. Where V8 took one for old, all that follow would become old with what
    // they list, and be there until V8 goes through all of the heap.
    kept.value = undefined;
  }

  #forgetOldest(except: Key): void {
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.#sizeMax || oldest === except) break;
      this.delete(oldest);
    }
  }

  /** Forgets what is under other keys. */
  keepOnly(keys: ReadonlySet<Key>): void {
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.delete(key);
  }
}
