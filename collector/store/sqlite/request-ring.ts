/**
 * Memory in which requests go to the writer thread, made once: a buffer for each of them would be garbage in both threads.
 *
 *     ┌──────────┬─────────┬─────────┬──────────┐
 *     │ free     │ oldest  │ …       │ newest   │ free, then from the beginning again
 *     └──────────┴─────────┴─────────┴──────────┘
 */

export interface Place {
  readonly bytes: Uint8Array;
  /** Nobody reads the bytes any more. */
  giveBack(): void;
}

interface Taken {
  readonly from: number;
  isFree: boolean;
}

export class RequestRing {
  readonly #memory: SharedArrayBuffer;
  /** In the order in which they were taken. */
  readonly #taken: Taken[] = [];
  #next = 0;

  constructor(bytes: number) {
    this.#memory = new SharedArrayBuffer(bytes);
  }

  /** Null when there is no room in one piece. */
  take(length: number): Place | null {
    const from = this.#roomFor(length);
    if (from === null) return null;
    const taken: Taken = { from, isFree: false };
    this.#taken.push(taken);
    this.#next = from + length;
    return { bytes: new Uint8Array(this.#memory, from, length), giveBack: () => this.#free(taken) };
  }

  #roomFor(length: number): number | null {
    const { byteLength } = this.#memory;
    const [oldest] = this.#taken;
    if (oldest === undefined) return length <= byteLength ? 0 : null;
    // What is taken never ends where it begins, but when all is.
    if (this.#next > oldest.from) {
      if (length <= byteLength - this.#next) return this.#next;
      return length < oldest.from ? 0 : null;
    }
    return length < oldest.from - this.#next ? this.#next : null;
  }

  #free(taken: Taken): void {
    taken.isFree = true;
    while (this.#taken[0]?.isFree === true) this.#taken.shift();
  }
}
