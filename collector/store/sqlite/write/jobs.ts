/**
 * Work of the writer that is not urgent, done in steps of a few milliseconds between commits: one job after the other,
 * so that each finds the store as the one before left it.
 */

/** Yields how far it is, 0 to 1, after each step. */
export type Steps<T> = Generator<number, T, void>;

/** Steps that are the part of a longer job between two points of its progress. */
export function* portion<T>(steps: Steps<T>, from: number, to: number): Steps<T> {
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return step.value;
    yield from + step.value * (to - from);
  }
}

interface Job {
  readonly start: () => Steps<unknown>;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

export class Jobs {
  #waiting: Job[] = [];
  #inHand: { readonly job: Job; readonly steps: Steps<unknown> } | null = null;
  /** Of the job in hand, 0 to 1; 1 when there is none. */
  progress = 1;

  get isBusy(): boolean {
    return this.#inHand !== null || this.#waiting.length > 0;
  }

  add<T>(start: () => Steps<T>, urgency: 'first' | 'last' = 'last'): Promise<T> {
    return new Promise((resolve, reject) => {
      const job = { start, resolve, reject };
      if (urgency === 'first') this.#waiting.unshift(job);
      else this.#waiting.push(job);
    });
  }

  step(): void {
    if (this.#inHand === null) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#inHand = { job, steps: job.start() };
      this.progress = 0;
    }
    const { job, steps } = this.#inHand;
    try {
      const step = steps.next();
      if (!step.done) {
        this.progress = step.value;
        return;
      }
      job.resolve(step.value as never);
    } catch (error) {
      job.reject(error);
    }
    this.#inHand = null;
    this.progress = 1;
  }

  finish(): void {
    while (this.isBusy) this.step();
  }

  /** What was begun and what waits is given up. */
  cancel(reason: Error): void {
    const jobs = [...(this.#inHand === null ? [] : [this.#inHand.job]), ...this.#waiting];
    this.#inHand = null;
    this.#waiting = [];
    this.progress = 1;
    for (const { reject } of jobs) reject(reason);
  }
}
