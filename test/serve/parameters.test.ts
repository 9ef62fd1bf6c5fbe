import { describe, expect, it } from 'vitest';
import { HttpError } from '../../collector/serve/http-error.ts';
import {
  parseChoice,
  parseDurationMs,
  parseInteger,
  parseLimit,
  parseRange,
  parseTime,
  parseTraceId,
  refuseUnknownParameters,
  parsePage,
  takePage,
} from '../../collector/serve/parameters.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const time = (text: string) => parseTime('from', text, NOW);
const of = (text: string) => new URLSearchParams(text);

function refusal(action: () => unknown): HttpError {
  try {
    action();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a time', () => {
  it('is RFC 3339 with any offset and fraction', () => {
    expect(time('2026-03-01T12:00:00Z')).toBe(NOW);
    expect(time('2026-03-01t14:00:00.5+02:00')).toBe(NOW + 500);
    expect(time('2026-03-01T06:30:00-05:30')).toBe(NOW);
    expect(time('2026-03-01T12:00:00.123456789z')).toBe(NOW + 123);
  });

  it('keeps its offset when the + of a URL became a space', () => {
    expect(time(of('from=2026-03-01T14:00:00+02:00').get('from') ?? '')).toBe(NOW);
  });

  it('is epoch milliseconds', () => {
    expect(time('0')).toBe(0);
    expect(time(String(NOW))).toBe(NOW);
  });

  it('is relative to now', () => {
    expect(time('now')).toBe(NOW);
    expect(time('now-15m')).toBe(NOW - 900_000);
    expect(time('now+1h')).toBe(NOW + 3_600_000);
    for (const [unit, ms] of Object.entries({ ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 }))
      expect(time(`now-2${unit}`)).toBe(NOW - 2 * ms);
  });

  it('may be the last instant a date can name, and not the one after', () => {
    expect(time('8640000000000000')).toBe(8.64e15);
    expect(refusal(() => time('8640000000000001')).status).toBe(400);
  });

  it.each([
    'yesterday',
    '12:00',
    '2026-03-01',
    '2026-03-01T12:00:00',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-03-01T12:00:00+24:00',
    '-5',
    '1.5',
    '1e3',
    'now-',
    'now-15',
    'now-15y',
    'now-1.5h',
    'now-999999999999w',
    '٣',
  ])('is not %j', (text) => {
    expect(refusal(() => time(text))).toMatchObject({
      status: 400,
      code: 'bad_parameter',
      details: { got: text },
    });
  });
});

describe('a range', () => {
  it('is the last hour by default, and the hour before `to`', () => {
    expect(parseRange(of(''), NOW)).toEqual({ fromUnixMs: NOW - 3_600_000, toUnixMs: NOW });
    expect(parseRange(of('from=&to='), NOW)).toEqual({ fromUnixMs: NOW - 3_600_000, toUnixMs: NOW });
    expect(parseRange(of('to=7200000'), NOW)).toEqual({ fromUnixMs: 3_600_000, toUnixMs: 7_200_000 });
    expect(parseRange(of('from=now-1d'), NOW)).toEqual({ fromUnixMs: NOW - 86_400_000, toUnixMs: NOW });
  });

  it('may be a millisecond long, and not empty or backwards', () => {
    expect(parseRange(of('from=1&to=2'), NOW)).toEqual({ fromUnixMs: 1, toUnixMs: 2 });
    expect(refusal(() => parseRange(of('from=2&to=2'), NOW)).details.expected).toContain('before');
    expect(refusal(() => parseRange(of('from=3&to=2'), NOW)).status).toBe(400);
  });
});

describe('a limit', () => {
  it('is 20 unless given', () => expect(parseLimit(of(''))).toBe(20));

  it('accepts 1 and 1000, and refuses 0 and 1001', () => {
    expect(parseLimit(of('limit=1'))).toBe(1);
    expect(parseLimit(of('limit=1000'))).toBe(1000);
    for (const text of ['0', '1001', '-1', '1.5', 'ten', '99999999999999999999'])
      expect(refusal(() => parseLimit(of(`limit=${text}`))).details.expected).toBe(
        'a whole number from 1 to 1000',
      );
  });
});

