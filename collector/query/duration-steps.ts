/** The steps that durations are drawn in: ten a decade that read well (Renard's R10), and can be typed into a query. Pure. */

const STEPS = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8];
/** 1 µs: whatever is shorter stands in the first step. */
const STEP_MIN = -30;

/** The step whose lower bound is included, its upper one not. */
export function durationStepOf(ms: number): number {
  if (ms < durationStepMs(STEP_MIN)) return STEP_MIN;
  let step = Math.floor(Math.log10(ms) * STEPS.length);
  // The steps are rounded, and so is the logarithm.
  while (durationStepMs(step + 1) <= ms) step++;
  while (durationStepMs(step) > ms) step--;
  return step;
}

const begins = new Map<number, number>();

/** Where a step begins. Read from decimal text, once: a product would have digits that nobody typed. */
export function durationStepMs(step: number): number {
  let beginsMs = begins.get(step);
  if (beginsMs === undefined) {
    const decade = Math.floor(step / STEPS.length);
    beginsMs = Number(`${STEPS[step - decade * STEPS.length]}e${decade}`);
    begins.set(step, beginsMs);
  }
  return beginsMs;
}
