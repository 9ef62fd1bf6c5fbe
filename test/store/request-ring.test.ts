/** The ring that requests go to the writer in: places never overlap, and what is given back is taken again. */
import { expect, test } from 'vitest';
import { RequestRing, type Place } from '../../collector/store/sqlite/request-ring.ts';
import { seeded } from './columns/random-spans.ts';

const BYTES = 1_000;

test('all of it can be taken at once, then nothing, then all again', () => {
  const ring = new RequestRing(BYTES);
  const all = ring.take(BYTES)!;
  expect(all.bytes.length).toBe(BYTES);
  expect(ring.take(1)).toBeNull();
  all.giveBack();
  expect(ring.take(BYTES)).not.toBeNull();
});

test('what is larger than the ring has no place in it', () => {
  expect(new RequestRing(BYTES).take(BYTES + 1)).toBeNull();
});

test('a place in the middle that is given back waits for the oldest', () => {
  const ring = new RequestRing(BYTES);
  const [first, second] = [ring.take(400)!, ring.take(400)!];
  second.giveBack();
  expect(ring.take(401)).toBeNull();
  first.giveBack();
  expect(ring.take(BYTES)).not.toBeNull();
});

test('hundreds of thousands of places are given back within the time that a test has', () => {
  const places = 400_000;
  const ring = new RequestRing(places);
  const held = Array.from({ length: places }, () => ring.take(1)!);
  expect(ring.take(1)).toBeNull();
  for (const place of held) place.giveBack();
  expect(ring.take(places)).not.toBeNull();
});

test('places taken and given back at random keep what was written into them', () => {
  const random = seeded(7);
  const ring = new RequestRing(BYTES);
  const held: { place: Place; mark: number }[] = [];
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const place = ring.take(1 + random(300));
    if (place !== null) {
      taken++;
      const mark = round % 251;
      place.bytes.fill(mark);
      held.push({ place, mark });
    }
    if (place !== null && random(3) > 0) continue;
    const [given] = held.splice(random(held.length), 1);
    if (given === undefined) continue;
    expect(given.place.bytes.every((byte) => byte === given.mark)).toBe(true);
    given.place.giveBack();
  }
  expect(taken).toBeGreaterThan(5_000);
});
