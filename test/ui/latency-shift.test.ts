/** Whether latency changed, by levels of its p95. */
import { describe, expect, it } from 'vitest';
import { findShift } from '../../ui/latency/shift.ts';

describe('a change of latency', () => {
  const points = (levels: number[], count = 50) => levels.map((p95Ms, t) => ({ t, p95Ms, count }));
  const times = (value: number, count: number) =>
    Array.from({ length: count }, (_, index) => value * (1 + (index % 3) / 20));

  it('is one level before and another after', () => {
    expect(findShift(points([...times(40, 8), ...times(2900, 6)]), 1)).toMatchObject({
      fromMs: 8,
      toMs: null,
      insideMs: expect.closeTo(3000, -3),
    });
    expect(findShift(points([...times(2900, 6), ...times(40, 8)]), 1)).toMatchObject({
      fromMs: 6,
      toMs: null,
    });
  });

  it('is another level for a while', () => {
    const shift = findShift(points([...times(40, 8), ...times(900, 4), ...times(40, 8)]), 1);
    expect(shift).toMatchObject({ fromMs: 8, toMs: 12 });
    expect(shift!.insideMs / shift!.outsideMs).toBeGreaterThan(20);
  });

  it('is none where latency does what it always does', () => {
    expect(findShift(points(times(40, 20)), 1)).toBeNull();
    expect(findShift(points([10, 90, 20, 80, 15, 95, 12, 70, 30, 85]), 1)).toBeNull();
  });

  it('is none below twice, and one above it', () => {
    expect(findShift(points([...times(40, 8), ...times(70, 8)]), 1)).toBeNull();
    expect(findShift(points([...times(40, 8), ...times(90, 8)]), 1)).not.toBeNull();
  });

  it('is none of two steps, or of steps with few calls', () => {
    expect(findShift(points([...times(40, 8), 900, 900]), 1)).toBeNull();
    expect(findShift(points([...times(40, 8), ...times(900, 8)], 9), 1)).toBeNull();
    expect(findShift([], 1)).toBeNull();
  });
});
