import { expect, test } from 'vitest';
import {
  compareRanks,
  readCursor,
  writeCursor,
  type RankedTrace,
} from '../../../collector/store/search/cursor.ts';
import { findTraces, type SearchUnit } from '../../../collector/store/search/find-traces.ts';
import { Cancelled } from '../../../collector/store/store.ts';

const SORTS = ['newest', 'oldest', 'longest', 'errors'] as const;
const ALWAYS = { fromUnixMs: -Infinity, toUnixMs: Infinity };
const id = (n: number) => n.toString(16).padStart(32, '0');

let seed = 7;
const random = (below: number) => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % below;

/** Traces whose spans lie in up to three units, some starting long before the span that matches. */
function scatter(traces: number, unitCount: number) {
  const starts = new Map<string, number>();
  const spans: { traceId: string; startMs: number }[] = [];
  for (let n = 1; n <= traces; n++) {
    const startMs = random(1_000);
    starts.set(id(n), startMs);
    for (let piece = 1 + random(3); piece > 0; piece--) {
      spans.push({ traceId: id(n), startMs: startMs + (piece === 1 ? 0 : random(400)) });
    }
  }
  spans.sort((a, b) => a.startMs - b.startMs);
  const length = Math.ceil(spans.length / unitCount);
  const opened: number[] = [];
  const units = Array.from({ length: unitCount }, (_, index): SearchUnit => {
    const held = spans.slice(index * length, (index + 1) * length);
    return {
      firstStartMs: held[0]?.startMs ?? Infinity,
      lastStartMs: held.at(-1)?.startMs ?? -Infinity,
      *matches(isKnown) {
        opened.push(index);
        for (const [traceId, rows] of Map.groupBy(held, (span) => span.traceId)) {
          if (!isKnown(traceId))
            yield { traceId, latestStartMs: Math.min(...rows.map((row) => row.startMs)) };
        }
      },
    };
  });
  return { starts, units, opened };
}

test.each(SORTS)('pages of %s follow one another in order, without gaps or repeats', (sort) => {
  for (let round = 0; round < 30; round++) {
    const { starts, units } = scatter(1 + random(80), 1 + random(12));
    const expected = [...starts]
      .map(([traceId, value]): RankedTrace => ({ traceId, value }))
      .toSorted((a, b) => compareRanks(sort, a, b));
    const limit = 1 + random(9);
    const read: RankedTrace[] = [];
    for (let cursor: string | null = null; ;) {
      const parsed = cursor === null ? null : readCursor(cursor, sort);
      const search = { range: ALWAYS, sort, limit };
      const found = findTraces(
        units,
        search,
        parsed,
        (traceId) => starts.get(traceId)!,
        () => false,
      );
      expect(found.total).toBe(expected.length);
      read.push(...found.page);
      if (!found.isMore) break;
      cursor = writeCursor({ sort, total: found.total, truncated: found.truncated, ...found.page.at(-1)! });
    }
    expect(read).toEqual(expected);
  }
});

test('newest first looks no further back than the page and the count need', () => {
  const { starts, units, opened } = scatter(20_000, 40);
  const search = { range: ALWAYS, sort: 'newest', limit: 20 } as const;
  const found = findTraces(
    units,
    search,
    null,
    (traceId) => starts.get(traceId)!,
    () => false,
  );
  expect(found).toMatchObject({ total: 1_000, truncated: true, isMore: true });
  const expected = [...starts]
    .map(([traceId, value]) => ({ traceId, value }))
    .toSorted((a, b) => compareRanks('newest', a, b));
  expect(found.page).toEqual(expected.slice(0, 20));
  expect(opened.length).toBeLessThan(20);
});

test('a unit that is outside the range is not opened', () => {
  const { starts, units, opened } = scatter(200, 10);
  const range = { fromUnixMs: units[4]!.firstStartMs, toUnixMs: units[4]!.lastStartMs + 1 };
  const search = { range, sort: 'newest', limit: 20 } as const;
  findTraces(
    units,
    search,
    null,
    (traceId) => starts.get(traceId)!,
    () => false,
  );
  expect(opened.every((index) => index >= 3 && index <= 5)).toBe(true);
  expect(opened).toContain(4);
});

