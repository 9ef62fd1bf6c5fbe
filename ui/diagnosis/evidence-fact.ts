/** The value behind a piece of evidence, where its text does not say it already. Pure. */
import type { Evidence } from '../../collector/serve/wire.ts';
import { formatDuration } from '../format.ts';

const SAYS_A_TIME = /\d\s?(?:µs|ms|s|min)\b/;

/** '' when there is nothing to add. */
export function evidenceFact({ text, attribute, value }: Evidence): string {
  if (value === null) return '';
  if (typeof value !== 'number') return text.includes(String(value)) ? '' : String(value);
  // A span's own time is named by no attribute.
  if (attribute === null || attribute.endsWith('_ms')) {
    return SAYS_A_TIME.test(text) ? '' : attribute === null ? trim(value, text) : formatDuration(value);
  }
  return trim(value, text);
}

function trim(value: number, text: string): string {
  const short = Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  return text.includes(short) ? '' : short;
}
