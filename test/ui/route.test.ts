import { describe, expect, it } from 'vitest';
import { describeRange, parseTime, rangeAround, stepRange, widerRange } from '../../ui/app/range.ts';
import { carryRange, changeQuery, formatUrl, parseQuery, parseView, pinTimes } from '../../ui/app/route.ts';

const now = Date.parse('2026-11-22T14:00:00Z');

describe('the path', () => {
  it.each([
    ['/', { name: 'map' }],
    ['/map', { name: 'map' }],
    ['/search', { name: 'search' }],
    ['/latency', { name: 'latency' }],
    ['/timeouts', { name: 'timeouts' }],
    ['/timeouts/a%3Eb', { name: 'incident', fingerprint: 'a>b' }],
    ['/trace/7D1C', { name: 'trace', traceId: '7d1c' }],
    ['/trace', { name: 'unknown' }],
    ['/map/more', { name: 'unknown' }],
    ['/trace/a/b', { name: 'unknown' }],
    ['/timeouts/%', { name: 'incident', fingerprint: '%' }],
  ])('%s names a view', (path, view) => {
    expect(parseView(path)).toEqual(view);
  });
});

describe('the query', () => {
  it('comes back as it was written', () => {
    const query = { q: 'edge:a->b "x y"', from: 'now-15m' };
    expect(parseQuery(formatUrl('/search', query).split('?')[1] ?? '')).toEqual(query);
  });

  it('loses what is set to nothing, and keeps the rest', () => {
    expect(changeQuery({ q: 'a', sel: 'node:x' }, { sel: null, q: '', u: '1' })).toEqual({ u: '1' });
  });

  it('carries the range alone to another view', () => {
    expect(carryRange({ from: 'now-6h', q: 'a' })).toEqual({ from: 'now-6h' });
  });
});

describe('a link to send', () => {
  it('holds the instants that relative times mean now', () => {
    expect(pinTimes('/map', { sel: 'node:a' }, now)).toBe(
      '/map?sel=node%3Aa&from=2026-11-22T13%3A00%3A00.000Z&to=2026-11-22T14%3A00%3A00.000Z',
    );
    expect(pinTimes('/search', { from: 'now-15m', q: 'a' }, now)).toContain(
      'from=2026-11-22T13%3A45%3A00.000Z',
    );
  });

  it('to a trace needs no range', () => {
    expect(pinTimes('/trace/7d1c', { from: 'now-15m', span: 'a' }, now)).toBe('/trace/7d1c?span=a');
  });
});

describe('a time', () => {
  it.each([
    ['now', now],
    ['now-90s', now - 90_000],
    ['now-7d', now - 7 * 86_400_000],
    ['2026-11-22T13:00:00Z', now - 3_600_000],
    [String(now), now],
  ])('%s is read', (text, time) => {
    expect(parseTime(text, now)).toBe(time);
  });

  it.each(['', 'yesterday', 'now-', 'now-5y', 'now+5m'])('"%s" is refused', (text) => {
    expect(parseTime(text, now)).toBeNull();
  });

  it('range is described in words', () => {
    expect(describeRange(undefined, undefined)).toBe('Last 1 hour');
    expect(describeRange('now-15m', undefined)).toBe('Last 15 minutes');
    expect(describeRange('now-15m', 'now-5m')).toBe('now-15m – now-5m');
    const another = ['2020-01-05T12:00', '2020-01-06T12:30'] as const;
    expect(describeRange(...another)).toBe('5 Jan 12:00 – 6 Jan 12:30');
    expect(describeRange(...another, { withYear: true })).toBe('5 Jan 2020 12:00 – 6 Jan 2020 12:30');
  });

  it('range around an instant holds it', () => {
    const { from, to } = rangeAround(now);
    expect([Date.parse(from), Date.parse(to)]).toEqual([now - 900_000, now + 900_000]);
  });
});

describe('a wider range', () => {
  const at = (ms: number) => new Date(ms).toISOString();

  it.each([
    [undefined, undefined, 'now-6h'],
    ['now-5m', 'now', 'now-1h'],
    ['now-15m', undefined, 'now-1h'],
    ['now-20m', undefined, 'now-6h'],
    ['now-6h', undefined, 'now-24h'],
    ['now-24h', undefined, 'now-7d'],
    [at(now - 3_600_000), undefined, 'now-6h'],
  ])('of %s to %s is the next preset that is much longer: %s', (from, to, wider) => {
    expect(widerRange({ from, to }, now)).toEqual({ from: wider, to: null });
  });

  it.each([
    ['now-7d', undefined],
    ['soon', undefined],
    ['now', 'now-1h'],
  ])('of %s to %s there is none', (from, to) => {
    expect(widerRange({ from, to }, now)).toBeNull();
  });

  it('of two instants lies around them, and ends at now', () => {
    const hour = (hours: number) => at(now - hours * 3_600_000);
    expect(widerRange({ from: hour(10), to: hour(8) }, now)).toEqual({ from: hour(13), to: hour(5) });
    expect(widerRange({ from: hour(3), to: hour(1) }, now)).toEqual({ from: hour(6), to: hour(0) });
  });
});

describe('a step of the range', () => {
  const hourMs = 3_600_000;
  const to = (toMs: number, lengthMs = hourMs) => ({ fromMs: toMs - lengthMs, toMs });

  it('back and forth again ends at now, and goes on with the clock', () => {
    const back = stepRange(to(now), -1, now)!;
    const earlier = { fromMs: Date.parse(back.from!), toMs: Date.parse(back.to!) };
    expect(earlier).toEqual(to(now - hourMs));
    expect(stepRange(earlier, 1, now + 5000)).toEqual({ from: null, to: null });
  });

  it.each([
    [24 * hourMs, 'now-24h'],
    [48 * hourMs, 'now-2d'],
    [1.5 * hourMs, 'now-90m'],
    [4_503_400, 'now-4503s'],
    [400, 'now-1s'],
  ])('of %i ms that meets now is relative: %s', (lengthMs, from) => {
    expect(stepRange(to(now - lengthMs / 2, lengthMs), 1, now)).toEqual({ from, to: null });
  });

  it('that leaves a tenth of its length until now meets it; one that leaves more does not', () => {
    expect(stepRange(to(now - 1.1 * hourMs), 1, now)).toEqual({ from: null, to: null });
    const next = {
      from: new Date(now - 1.1 * hourMs - 1).toISOString(),
      to: new Date(now - 0.1 * hourMs - 1).toISOString(),
    };
    expect(stepRange(to(now - 1.1 * hourMs - 1), 1, now)).toEqual(next);
  });

  it('is none where the range ends now', () => {
    expect(stepRange(to(now), 1, now)).toBeNull();
  });
});
