/** `sockeye trace ID`: the waterfall of a trace, and the verdict on where its timeout started. */
import { ConfigError } from '../config.ts';
import type { Diagnosis, Trace } from '../serve/wire.ts';
import {
  COLLECTOR_FLAGS,
  COLLECTOR_HELP,
  exitOf,
  findCollector,
  parsePrintable,
  readText,
} from './ask-collector.ts';
import { parseFlags } from './flags.ts';
import { formatVerdicts } from './format-verdict.ts';
import { formatOpenCalls, withKnownEnds } from './open-calls.ts';
import { print } from './print-rows.ts';
import { createProgress } from './progress.ts';
import { paragraph, printable, terminalOf } from './terminal.ts';
import { formatWaterfall } from './waterfall.ts';

const FLAGS = {
  ...COLLECTOR_FLAGS,
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;
/** More than fit on a few screens hide what matters. */
const ROWS_DEFAULT = 60;
const TEXT_COLUMNS_MAX = 120;

const USAGE = `Usage: sockeye trace ID [FLAGS]

  sockeye trace 5b8efff798038103d269b633813fc60c

Draws a trace of a running collector as a waterfall, marks the span where the timeout started, and says why: the
sentence, the evidence, what else it can be and what would decide, what to check next.

  --all                       every span, where only ${ROWS_DEFAULT} that matter most are drawn, and every verdict in full
  --json                      the API's JSON: the trace, with the verdicts of its diagnosis
${COLLECTOR_HELP}`;

/** Returns the exit code. */
export async function runTrace(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const progress = createProgress(process.stderr);
  try {
    const { values, positionals } = parseFlags('trace', args, FLAGS, { allowPositionals: true });
    const id = readTraceId('trace', positionals);
    const collector = findCollector(values, process.env);
    // A large trace that is diagnosed anew takes its time.
    progress.say('reading the trace and its diagnosis …');
    const [trace, diagnosis] = await Promise.all([
      collector.ask(`/api/traces/${id}`).then(readText),
      collector.ask(`/api/traces/${id}/diagnosis`).then(readText),
    ]).finally(progress.end);
    if (values.json) {
      const { verdicts } = JSON.parse(diagnosis) as Diagnosis;
      await print(`${JSON.stringify({ ...(JSON.parse(trace) as Trace), verdicts })}\n`);
    } else await print(drawn(trace, diagnosis, `${collector.url}/trace/${id}`, values.all === true));
    return 0;
  } catch (error) {
    return exitOf('trace', error);
  }
}

function readTraceId(command: string, [id, ...more]: readonly string[]): string {
  const got =
    id === undefined ? 'nothing' : more.length > 0 ? `${more.length + 1} ids` : `"${printable(id)}"`;
  if (id === undefined || more.length > 0 || !/^[0-9a-f]{1,32}$/i.test(id)) {
    throw new ConfigError(`${command}: got ${got}, expected the id of a trace, 1 to 32 hex digits`);
  }
  return id.toLowerCase().padStart(32, '0');
}

function drawn(traceText: string, diagnosisText: string, page: string, isAll: boolean): string {
  const trace = withKnownEnds(parsePrintable<Trace>(traceText));
  const { verdicts } = parsePrintable<Diagnosis>(diagnosisText);
  const terminal = terminalOf(process.stdout, process.env);
  const columns = Math.min(terminal.columns, TEXT_COLUMNS_MAX);
  const open = formatOpenCalls(trace, { ...terminal, columns });
  return [
    ...formatWaterfall(trace, verdicts, {
      terminal,
      rowsMost: isAll ? Infinity : ROWS_DEFAULT,
      nowMs: Date.now(),
    }),
    '',
    ...open,
    ...formatVerdicts(verdicts, { ...terminal, columns }, isAll, open.length > 0),
    ...paragraph(page, terminal.columns, '', (line) => terminal.paint('quiet', line)),
    '',
  ].join('\n');
}
