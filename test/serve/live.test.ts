import { expect, it } from 'vitest';
import { nextSlowMs } from '../../collector/serve/live.ts';

it('the map and the incidents are read every 5 s, and less often where that would keep the store busy', () => {
  expect(nextSlowMs(1_000, 1_010)).toBe(6_000);
  expect(nextSlowMs(1_000, 2_000)).toBe(6_000);
  expect(nextSlowMs(1_000, 4_000)).toBe(16_000);
});
