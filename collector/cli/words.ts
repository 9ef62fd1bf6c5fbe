/** Numbers and times in the words of a terminal; durations are those of verdicts (`formatMs`). Pure. */

const counts = new Intl.NumberFormat('en-US');

/** `1 call`, `18,204 calls`. */
export function counted(count: number, noun: string): string {
  return `${counts.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Of 0 to 1: never rounds something to nothing, or a part to all. */
export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  if (value < 100 && value > 99.9) return '> 99.9 %';
  return `${Number(value.toFixed(value < 10 || value > 99 ? 1 : 0))} %`;
}

/** Local clock time, with the day when it is not today. */
export function clock(time: string | number, nowMs: number): string {
  const date = new Date(time);
  const two = (count: number): string => String(count).padStart(2, '0');
  const at = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  if (date.toDateString() === new Date(nowMs).toDateString()) return at;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${at}`;
}

/** `5 s ago`; a clock that is ahead says `just now`. */
export function ago(time: string | number, nowMs: number): string {
  const seconds = Math.floor((nowMs - new Date(time).getTime()) / 1000);
  if (seconds < 1) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400
    ? `${Math.floor(seconds / 3600)} h ago`
    : `${counted(Math.floor(seconds / 86_400), 'day')} ago`;
}

/** `812 B`, `64 kB`, `1.5 MB`: powers of a thousand. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
