/** Seeded random numbers (sfc32): the same seed gives the same numbers on every machine. */

const WARM_UP_ROUNDS = 12;

export class Random {
  readonly #state = new Int32Array(4);

  /** Starts the sequence that belongs to one item of many, whatever was drawn before. */
  restart(seed: number, item: number): void {
    const state = this.#state;
    state[0] = seed;
    state[1] = item;
    state[2] = Math.floor(item / 2 ** 32);
    state[3] = 1;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.uint32();
  }

  uint32(): number {
    const state = this.#state;
    const drawn = (state[0]! + state[1]! + state[3]!) | 0;
    state[3] = state[3]! + 1;
    state[0] = state[1]! ^ (state[1]! >>> 9);
    state[1] = state[2]! + (state[2]! << 3);
    state[2] = ((state[2]! << 21) | (state[2]! >>> 11)) + drawn;
    return drawn >>> 0;
  }

  /** An integer from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor((this.uint32() / 2 ** 32) * count);
  }

  chance(share: number): boolean {
    return this.uint32() < share * 2 ** 32;
  }

  /** A time until the next of events that come independently of each other. */
  exponential(mean: number): number {
    return -Math.log((this.uint32() + 1) / 2 ** 32) * mean;
  }
}
