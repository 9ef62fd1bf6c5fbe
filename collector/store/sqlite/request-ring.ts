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
  /** The one taken after it. A list of links: to shift an array of many elements moves them all. */
  next: Taken | null;
}

export class RequestRing {
  readonly #memory: SharedArrayBuffer;
  #oldest: Taken | null = null;
  #newest: Taken | null = null;
  #next = 0;

  constructor(bytes: number) {
    this.#memory = new SharedArrayBuffer(bytes);
  }

  /** Null when there is no room in one piece. */
  take(length: number): Place | null {
    const from = this.#roomFor(length);
    if (from === null) return null;
    const taken: Taken = { from, isFree: false, next: null };
    if (this.#newest === null) this.#oldest = taken;
    else this.#newest.next = taken;
    this.#newest = taken;
    this.#next = from + length;
    return { bytes: new Uint8Array(this.#memory, from, length), giveBack: () => this.#free(taken) };
  }

  #roomFor(length: number): number | null {
    const { byteLength } = this.#memory;
    const oldest = this.#oldest;
    if (oldest === null) return length <= byteLength ? 0 : null;
    // What is taken never ends where it begins, but when all is.
    if (this.#next > oldest.from) {
      if (length <= byteLength - this.#next) return this.#next;
      return length < oldest.from ? 0 : null;
    }
    return length < oldest.from - this.#next ? this.#next : null;
  }

  #free(taken: Taken): void {
    taken.isFree = true;
    while (this.#oldest?.isFree === true) {
      const { next } = this.#oldest;
      // What is garbage must not hold by its link, until the whole heap is collected, what is garbage after it.
      this.#oldest.next = null;
      this.#oldest = next;
    }
    if (this.#oldest === null) this.#newest = null;
  }
}