/** The same units with a list of all that match, which says nothing of when traces start. */
function withLists(units: readonly SearchUnit[]): SearchUnit[] {
  return units.map((unit) => ({
    ...unit,
    listed: () => ({
      traces: [...unit.matches(() => false)].map(({ traceId }) => ({
        traceId,
        latestStartMs: unit.lastStartMs,
      })),
      isAll: true,
    }),
  }));
}

test.each(SORTS)('pages of %s are the same from lists, be they short or long', (sort) => {
  for (let round = 0; round < 30; round++) {
    const { starts, units } = scatter(1 + random(200), 1 + random(4));
    const search = { range: ALWAYS, sort, limit: 1 + random(30) };
    const find = (searched: readonly SearchUnit[]) =>
      findTraces(
        searched,
        search,
        null,
        (traceId) => starts.get(traceId)!,
        () => false,
      );
    expect(find(withLists(units))).toEqual(find(units));
  }
});

test('of a list of many traces few are read for the newest, and of one of few the unit stays closed', () => {
  const { starts, units, opened } = scatter(5_000, 1);
  let read = 0;
  const valueOf = (traceId: string) => {
    read++;
    return starts.get(traceId)!;
  };
  const listed = withLists(units)[0]!.listed!()!;
  const find = (traces: typeof listed.traces) => {
    opened.length = 0;
    read = 0;
    const unit = { ...units[0]!, listed: () => ({ traces, isAll: true }) };
    return findTraces([unit], { range: ALWAYS, sort: 'newest', limit: 10 }, null, valueOf, () => false);
  };
  expect(find(listed.traces)).toMatchObject({ total: 1_000, truncated: true, isMore: true });
  expect(opened).toEqual([0]);
  expect(read).toBeLessThan(100);
  expect(find(listed.traces.slice(0, 40)).total).toBe(40);
  expect(opened).toEqual([]);
  expect(read).toBe(40);
});

test('what lists of units still to come tell is counted with what is found, so that few are looked through', () => {
  const { starts, units, opened } = scatter(3_000, 300);
  const lists = withLists(units).map((unit) => ({
    traces: unit.listed!()!.traces.slice(0, 2),
    isAll: false,
  }));
  const listed = new Set(lists.flatMap(({ traces }) => traces.map(({ traceId }) => traceId)));
  expect(listed.size).toBeLessThan(1_000);
  opened.length = 0;
  const found = findTraces(
    units.map((unit, index) => ({ ...unit, listed: () => lists[index]! })),
    { range: ALWAYS, sort: 'newest', limit: 10 },
    null,
    (traceId) => starts.get(traceId)!,
    () => false,
  );
  expect(found).toMatchObject({ total: 1_000, truncated: true });
  expect(opened.length).toBeLessThan(60);
});

test('a list is gone through twice at most, to count with it and to find its traces, where there are fewer than are counted', () => {
  const { starts, units } = scatter(500, 100);
  let asked = 0;
  const counting = withLists(units).map((unit): SearchUnit => ({
    ...unit,
    listed() {
      asked++;
      return unit.listed!();
    },
  }));
  const find = (searched: readonly SearchUnit[]) =>
    findTraces(
      searched,
      { range: ALWAYS, sort: 'newest', limit: 10 },
      null,
      (traceId) => starts.get(traceId)!,
      () => false,
    );
  expect(find(counting)).toEqual(find(units));
  expect(asked).toBeLessThanOrEqual(2 * units.length);
});

test.each(SORTS)('a search for %s whose caller goes away reads no further trace', (sort) => {
  const { starts, units } = scatter(500, 3);
  let read = 0;
  const valueOf = (traceId: string) => {
    read++;
    return starts.get(traceId)!;
  };
  const search = { range: ALWAYS, sort, limit: 400 };
  expect(() => findTraces(units, search, null, valueOf, () => read >= 5)).toThrow(Cancelled);
  expect(read).toBe(5);
});
