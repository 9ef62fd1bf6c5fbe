/** A verdict as text: the sentence, how sure it is, the evidence, what else it can be, what to check next. Pure. */
import { formatMs } from '../diagnose/evidence.ts';
import type { Evidence, Verdict } from '../serve/wire.ts';
import { paragraph, type Terminal } from './terminal.ts';
import { counted } from './words.ts';

const SOURCES: Record<Evidence['source'], string> = {
  'client-kernel': 'kernel',
  host: 'host',
  span: 'span',
  history: 'history',
  population: 'others',
};
const SOURCE_COLUMNS = 10;

/** The first explains the root's failure; the others in full where all are wanted; `isOpen` where a call has not ended. Everything in them is printable. */
export function formatVerdicts(
  verdicts: readonly Verdict[],
  terminal: Terminal,
  isAll: boolean,
  isOpen: boolean,
): string[] {
  const [first, ...others] = verdicts;
  if (first === undefined) {
    const rest = isOpen ? ' so far.' : ': nothing to explain.';
    return [...paragraph(`No call of this trace was given up or failed${rest}`, terminal.columns, ''), ''];
  }
  if (isAll) return verdicts.flatMap((verdict) => formatVerdict(verdict, terminal));
  return [...formatVerdict(first, terminal), ...shortened(others, terminal)];
}

function shortened(others: readonly Verdict[], { columns, paint }: Terminal): string[] {
  if (others.length === 0) return [];
  return [
    paint('strong', `${counted(others.length, 'more verdict')} of this trace (--all: in full)`),
    ...others.flatMap(({ sentence, confidence, title }) =>
      paragraph(`${sentence} ${confidence}: ${title}`, columns, '  - '),
    ),
    '',
  ];
}

function formatVerdict(verdict: Verdict, { columns, paint }: Terminal): string[] {
  const { sentence, giveUp, evidence, alternatives, contributing, nextChecks, abandonedMs } = verdict;
  const waited = giveUp.kind === 'timeout' || giveUp.kind === 'gateway';
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [paint('strong', title), ...lines, ''];
  return [
    ...paragraph(sentence, columns, waited ? '⧗ ' : '✕ ', (line) => paint(waited ? 'origin' : 'error', line)),
    ...paragraph(sayCause(verdict), columns, '  '),
    ...(abandonedMs > 0
      ? paragraph(`${formatMs(abandonedMs)} of work went on for nobody.`, columns, '  ')
      : []),
    ...contributing.flatMap(({ text }) => paragraph(`Contributing: ${text}`, columns, '  ')),
    '',
    ...section(
      'Evidence',
      evidence.flatMap((item) =>
        paragraph(sayEvidence(item), columns, `  ${SOURCES[item.source].padEnd(SOURCE_COLUMNS)}`),
      ),
    ),
    ...section(
      verdict.cause === 'unknown' ? 'It can be' : 'It can also be',
      alternatives.flatMap(({ cause, title, against, wouldDecide }) => [
        ...paragraph(title, columns, `  ${cause.padEnd(4)}`),
        ...(against === ''
          ? []
          : paragraph(against, columns, '      against it: ', (line) => paint('quiet', line))),
        ...paragraph(wouldDecide, columns, '      would decide: ', (line) => paint('quiet', line)),
      ]),
    ),
    ...section(
      'Check next',
      // A command is one line however long it is, so that it can be copied.
      nextChecks.flatMap(({ text, command }, index) => [
        ...paragraph(text, columns, `  ${index + 1}. `),
        ...(command === '' ? [] : [`     ${paint('phase', `$ ${command}`)}`]),
      ]),
    ),
  ];
}

/** A statement only where the evidence makes it one. */
function sayCause({ cause, title, confidence, reason }: Verdict): string {
  if (cause === 'unknown' || confidence === 'unknown') {
    return `Cause unknown: ${reason ?? 'nothing separates the candidates'}`;
  }
  return `${confidence}: ${title} (${cause})${reason === null ? '' : `; ${reason}`}`;
}

function sayEvidence({ text, attribute, value }: Evidence): string {
  if (attribute === null || value === null) return text;
  const shown = typeof value === 'number' ? Number(value.toPrecision(6)) : value;
  return text.includes(String(shown)) ? `${text} (${attribute})` : `${text} (${attribute} = ${shown})`;
}
