/** What sums say of a duration: they keep it to within 1 %. */
import { expect } from 'vitest';

export function about(ms: number): unknown {
  return expect.closeTo(ms, -Math.log10(2 * 0.0101 * ms));
}
