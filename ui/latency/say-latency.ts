/** What the latency of a range comes to, in words: what changed and when, who gave up, or else plain numbers. Pure. */
import type { Latency, MapEdge } from '../../collector/serve/wire.ts';
import { countOf, formatAbout, formatCount, formatDuration, formatShare } from '../format.ts';
import { phaseName } from '../phases.ts';
import type { GivenUp } from './around.ts';
import { isEdge, sayAsked, type Asked } from './asked.ts';
import { findShift, type Shift } from './shift.ts';

export interface AnswerPart {
  readonly text: string;
  readonly tone: 'plain' | 'strong' | 'timeout' | 'error';
}

/** Of fewer calls the p95 is the longest: each of them can be looked at instead. */
const PERCENTILE_CALLS_MIN = 20;
/** Of the timeouts, that are in one phase for it to be named. */
const MOST = 0.5;
/** Fewer of the calls fail all day: the side says how many. */
const FAILED_SHARE_MIN = 0.01;

const plain = (text: string): AnswerPart => ({ text, tone: 'plain' });
const strong = (text: string): AnswerPart => ({ text, tone: 'strong' });
const timeout = (text: string): AnswerPart => ({ text, tone: 'timeout' });

/**
 * `clock` writes an instant; `stuckIn` counts timeouts of these very calls by phase, and `givenUp` those around them, where
 * that is known.
 */
export function sayLatency(
  latency: Latency,
  asked: Asked,
  stuckIn: MapEdge['timeoutPhases'] | null,
  givenUp: GivenUp | null,
  clock: (unixMs: number) => string,
): AnswerPart[] {
  const subject = sayAsked(asked, latency.of);
  const measured = latency.overall.count;
  const shift = findShift(latency.percentiles, latency.stepMs);
  const first =
    measured === 0
      ? [strong(capital(subject)), plain(`: ${countOf(latency.calls, 'call')}, none with a duration`)]
      : shift
        ? sayShift(subject, shift, clock)
        : measured < PERCENTILE_CALLS_MIN
          ? sayFew(subject, latency, measured)
          : sayLevel(subject, latency);
  const wrong = [...sayTimeouts(latency, stuckIn), ...sayFailures(latency), ...sayGivenUp(givenUp)];
  return [...first, ...wrong, plain('.'), ...sayWall(latency, asked)];
}

function sayShift(subject: string, shift: Shift, clock: (unixMs: number) => string): AnswerPart[] {
  const { fromMs, toMs, insideMs, outsideMs } = shift;
  const start = [plain('p95 of '), strong(subject)];
  if (toMs !== null) {
    const times = `${clock(fromMs)} to ${clock(toMs)}`;
    return [
      ...start,
      plain(' was '),
      strong(formatAbout(insideMs)),
      plain(` from ${times}, and ${formatAbout(outsideMs)} otherwise`),
    ];
  }
  return [
    ...start,
    plain(`${insideMs > outsideMs ? ' rose' : ' fell'} from ${formatAbout(outsideMs)} to `),
    strong(formatAbout(insideMs)),
    plain(` at ${clock(fromMs)}`),
  ];
}

function sayLevel(subject: string, { overall }: Latency): AnswerPart[] {
  const [half, most] = [formatAbout(overall.p50Ms), formatAbout(overall.p95Ms)];
  return [
    strong(capital(subject)),
    plain(': half took up to '),
    strong(half),
    plain(half === most ? ', and 95 % too' : ', 95 % up to '),
    ...(half === most ? [] : [strong(most)]),
  ];
}

function sayFew(subject: string, latency: Latency, measured: number): AnswerPart[] {
  const longest = latency.percentiles.reduce((most, { p99Ms }) => Math.max(most, p99Ms), 0);
  const took = measured === 1 ? ' that took ' : ', the longest took ';
  return [
    strong(capital(subject)),
    plain(`: ${countOf(measured, 'call')}${took}`),
    strong(formatAbout(longest)),
  ];
}

