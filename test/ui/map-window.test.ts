import { describe, expect, it } from 'vitest';
import {
  formatWindow,
  groupNear,
  moveWindow,
  readWindow,
  snapWindow,
  timeTicks,
} from '../../ui/map/window.ts';

const minute = 60_000;
const NOON = Date.UTC(2026, 10, 20, 12);
const range = { fromMs: NOON, toMs: NOON + 60 * minute };
const at = (fromMinute: number, toMinute: number) => ({
  fromMs: NOON + fromMinute * minute,
  toMs: NOON + toMinute * minute,
});

describe('the window of the map', () => {
  it('is in the URL as it was chosen', () => {
    expect(readWindow(formatWindow(at(5, 10)), range)).toEqual(at(5, 10));
  });

  it.each([undefined, '', 'now', '5', '10-5', '1-2-3', '-1-5'])('is none where the URL says %j', (text) => {
    expect(readWindow(text, range)).toBeNull();
  });

  it('is none where nothing of it is in the range', () => {
    expect(readWindow(formatWindow(at(-10, 0)), range)).toBeNull();
    expect(readWindow(formatWindow(at(60, 70)), range)).toBeNull();
    expect(readWindow(formatWindow(at(-10, 1)), range)).toEqual(at(-10, 1));
  });

  it('begins and ends at whole minutes, and is one long at least', () => {
    expect(snapWindow(at(4.6, 9.4), range)).toEqual(at(5, 9));
    expect(snapWindow(at(4.6, 4.7), range)).toEqual(at(5, 6));
    expect(snapWindow(at(59.9, 60), range)).toEqual(at(59, 60));
  });

  it('that is all of the range is none', () => {
    expect(snapWindow(at(0, 60), range)).toBeNull();
    expect(snapWindow(at(-5, 65), range)).toBeNull();
    expect(snapWindow(at(0.2, 59.8), range)).toBeNull();
  });

  it('moves by its own length, as far as the range goes', () => {
    expect(moveWindow(at(10, 20), range, 1)).toEqual(at(20, 30));
    expect(moveWindow(at(10, 20), range, -1)).toEqual(at(0, 10));
    expect(moveWindow(at(5, 15), range, -1)).toEqual(at(0, 10));
    expect(moveWindow(at(45, 55), range, 1)).toEqual(at(50, 60));
  });
});

describe('times below the strip', () => {
  it('are round, and as many as there is room for', () => {
    expect(timeTicks(range, 7, 0)).toEqual([0, 10, 20, 30, 40, 50, 60].map((m) => NOON + m * minute));
    expect(timeTicks(range, 2, 0)).toEqual([0, 30, 60].map((m) => NOON + m * minute));
  });

  it('are round on the clock of who looks', () => {
    const odd = { fromMs: NOON + 7 * minute, toMs: NOON + 67 * minute };
    expect(timeTicks(odd, 2, 30 * minute)).toEqual([NOON + 30 * minute, NOON + 60 * minute]);
    const india = 5.75 * 60 * minute;
    expect((timeTicks(range, 1, india)[0]! + india) % (60 * minute)).toBe(0);
  });

  it('of a year are not too many', () => {
    const year = { fromMs: NOON, toMs: NOON + 365 * 1440 * minute };
    expect(timeTicks(year, 10, 0).length).toBeLessThanOrEqual(60);
  });
});

it('deploys that would hide each other stand together', () => {
  expect(groupNear([0, 5, 9, 14, 30], (x) => x, 10)).toEqual([[0, 5, 9], [14], [30]]);
  expect(groupNear([], (x: number) => x, 10)).toEqual([]);
});
