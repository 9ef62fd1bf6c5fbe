/** What became of calls, and how long they took, as figures of a panel. Pure. */
import { formatRate, formatShare } from '../format.ts';

export interface Figure {
  readonly name: string;
  readonly text: string;
  readonly tone?: 'timeout' | 'error' | undefined;
}

interface Counted {
  readonly calls: number;
  readonly timeouts: number;
  readonly errors: number;
}

export function outcomeFigures(
  { calls, timeouts, errors }: Counted,
  seconds: number,
  timeoutsName = 'timeouts',
): Figure[] {
  const share = (count: number) => formatShare(count / Math.max(1, calls));
  return [
    { name: 'calls', text: formatRate(calls, seconds) },
    { name: timeoutsName, text: share(timeouts), tone: timeouts > 0 ? 'timeout' : undefined },
    { name: 'errors', text: share(errors), tone: errors > 0 ? 'error' : undefined },
  ];
}