function sayTimeouts(
  { timeouts, calls, of }: Latency,
  stuckIn: MapEdge['timeoutPhases'] | null,
): AnswerPart[] {
  if (timeouts === 0) return [];
  // Who calls gives up; what is served timed out, whoever noticed.
  const verb = isCalled(of) ? 'gave up' : 'timed out';
  const words =
    calls === timeouts && calls > 1
      ? `all ${formatCount(calls)} ${verb}`
      : `${countOf(timeouts, nounOf(of))} ${verb}`;
  return [plain('; '), timeout(words), plain(sayPhase(stuckIn))];
}

function sayFailures({ errors, timeouts, calls, of }: Latency): AnswerPart[] {
  const share = errors / Math.max(1, calls);
  if (share < FAILED_SHARE_MIN) return [];
  const how = timeouts > 0 ? ' failed otherwise' : ' failed';
  const much = calls < PERCENTILE_CALLS_MIN ? countOf(errors, nounOf(of)) : formatShare(share);
  return [plain('; '), { text: `${much}${how}`, tone: 'error' }];
}

function sayGivenUp(givenUp: GivenUp | null): AnswerPart[] {
  const { byCallers, own } = givenUp ?? { byCallers: 0, own: 0 };
  return [
    ...(byCallers > 0
      ? [plain('; its callers gave up on '), timeout(`${formatCount(byCallers)} of their calls to it`)]
      : []),
    ...(own > 0 ? [plain('; it gave up on '), timeout(`${formatCount(own)} of its own calls`)] : []),
  ];
}

const isCalled = (of: Latency['of']): boolean => of === 'calls' || of === 'operation';
const nounOf = (of: Latency['of']): string => (isCalled(of) ? 'call' : 'request');

/** Where most of them were stuck, if most were in one place, and that is known. */
function sayPhase(stuckIn: MapEdge['timeoutPhases'] | null): string {
  const counts = Object.entries(stuckIn ?? {}).filter(([, count]) => count > 0);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  const [phase, count = 0] = counts.toSorted((a, b) => b[1] - a[1])[0] ?? [];
  if (phase === undefined || phase === 'none' || count <= MOST * total) return '';
  return `, ${count === total ? 'in' : 'most in'} ${phaseName(phase)}`;
}

/** How many calls these are, and of what was not counted: `2,000 of more calls`. */
export function sayCounted({ calls, countedFrom, truncated, read, timeouts }: Latency): string {
  if (countedFrom === 'spans')
    return truncated ? `${formatCount(calls)} of more calls were looked at` : countOf(calls, 'call');
  const placed = `${formatCount(read.timeouts)} of ${countOf(timeouts, 'timeout')} marked in their cells`;
  return countOf(calls, 'call') + (truncated && read.timeouts < timeouts ? `, ${placed}` : '');
}

/**
 * Of calls of one to another nobody stands between their durations and a timer. Seen from further up, the callee's own work
 * is added to what a timer further down made of its calls.
 */
function sayWall({ walls }: Latency, asked: Asked): AnswerPart[] {
  const [wall] = walls;
  if (!wall) return [];
  return [
    plain(
      ` ${countOf(wall.count, 'call')} ${wall.count === 1 ? 'ends' : 'pile up'} ${isEdge(asked) ? 'at' : 'near'} `,
    ),
    strong(sayWallAt(wall.atMs, asked)),
    plain(isEdge(asked) ? ': an unknown timer.' : ': perhaps a timer further down.'),
  ];
}

/** To the digits that are known where the calls themselves are looked at. */
export const sayWallAt = (atMs: number, asked: Asked): string =>
  isEdge(asked) ? formatDuration(atMs) : formatAbout(atMs);

const capital = (text: string): string =>
  /^(?:requests|all requests|calls to) /.test(`${text} `)
    ? `${text[0]?.toUpperCase()}${text.slice(1)}`
    : text;
