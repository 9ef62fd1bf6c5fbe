/** How a cause is put: as a statement only where the evidence makes it one. Pure. */
import type { Incident, Verdict } from '../../collector/serve/wire.ts';
import { countOf } from '../format.ts';

/**
 * `SYN dropped on the way to b`, `likely: SYN dropped on the way to b`, `possibly: SYN dropped on the way to b, or 7 other causes`,
 * `cause unknown`.
 */
export function sayIncidentCause({
  cause,
  title,
  confidence,
  candidates,
}: Pick<Incident, 'cause' | 'title' | 'confidence' | 'candidates'>): string {
  if (cause === 'unknown' || confidence === 'unknown') return 'cause unknown';
  if (confidence === 'proven') return title;
  if (confidence === 'likely') return `likely: ${title}`;
  return `possibly: ${title}${candidates > 1 ? `, or ${countOf(candidates - 1, 'other cause')}` : ''}`;
}

/** The same beside a verdict's list of candidates, with the reason where there is no cause. */
export function sayVerdictCause({
  cause,
  title,
  confidence,
  reason,
}: Pick<Verdict, 'cause' | 'title' | 'confidence' | 'reason'>): string {
  if (cause === 'unknown' || confidence === 'unknown') {
    return `Cause unknown: ${reason ?? 'nothing separates the candidates'}.`;
  }
  const howSure = { proven: '', likely: 'Likely: ', possible: 'Likeliest: ' }[confidence];
  return `${howSure}${title}.`;
}
