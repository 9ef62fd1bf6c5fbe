/** What the latency of a range comes to, in words: what changed and when, who gave up, or else plain numbers. Pure. */
import type { Latency, MapEdge } from '../../collector/serve/wire.ts';
import { countOf, formatCount, formatDuration } from '../format.ts';
import { phaseName, sayAsked, type Asked } from './asked.ts';
import { findShift, type Shift } from './shift.ts';

export interface AnswerPart {
  readonly text: string;
  readonly tone: 'plain' | 'strong' | 'timeout';
}

/** Of fewer calls the p95 is the longest: each of them can be looked at instead. */
const PERCENTILE_CALLS_MIN = 20;
/** Of the timeouts, that are in one phase for it to be named. */
const MOST = 0.5;

const plain = (text: string): AnswerPart => ({ text, tone: 'plain' });
const strong = (text: string): AnswerPart => ({ text, tone: 'strong' });

/** `clock` writes an instant; `stuckIn` counts timeouts of these very calls by phase, where that is known. */
export function sayLatency(
  latency: Latency,
  asked: Asked,
  stuckIn: MapEdge['timeoutPhases'] | null,
  clock: (unixMs: number) => string,
): AnswerPart[] {
  const subject = sayAsked(asked, latency.of);
  const measured = latency.cells.reduce((sum, { count }) => sum + count, 0);
  const shift = findShift(latency.percentiles, latency.stepMs);
  const first =
    measured === 0
      ? [strong(capital(subject)), plain(`: ${countOf(latency.calls, 'call')}, none with a duration`)]
      : shift
        ? sayShift(subject, shift, clock)
        : measured < PERCENTILE_CALLS_MIN
          ? sayFew(subject, latency, measured)
          : sayLevel(subject, latency);
  return [...first, ...sayTimeouts(latency, stuckIn), plain('.'), ...sayWall(latency)];
}

function sayShift(subject: string, shift: Shift, clock: (unixMs: number) => string): AnswerPart[] {
  const { fromMs, toMs, insideMs, outsideMs } = shift;
  const start = [plain('p95 of '), strong(subject)];
  if (toMs !== null) {
    const times = `${clock(fromMs)} to ${clock(toMs)}`;
    return [
      ...start,
      plain(' was '),
      strong(formatDuration(insideMs)),
      plain(` from ${times}, and ${formatDuration(outsideMs)} otherwise`),
    ];
  }
  return [
    ...start,
    plain(`${insideMs > outsideMs ? ' rose' : ' fell'} from ${formatDuration(outsideMs)} to `),
    strong(formatDuration(insideMs)),
    plain(` at ${clock(fromMs)}`),
  ];
}

/** Ends of cells: that so many calls are below is true, whatever lies within them. */
function sayLevel(subject: string, latency: Latency): AnswerPart[] {
  const [half, most] = [below(latency, 0.5), below(latency, 0.95)];
  return [
    strong(capital(subject)),
    plain(': half took less than '),
    strong(formatDuration(half)),
    plain(half === most ? ', and 95 % too' : `, 95 % less than `),
    ...(half === most ? [] : [strong(formatDuration(most))]),
  ];
}

function sayFew(subject: string, latency: Latency, measured: number): AnswerPart[] {
  const longest = latency.percentiles.reduce((most, { p99Ms }) => Math.max(most, p99Ms), 0);
  const took = measured === 1 ? ' that took ' : ', the longest took ';
  return [
    strong(capital(subject)),
    plain(`: ${countOf(measured, 'call')}${took}`),
    strong(formatDuration(longest)),
  ];
}

/** The end of the cell that takes the count to that share. */
function below({ cells }: Latency, share: number): number {
  const ends = new Map<number, number>();
  for (const { maxMs, count } of cells) ends.set(maxMs, (ends.get(maxMs) ?? 0) + count);
  const total = [...ends.values()].reduce((sum, count) => sum + count, 0);
  let sum = 0;
  for (const [maxMs, count] of [...ends].toSorted(([a], [b]) => a - b)) {
    sum += count;
    if (sum >= share * total) return maxMs;
  }
  return 0;
}

function sayTimeouts(
  { timeouts, calls, of }: Latency,
  stuckIn: MapEdge['timeoutPhases'] | null,
): AnswerPart[] {
  if (timeouts === 0) return [];
  // Who calls gives up; what is served timed out, whoever noticed.
  const [noun, verb] = of === 'calls' || of === 'operation' ? ['call', 'gave up'] : ['request', 'timed out'];
  const words =
    calls === timeouts && calls > 1
      ? `all ${formatCount(calls)} ${verb}`
      : `${countOf(timeouts, noun)} ${verb}`;
  return [plain('; '), { text: words, tone: 'timeout' }, plain(sayPhase(stuckIn))];
}

/** Where most of them were stuck, if most were in one place, and that is known. */
function sayPhase(stuckIn: MapEdge['timeoutPhases'] | null): string {
  const counts = Object.entries(stuckIn ?? {}).filter(([, count]) => count > 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const [phase, count = 0] = counts.toSorted((a, b) => b[1] - a[1])[0] ?? [];
  if (phase === undefined || phase === 'none' || count <= MOST * total) return '';
  const name = phaseName(phase as Parameters<typeof phaseName>[0]);
  return count === total ? `, in ${name}` : `, most in ${name}`;
}

/** How many calls these are, and of what was not counted: `2,000 of more calls`. */
export function sayCounted({ calls, countedFrom, truncated, read, timeouts }: Latency): string {
  if (countedFrom === 'spans')
    return truncated ? `${formatCount(calls)} of more calls were looked at` : countOf(calls, 'call');
  const placed = `${formatCount(read.timeouts)} of ${countOf(timeouts, 'timeout')} marked in their cells`;
  return countOf(calls, 'call') + (truncated && read.timeouts < timeouts ? `, ${placed}` : '');
}

function sayWall({ walls }: Latency): AnswerPart[] {
  const [wall] = walls;
  if (!wall) return [];
  return [
    plain(` ${countOf(wall.count, 'call')} ${wall.count === 1 ? 'ends' : 'pile up'} at `),
    strong(formatDuration(wall.atMs)),
    plain(': an unknown timer.'),
  ];
}

const capital = (text: string): string =>
  /^(?:requests|all requests|calls to) /.test(`${text} `)
    ? `${text[0]?.toUpperCase()}${text.slice(1)}`
    : text;
