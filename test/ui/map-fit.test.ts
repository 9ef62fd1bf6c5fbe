/** Which part of the map is in view before anybody moves it. */
import { expect, it } from 'vitest';
import type { Rect } from '../../ui/map/badges.ts';
import { fitView, type Place } from '../../ui/map/fit-view.ts';

const map: Rect = { left: -100, right: 1500, top: 0, bottom: 700 };
const phone: Place = { width: 390, height: 380, top: 0 };
const rectOf = ({ left, right, top, bottom }: Rect, place: Place, focus: Rect | null): Rect => {
  const { x, y, k } = fitView(map, focus, place);
  return { left: x + left * k, right: x + right * k, top: y + top * k, bottom: y + bottom * k };
};
const expectInView = (rect: Rect, { width, height, top }: Place) => {
  expect(rect.left).toBeGreaterThanOrEqual(-0.01);
  expect(rect.right).toBeLessThanOrEqual(width + 0.01);
  expect(rect.top).toBeGreaterThanOrEqual(top - 0.01);
  expect(rect.bottom).toBeLessThanOrEqual(height + 0.01);
};

it('a map on a phone is whole where that is asked for', () => {
  expectInView(rectOf(map, phone, map), phone);
});

it('a phone cuts neither end of what matters most, however far they are apart', () => {
  for (const right of [700, 1100, 1500]) {
    const focus = { left: 200, right, top: 300, bottom: 500 };
    expectInView(rectOf(focus, phone, focus), phone);
  }
});

it('a phone shows what matters at a size that can be read, and nothing beyond the ends of the map', () => {
  for (const focus of [{ left: -90, right: 120, top: 0, bottom: 60 }, null]) {
    expect(fitView(map, focus, phone).k).toBe(0.6);
    const all = rectOf(map, phone, focus);
    expect(all.left).toBeLessThanOrEqual(0);
    expect(all.top).toBeLessThanOrEqual(0);
    expect(all.bottom).toBeGreaterThanOrEqual(phone.height);
  }
});

it('a larger screen shows all of the map, below what stands over it', () => {
  const screen = { width: 1280, height: 500, top: 84 };
  expectInView(rectOf(map, screen, { left: 0, right: 200, top: 0, bottom: 60 }), screen);
});
