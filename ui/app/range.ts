/** Time ranges as the API takes them: RFC 3339, epoch milliseconds, or `now-15m`. Pure. */
import { formatDay } from '../format.ts';

export const RANGE_DEFAULT = 'now-1h';
export const RANGE_PRESETS = ['now-5m', 'now-15m', 'now-1h', 'now-6h', 'now-24h', 'now-7d'] as const;

const UNIT_MS: Record<string, number> = { s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };
const UNIT_NAME: Record<string, string> = { s: 'second', m: 'minute', h: 'hour', d: 'day' };

/** Epoch milliseconds, or null when the text is no time. */
export function parseTime(text: string, nowMs: number): number | null {
  const relative = /^now(?:-(\d{1,9})([smhd]))?$/.exec(text);
  if (relative) return nowMs - Number(relative[1] ?? 0) * (UNIT_MS[relative[2] ?? 's'] ?? 0);
  if (/^\d{10,16}$/.test(text)) return Number(text);
  const absolute = Date.parse(text);
  return Number.isNaN(absolute) ? null : absolute;
}

/** `withYear` where there is room for the year of instants of another. */
export function describeRange(
  from: string | undefined,
  to: string | undefined,
  { withYear = false } = {},
): string {
  const start = from ?? RANGE_DEFAULT;
  const end = to ?? 'now';
  const relative = /^now-(\d+)([smhd])$/.exec(start);
  if (relative && end === 'now') {
    const name = UNIT_NAME[relative[2] ?? ''] ?? '';
    return `Last ${relative[1]} ${name}${relative[1] === '1' ? '' : 's'}`;
  }
  return `${describeInstant(start, withYear)} – ${describeInstant(end, withYear)}`;
}

function describeInstant(text: string, withYear: boolean): string {
  const time = parseTime(text, 0);
  if (text.startsWith('now') || time === null) return text;
  const date = new Date(time);
  const day = formatDay(date, Date.now(), { withYear });
  const clock = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  return day === null ? clock : `${day} ${clock}`;
}

/** Fifteen minutes on either side of an instant, where a jump to something found lands; or `halfMs`. */
export function rangeAround(unixMs: number, halfMs: number = 15 * 60e3): { from: string; to: string } {
  return { from: new Date(unixMs - halfMs).toISOString(), to: new Date(unixMs + halfMs).toISOString() };
}

/** What is left until now is not worth a step when it is less than this share of the range. */
const LEFT_SHARE = 0.1;

/**
 * The range of the same length before or after this one, for the URL; null when nothing is later. Where time ends, it
 * is relative, so that it goes on with the clock.
 */
export function stepRange(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  direction: -1 | 1,
  nowMs: number,
): { from: string | null; to: string | null } | null {
  if (direction === 1 && toMs >= nowMs) return null;
  const lengthMs = toMs - fromMs;
  const endMs = direction === 1 ? toMs + lengthMs : fromMs;
  if (direction === 1 && endMs + LEFT_SHARE * lengthMs >= nowMs) {
    const from = untilNow(lengthMs);
    return { from: from === RANGE_DEFAULT ? null : from, to: null };
  }
  return { from: new Date(endMs - lengthMs).toISOString(), to: new Date(endMs).toISOString() };
}

/** A range is worth widening to some times its length. */
const WIDER_TIMES = 4;

/** The next preset that is much longer; of instants, what lies around them. For the URL; null when there is none. */
export function widerRange(
  { from = RANGE_DEFAULT, to }: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): { from: string; to: string | null } | null {
  const [startMs, endMs] = [parseTime(from, nowMs), parseTime(to ?? 'now', nowMs)];
  if (startMs === null || endMs === null || startMs >= endMs) return null;
  const lengthMs = endMs - startMs;
  if (to === undefined || to === 'now') {
    const preset = RANGE_PRESETS.find((text) => parseTime(text, 0)! <= -WIDER_TIMES * lengthMs);
    return preset === undefined ? null : { from: preset, to: null };
  }
  const moreMs = ((WIDER_TIMES - 1) / 2) * lengthMs;
  return {
    from: new Date(startMs - moreMs).toISOString(),
    to: new Date(Math.max(endMs, Math.min(endMs + moreMs, nowMs))).toISOString(),
  };
}

/** The relative time that long ago, to the second: as the presets write it, or in its largest whole unit. */
function untilNow(lengthMs: number): string {
  const roundMs = Math.max(1, Math.round(lengthMs / 1000)) * 1000;
  const preset = RANGE_PRESETS.find((text) => parseTime(text, roundMs) === 0);
  if (preset) return preset;
  const [unit, unitMs] = Object.entries(UNIT_MS).findLast(([, each]) => roundMs % each === 0) ?? ['s', 1000];
  return `now-${roundMs / unitMs}${unit}`;
}

/** Length of the range in seconds: what a count is divided by to give a rate. */
export function rangeSeconds(fromIso: string, toIso: string): number {
  return Math.max(1, (Date.parse(toIso) - Date.parse(fromIso)) / 1000);
}
