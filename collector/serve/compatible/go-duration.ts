/** Durations as Go writes them: `1.5s`, `1m30s`, `250us`. Pure. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const WHOLE = new RegExp(`^[+-]?(?:0|(?:${PART.source})+)$`);
const DURATION_CHARS_MAX = 100;

/** In milliseconds; null where it is none. */
export function parseGoDuration(text: string): number | null {
  if (text.length > DURATION_CHARS_MAX || !WHOLE.test(text)) return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PART)) ms += Number(count) * (UNIT_MS[unit!] ?? 0);
  return text.startsWith('-') ? -ms : ms;
}
