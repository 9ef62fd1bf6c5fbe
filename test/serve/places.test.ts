import { expect, test } from 'vitest';
import { createPlaces, type Place, type Places } from '../../collector/serve/traces/places.ts';
import { Cancelled, StoreUnavailable } from '../../collector/store/store.ts';

/** Settles when it is held. */
async function take(places: Places, signal?: AbortSignal): Promise<Place> {
  const place = places.place(signal);
  await place.take();
  return place;
}

test('as many as there are places get one, and one that is given back is free again', async () => {
  const places = createPlaces(2, 0);
  const first = await take(places);
  await take(places);
  await expect(take(places)).rejects.toThrow(StoreUnavailable);
  expect(first.isHeld).toBe(true);
  first.release();
  expect(first.isHeld).toBe(false);
  expect((await take(places)).isHeld).toBe(true);
});

test('a place that is given back twice, or was never taken, frees no other', async () => {
  const places = createPlaces(1, 0);
  const place = await take(places);
  place.release();
  place.release();
  places.place(undefined).release();
  await take(places);
  await expect(take(places)).rejects.toThrow(StoreUnavailable);
});

test('a place that comes to whom has released it meanwhile is given to the next', async () => {
  const places = createPlaces(1, 2);
  const first = await take(places);
  const gone = places.place(undefined);
  const taken = gone.take();
  gone.release();
  const next = take(places);
  first.release();
  await expect(taken).rejects.toThrow(Cancelled);
  expect((await next).isHeld).toBe(true);
});

test('who waits gets the place that is given back, in the order of the line', async () => {
  const places = createPlaces(1, 2);
  const first = await take(places);
  const order: string[] = [];
  const [second, third] = ['second', 'third'].map(async (name) => {
    const place = await take(places);
    order.push(name);
    return place;
  });
  first.release();
  (await second)!.release();
  await third;
  expect(order).toEqual(['second', 'third']);
});

test('of more than may wait each is refused', async () => {
  const places = createPlaces(1, 1);
  const first = await take(places);
  const waits = take(places);
  await expect(take(places)).rejects.toThrow('1 wait until one of 1 large traces is written; try again');
  first.release();
  expect((await waits).isHeld).toBe(true);
});

test('who leaves the line makes room in it, and gets no place', async () => {
  const places = createPlaces(1, 1);
  const first = await take(places);
  const controller = new AbortController();
  const left = take(places, controller.signal);
  controller.abort();
  await expect(left).rejects.toThrow(Cancelled);
  const stays = take(places);
  first.release();
  (await stays).release();
  await expect(take(places, controller.signal)).rejects.toThrow(Cancelled);
  expect((await take(places)).isHeld).toBe(true);
});

test('at the end nobody waits any more', async () => {
  const places = createPlaces(1, 1);
  await take(places);
  const waits = take(places);
  places.close();
  await expect(waits).rejects.toThrow(StoreUnavailable);
});
