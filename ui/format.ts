/** Numbers as people read them: durations, rates, shares, counts, clock times. Pure. */

/** Three significant digits in the unit that fits: `340 µs`, `4.9 ms`, `3.00 s`, `2 min 05 s`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms);
  if (!Number.isFinite(ms)) return '–';
  if (size === 0) return '0 ms';
  if (size < 0.9995) return `${trim(ms * 1000, 3)} µs`;
  if (size < 999.5) return `${trim(ms, 3)} ms`;
  if (size < 59_995) return `${(ms / 1000).toFixed(size < 9_995 ? 2 : 1)} s`;
  const seconds = Math.round(size / 1000);
  const sign = ms < 0 ? '-' : '';
  if (seconds < 3600)
    return `${sign}${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return `${sign}${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, '0')} min`;
}

/** A tick on an axis: no digits that every tick shares (`0`, `500 ms`, `1.5 s`). */
export function formatTick(ms: number): string {
  if (ms === 0) return '0';
  if (Math.abs(ms) >= 60_000) return formatDuration(ms);
  if (Math.abs(ms) >= 1000) return `${trim(ms / 1000, 4)} s`;
  return Math.abs(ms) >= 1 ? `${trim(ms, 4)} ms` : `${trim(ms * 1000, 4)} µs`;
}

/** Two significant digits: what is known within a few percent. `20 ms`, `2.9 s`, `5 s`. */
export const formatAbout = (ms: number): string => formatTick(Number(ms.toPrecision(2)));

/** At most `digits` significant digits, without trailing zeros and without an exponent. */
function trim(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  if (text.includes('e')) return String(Math.round(value));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Fewer have no rate worth the name. */
const RATED_CALLS_MIN = 10;

/** Calls per second, or per minute or hour when they are few: `312/s`, `4.1/min`; a handful is counted: `3 calls`. */
export function formatRate(calls: number, seconds: number): string {
  if (calls < RATED_CALLS_MIN) return countOf(calls, 'call');
  const perSecond = calls / seconds;
  if (perSecond >= 1) return `${perSecond >= 99.5 ? Math.round(perSecond) : trim(perSecond, 2)}/s`;
  if (perSecond * 60 >= 1) return `${trim(perSecond * 60, 2)}/min`;
  return `${trim(perSecond * 3600, 2)}/h`;
}

/** 0 to 1 as a percentage that never rounds something to nothing or a part to everything. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent < 0.1) return '< 0.1 %';
  if (percent > 99.9) return '> 99.9 %';
  return `${percent < 10 || percent > 99 ? trim(Math.round(percent * 10) / 10, 3) : Math.round(percent)} %`;
}

const counts = new Intl.NumberFormat('en-US');

export function formatCount(count: number): string {
  return counts.format(count);
}

/** `812 B`, `64 kB`, `1.5 MB`: in powers of a thousand. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 999_500 ? `${trim(bytes / 1000, 3)} kB` : `${trim(bytes / 1e6, 3)} MB`;
}

/** `1 span`, `2 spans`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

const days = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const datedDays = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** `31 Jan`, with the year when it is another and there is room for it; null today. */
export function formatDay(date: Date, nowMs: number, { withYear = true } = {}): string | null {
  const now = new Date(nowMs);
  if (now.toDateString() === date.toDateString()) return null;
  return (withYear && now.getFullYear() !== date.getFullYear() ? datedDays : days).format(date);
}

/** Local clock time, with milliseconds when asked, with the day when it is not today. */
export function formatClock(time: string | number, options: { ms?: boolean; nowMs?: number } = {}): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return '–';
  const padded = (count: number, digits = 2) => String(count).padStart(digits, '0');
  const clock =
    [date.getHours(), date.getMinutes(), date.getSeconds()].map((count) => padded(count)).join(':') +
    (options.ms ? `.${padded(date.getMilliseconds(), 3)}` : '');
  const day = formatDay(date, options.nowMs ?? Date.now());
  return day === null ? clock : `${day} ${clock}`;
}

/** `just now`, `40 s ago`, `3 min ago`, `2 h ago`, `3 days ago`; a time ahead, of a clock that is, is just now. */
export function formatAgo(time: string | number, nowMs: number): string {
  const seconds = Math.floor((nowMs - new Date(time).getTime()) / 1000);
  if (Number.isNaN(seconds)) return '–';
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${countOf(Math.floor(seconds / 86_400), 'day')} ago`;
}

/** `7d1c…e09b`: enough of an id to tell two apart. */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}
