/** Steps of what is a generator because it takes long. */

/** What comes of it when they are all done at once. */
export function finish<T>(steps: Generator<unknown, T, void>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
