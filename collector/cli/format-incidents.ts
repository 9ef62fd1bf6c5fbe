/** Incidents as text: where, what and how sure, how many, since when, and the trace to look at. Pure. */
import type { Incident, Incidents } from '../serve/wire.ts';
import { cut, paragraph, widthOf, type Style, type Terminal } from './terminal.ts';
import { ago, clock, counted, percent } from './words.ts';

export interface IncidentList {
  readonly terminal: Terminal;
  readonly nowMs: number;
  readonly url: string;
  /** As it was asked for: `1h`. */
  readonly since: string;
  /** State and kind that were asked for; '' for all. */
  readonly only: string;
  /** Failed traces that are not in the list yet. */
  readonly undiagnosed: number;
}

const TEXT_COLUMNS_MAX = 120;
const STATE_STYLES: Record<Incident['state'], Style> = {
  new: 'timeout',
  ongoing: 'timeout',
  resolved: 'fine',
};
const ENTRIES_SHOWN = 2;
const STEPS = '▁▂▃▄▅▆▇█';

/** Everything in `answer` is printable; the collector lists the worst first. */
export function formatIncidents(answer: Incidents, list: IncidentList): string {
  const { terminal, since, only, url, undiagnosed } = list;
  const columns = Math.min(terminal.columns, TEXT_COLUMNS_MAX);
  const looked = `in the last ${since} at ${url}`;
  const checked = `${counted(answer.checkedCalls, 'call')} checked`;
  const which = only === '' ? '' : `${only} `;
  const isOne = undiagnosed === 1;
  const waiting = `${counted(undiagnosed, 'failed trace')} ${isOne ? 'is' : 'are'} not diagnosed yet: ask again in a few seconds.`;
  const later =
    undiagnosed === 0 ? [] : paragraph(waiting, columns, '', (line) => terminal.paint('timeout', line));
  if (answer.incidents.length === 0)
    return nothing(answer, which, `${looked}: ${checked}`, later, columns, terminal);

  const shown = counted(answer.incidents.length, `${which}incident`);
  const head = `${answer.cursor ? `The worst ${shown}` : shown} ${looked}; ${checked}`;
  const rest = answer.cursor ? ['… and more: --limit N lists N of them', ''] : [];
  return [
    ...paragraph(head, columns, '', (line) => terminal.paint('strong', line)),
    ...later,
    '',
    ...answer.incidents.flatMap((incident) => [...formatIncident(incident, list, columns), '']),
    ...rest,
  ].join('\n');
}

function formatIncident(incident: Incident, { terminal, nowMs }: IncidentList, columns: number): string[] {
  const { paint } = terminal;
  const { kind, phase, state, count, share, firstSeen, lastSeen, entryPoints, traces, series } = incident;
  const [caller = '', callee] = incident.edge.split('->');
  const mark = kind === 'timeout' ? '⧗' : '✕';
  const state_ = [
    state,
    ...(incident.acknowledged ? ['acknowledged'] : []),
    ...(incident.mutedUntil ? ['muted'] : []),
  ];
  const right = state_.join(', ');
  const place = callee === undefined ? `${caller}, its own work` : `${caller} → ${callee}`;
  const inPhase = phase === 'none' ? '' : ` · ${phase}`;
  const where = cut(place, columns - widthOf(right) - inPhase.length - 4);
  const gap = ' '.repeat(Math.max(2, columns - 2 - widthOf(where) - inPhase.length - widthOf(right)));
  const style = kind === 'timeout' ? 'timeout' : 'error';
  const noun = kind === 'timeout' ? 'timeout' : 'failed call';
  // Own work is no share of calls.
  const ofCalls = callee === undefined || share === 0 ? '' : `, ${percent(share)} of its calls`;
  const why = kind === 'timeout' ? '' : ` (${kind})`;
  const times = `first ${clock(firstSeen, nowMs)}, last ${clock(lastSeen, nowMs)} (${ago(lastSeen, nowMs)})`;
  const spark = sparkline(series);
  const isRoom = widthOf(times) + 6 + series.length <= columns;
  return [
    `${paint(style, mark)} ${paint('strong', where)}${paint('phase', inPhase)}${gap}${paint(STATE_STYLES[state], right)}`,
    ...paragraph(sayCause(incident), columns, '  '),
    ...paragraph(`${counted(count, noun)}${why}${ofCalls}${sayEntries(entryPoints)}`, columns, '  '),
    `  ${times}${isRoom ? `  ${paint(style, spark)}` : ''}`,
    ...traces.slice(0, 1).map((id) => paint('quiet', `  sockeye trace ${id}`)),
  ];
}

/** A statement only where the evidence makes it one. */
function sayCause({ cause, title, confidence, candidates }: Incident): string {
  if (cause === 'unknown' || confidence === 'unknown') return 'Cause unknown';
  const others = candidates > 1 ? `, or ${counted(candidates - 1, 'other cause')}` : '';
  return `${confidence}: ${title} (${cause})${others}`;
}

function sayEntries(entries: Incident['entryPoints']): string {
  if (entries.length === 0) return '';
  const named = entries.slice(0, ENTRIES_SHOWN).map(({ service, operation }) => `${operation} of ${service}`);
  const more = entries.length > ENTRIES_SHOWN ? ` and ${entries.length - ENTRIES_SHOWN} more` : '';
  return `; hits ${named.join(', ')}${more}`;
}

export function sparkline(series: readonly number[]): string {
  const most = Math.max(1, ...series);
  // What is little is seen.
  return series
    .map((count) => (count === 0 ? '·' : STEPS[Math.ceil((count / most) * STEPS.length) - 1]))
    .join('');
}

function nothing(
  { checkedCalls }: Incidents,
  which: string,
  looked: string,
  later: readonly string[],
  columns: number,
  { paint }: Terminal,
): string {
  const lines =
    checkedCalls > 0
      ? ['Look further back with --since 24h.']
      : [
          'No call arrived in that time. Look further back with --since 24h, or start a service: sockeye run -- node app.js',
        ];
  return [
    ...paragraph(`No ${which}incidents ${looked}.`, columns, '', (line) =>
      paint(later.length === 0 ? 'fine' : 'strong', line),
    ),
    ...later,
    ...lines.flatMap((line) => paragraph(line, columns, '')),
    '',
  ].join('\n');
}
