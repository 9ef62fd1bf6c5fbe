import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { TracePage, TraceSummary } from '../../collector/serve/wire.ts';
import { namedQueries, nearestFailed, rangeOf, sayMiss, sayOpened } from '../../ui/search/failed-near.ts';
import { readSearch, type PastedError } from '../../ui/search/pasted-error.ts';
import fixture from './fixtures/traces-shop.json';

const errorOf = (line: string): PastedError => {
  const read = readSearch(line);
  if (read.kind !== 'error') throw new Error(`read as ${read.kind}`);
  return read.error;
};
const line = errorOf(
  '2026-11-22T13:57:13.351Z ERROR /hang-fetch TimeoutError: The operation was aborted due to timeout 23',
);

const trace = (traceId: string, endedAt: string): TraceSummary => ({
  ...(fixture as TracePage).traces[0]!,
  traceId,
  startedAt: new Date(Date.parse(`2026-11-22T${endedAt}Z`) - 500).toISOString(),
  durationMs: 500,
});
const page = (...traces: TraceSummary[]): TracePage => ({
  traces,
  total: traces.length,
  truncated: false,
  cursor: null,
});
const early = trace('early', '13:57:00.000');
const near = trace('near', '13:57:13.300');
const late = trace('late', '13:57:20.000');
const failed = page(late, near, early);

describe('the failed trace of a pasted line without an address', () => {
  it('is looked for within a minute of its time, or in the range that is shown', () => {
    expect(rangeOf(line)).toEqual({ from: '2026-11-22T13:56:13.351Z', to: '2026-11-22T13:58:13.351Z' });
    expect(rangeOf(errorOf('socket hang up'))).toEqual({});
  });

  it('is asked for by queries that the collector understands', () => {
    const { path, type } = namedQueries(line);
    for (const q of [path, type]) expect(() => parseQuery(q ?? '(')).not.toThrow();
    expect(path).toContain('url.path:"/hang-fetch"');
    expect(type).toContain('error.type:TimeoutError');
    expect(namedQueries(errorOf('socket hang up'))).toEqual({ path: null, type: null });
  });

  it('is the nearest in time of those with its path', () => {
    const nearest = (...withPath: TraceSummary[]) =>
      nearestFailed(line, { failed, withPath: page(...withPath), withType: page() })?.traceId;
    expect(nearest(late, near, early)).toBe('near');
    expect(nearest(late, early)).toBe('late');
    expect(nearest(trace('did not fail', '13:57:13.351'))).toBeUndefined();
    expect(nearest()).toBeUndefined();
  });

  it('may go on long after the line was written, as work does that nobody waits for any more', () => {
    const goesOn = {
      ...trace('goes on', '13:57:16.000'),
      startedAt: '2026-11-22T13:57:12.900Z',
      durationMs: 3100,
    };
    const next = trace('next', '13:57:13.900');
    const all = page(next, goesOn);
    expect(nearestFailed(line, { failed: all, withPath: all, withType: null })?.traceId).toBe('goes on');
    const ended = page(goesOn, near);
    expect(nearestFailed(line, { failed: ended, withPath: ended, withType: null })?.traceId).toBe('near');
  });

  it('has its kind of error too, rather than being nearer', () => {
    const found = nearestFailed(line, { failed, withPath: failed, withType: page(early) });
    expect(found?.traceId).toBe('early');
  });

  it('is not one of another path, whatever its error', () => {
    expect(nearestFailed(line, { failed, withPath: page(), withType: failed })).toBeNull();
  });

  it('is found by its error alone where no path is named, and not where nothing is', () => {
    expect(nearestFailed(line, { failed, withPath: null, withType: page(late, early) })?.traceId).toBe(
      'late',
    );
    expect(nearestFailed(line, { failed, withPath: null, withType: null })).toBeNull();
  });

  it('is the newest where the line has no time', () => {
    const timeless = errorOf('ERROR /hang-fetch TimeoutError: aborted');
    expect(nearestFailed(timeless, { failed, withPath: failed, withType: null })?.traceId).toBe('late');
    // As in the list: a long one that ended last may have started first.
    const long = {
      ...trace('long', '13:58:00.000'),
      startedAt: '2026-11-22T13:56:00.000Z',
      durationMs: 120_000,
    };
    const all = page(late, long);
    expect(nearestFailed(timeless, { failed: all, withPath: all, withType: null })?.traceId).toBe('late');
  });

  it('is opened with the reason', () => {
    expect(sayOpened(line, { path: true, type: true })).toBe(
      'The nearest failed trace with /hang-fetch and TimeoutError.',
    );
    expect(sayOpened(line, { path: true, type: false })).toBe('The nearest failed trace with /hang-fetch.');
  });
});

describe('a line that nothing was found for', () => {
  it.each([
    [line, 0, 'No failed trace was found within a minute of its time.'],
    [line, 3, 'No failed trace with /hang-fetch was found within a minute of its time.'],
    [errorOf('socket hang up'), 3, 'It names no address, path or kind of error.'],
    [errorOf('socket hang up'), 0, 'No failed trace was found in this time range.'],
    [
      errorOf('connect ECONNREFUSED 10.9.9.9:1'),
      0,
      'No incident and no failed call to 10.9.9.9:1 was found in this time range.',
    ],
  ])('claims only what was looked for (%#)', (error, listed, text) => {
    expect(sayMiss(error, listed).text.startsWith(text)).toBe(true);
  });
});