describe('a trace id', () => {
  it('is 1 to 32 hex digits of either case, padded on the left', () => {
    expect(parseTraceId('A')).toBe('0'.repeat(31) + 'a');
    expect(parseTraceId('0123456789ABCDEFabcdef0123456789')).toBe('0123456789abcdefabcdef0123456789');
  });

  it.each(['', 'f'.repeat(33), 'xyz', '12 34', '0x12', '../etc'])('is not %j', (text) => {
    expect(refusal(() => parseTraceId(text)).status).toBe(400);
  });
});

describe('other parameters', () => {
  it('reads whole numbers between their bounds', () => {
    expect(parseInteger(of('hops=0'), 'hops', 0, 10)).toBe(0);
    expect(parseInteger(of('hops=10'), 'hops', 0, 10)).toBe(10);
    expect(parseInteger(of(''), 'hops', 0, 10)).toBeNull();
    expect(refusal(() => parseInteger(of('hops=11'), 'hops', 0, 10)).details.got).toBe('11');
  });

  it('reads durations as milliseconds with fractions', () => {
    expect(parseDurationMs(of('minDurationMs=0.5'), 'minDurationMs')).toBe(0.5);
    expect(parseDurationMs(of('minDurationMs='), 'minDurationMs')).toBeNull();
    for (const text of ['2s', '-1', '1e3', 'NaN', '.5'])
      expect(refusal(() => parseDurationMs(of(`minDurationMs=${text}`), 'minDurationMs')).status).toBe(400);
  });

  it('reads one of several words', () => {
    const sorts = ['newest', 'oldest'] as const;
    expect(parseChoice(of('sort=oldest'), 'sort', sorts)).toBe('oldest');
    expect(parseChoice(of(''), 'sort', sorts)).toBeNull();
    expect(refusal(() => parseChoice(of('sort=best'), 'sort', sorts)).details.expected).toBe(
      'one of newest, oldest',
    );
  });

  it('refuses parameters that the route does not know, and those given twice', () => {
    expect(() => refuseUnknownParameters(of('a=1&b=2'), ['a', 'b'])).not.toThrow();
    expect(
      refusal(() => refuseUnknownParameters(of('minDuration=1'), ['minDurationMs'])).details.expected,
    ).toBe('only minDurationMs');
    expect(refusal(() => refuseUnknownParameters(of('a=1&a=2'), ['a'])).details).toEqual({
      got: '1 and 2',
      expected: 'one value',
    });
  });

  it('clips what it echoes', () => {
    expect(refusal(() => time('x'.repeat(10_000))).details.got?.length).toBeLessThan(300);
  });
});

describe('a page of a list', () => {
  const items = [1, 2, 3, 4, 5];

  const take = (limit: number, cursor: string | null) =>
    takePage(items, parsePage(of(`limit=${limit}&cursor=${cursor ?? ''}`)));

  it('follows its cursor to the end', () => {
    const first = take(2, null);
    const second = take(2, first.cursor);
    const third = take(2, second.cursor);
    expect([first.page, second.page, third.page]).toEqual([[1, 2], [3, 4], [5]]);
    expect(third.cursor).toBeNull();
  });

  it('has no cursor when it ends exactly at the limit', () => {
    expect(take(5, null)).toEqual({ page: items, cursor: null });
    expect(takePage([], parsePage(of('')))).toEqual({ page: [], cursor: null });
  });

  it('refuses a cursor that it did not give', () => {
    for (const cursor of ['2', 'o', 'o-1', 'oo1', 'o1.5'])
      expect(refusal(() => take(2, cursor)).status).toBe(400);
  });
});
