/** Steps of the sums as readers open them: one that is damaged is left out, and said. */
import type { Level } from '../../rollup/steps.ts';
import type { OnDamage } from './units.ts';

/** What waits to be added to a minute. */
export const A_DELTA = 'a delta of minute';
export type StepName = Level | typeof A_DELTA;

/** Null when `open` cannot read it. */
export function wholeStep<T>(of: StepName, stepUnixMs: number, onDamage: OnDamage, open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    // Whatever it is that a decoder makes of such bytes.
    onDamage(`the sums of ${of} ${stepUnixMs}: ${(error as Error).message}`);
    return null;
  }
}
