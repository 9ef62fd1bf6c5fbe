/**
 * From the text of a URL to values with a meaning: times, ranges, limits, ids. Pure; what cannot be used is an
 * HttpError 400 with what was got and what is expected. An empty parameter is an absent one.
 */
import type { TimeRange } from '../store/store.ts';
import { badParameter } from './http-error.ts';

export const LIMIT_DEFAULT = 20;
export const LIMIT_MAX = 1000;
const HOUR_MS = 3_600_000;
/** The last instant a JavaScript date can name, in the year 275760. */
const UNIX_MS_MAX = 8.64e15;
const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: HOUR_MS,
  d: 24 * HOUR_MS,
  w: 168 * HOUR_MS,
};
const TIME_EXPECTED =
  'RFC 3339 (2026-01-31T12:00:00Z), epoch milliseconds, now, or now-15m (ms, s, m, h, d, w)';
// A space stands where a `+` was not escaped in the URL.
const RFC_3339 =
  /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,9})?(?:([Zz])|([+ -])([01]\d|2[0-3]):([0-5]\d))$/;

export function textParameter(query: URLSearchParams, name: string): string | null {
  return query.get(name) || null;
}

export function requiredText(query: URLSearchParams, name: string, expected: string): string {
  const text = textParameter(query, name);
  if (text === null) throw badParameter(name, 'none', expected);
  return text;
}

export function parseTime(name: string, text: string, nowUnixMs: number): number {
  const unixMs = readTime(text, nowUnixMs);
  if (unixMs === null || Math.abs(unixMs) > UNIX_MS_MAX) throw badParameter(name, text, TIME_EXPECTED);
  return unixMs;
}

function readTime(text: string, nowUnixMs: number): number | null {
  if (/^\d{1,16}$/.test(text)) return Number(text);
  const relative = /^now(?:([+ -])(\d{1,12})(ms|s|m|h|d|w))?$/.exec(text);
  if (relative) {
    const [, sign, count = '0', unit = 'ms'] = relative;
    return nowUnixMs + (sign === '-' ? -1 : 1) * Number(count) * (UNIT_MS[unit] ?? 0);
  }
  const [, date, clock, fraction = '', zulu, sign, hours, minutes] = RFC_3339.exec(text) ?? [];
  const atUtc = Date.parse(`${date}T${clock}${fraction}Z`);
  // Date.parse turns February 30 into March 2, and hour 24 into the next day.
  if (Number.isNaN(atUtc) || new Date(atUtc).toISOString().slice(0, 19) !== `${date}T${clock}`) return null;
  if (zulu) return atUtc;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return sign === '-' ? atUtc + offsetMs : atUtc - offsetMs;
}

/** `[from, to)`; the hour before `to` when `from` is absent, until now when `to` is. */
export function parseRange(query: URLSearchParams, nowUnixMs: number): TimeRange {
  const from = textParameter(query, 'from');
  const to = textParameter(query, 'to');
  const toUnixMs = to === null ? nowUnixMs : parseTime('to', to, nowUnixMs);
  const fromUnixMs = from === null ? toUnixMs - HOUR_MS : parseTime('from', from, nowUnixMs);
  if (fromUnixMs >= toUnixMs) throw badParameter('from', from ?? '', 'a time before `to`');
  return { fromUnixMs, toUnixMs };
}

export function parseLimit(query: URLSearchParams): number {
  return parseInteger(query, 'limit', 1, LIMIT_MAX) ?? LIMIT_DEFAULT;
}

export function parseInteger(query: URLSearchParams, name: string, min: number, max: number): number | null {
  const text = textParameter(query, name);
  if (text === null) return null;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw badParameter(name, text, `a whole number from ${min} to ${max}`);
  return value;
}

/** A duration in milliseconds, fractions allowed. */
export function parseDurationMs(query: URLSearchParams, name: string): number | null {
  const text = textParameter(query, name);
  if (text === null) return null;
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(text))
    throw badParameter(name, text, 'milliseconds, such as 250 or 0.5');
  return Number(text);
}

export function parseChoice<Choice extends string>(
  query: URLSearchParams,
  name: string,
  choices: readonly Choice[],
): Choice | null {
  const text = textParameter(query, name);
  if (text === null) return null;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw badParameter(name, text, `one of ${choices.join(', ')}`);
  return choice;
}

/** 1 to 32 hex digits of either case, as 32 lower-case ones. */
export function parseTraceId(text: string): string {
  if (!/^[0-9a-f]{1,32}$/i.test(text)) throw badParameter('trace id', text, '1 to 32 hex digits');
  return text.toLowerCase().padStart(32, '0');
}

/** 1 to 16 hex digits of either case, as 16 lower-case ones. */
export function parseSpanId(text: string): string {
  if (!/^[0-9a-f]{1,16}$/i.test(text)) throw badParameter('span id', text, '1 to 16 hex digits');
  return text.toLowerCase().padStart(16, '0');
}

/** Refuses what a route does not know: a misspelt filter that is ignored answers another question. */
export function refuseUnknownParameters(query: URLSearchParams, known: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!known.includes(name)) {
      throw badParameter(
        name.slice(0, 50),
        query.get(name) ?? '',
        known.length ? `only ${known.join(', ')}` : 'none',
      );
    }
    if (seen.has(name)) throw badParameter(name, query.getAll(name).join(' and '), 'one value');
    seen.add(name);
  }
}

/** Where a page of a list begins and ends that is read from its start. */
export interface PageBounds {
  readonly start: number;
  readonly end: number;
}

/** The cursor is the offset of the next page. */
export function parsePage(query: URLSearchParams): PageBounds {
  const cursor = textParameter(query, 'cursor');
  const start = cursor === null ? 0 : /^o\d{1,9}$/.test(cursor) ? Number(cursor.slice(1)) : NaN;
  if (Number.isNaN(start)) throw badParameter('cursor', cursor ?? '', 'the cursor of the page before');
  return { start, end: start + parseLimit(query) };
}

/** `items` reach beyond the page when there are more; the cursor is null after the last. */
export function takePage<Item>(
  items: readonly Item[],
  { start, end }: PageBounds,
): { page: Item[]; cursor: string | null } {
  return { page: items.slice(start, end), cursor: end < items.length ? `o${end}` : null };
}
