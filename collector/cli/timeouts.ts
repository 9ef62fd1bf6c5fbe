/** `sockeye timeouts`: the incidents of a running collector, the worst first. */
import type { Incidents, Status } from '../serve/wire.ts';
import {
  COLLECTOR_FLAGS,
  COLLECTOR_HELP,
  exitOf,
  findCollector,
  parsePrintable,
  readText,
  type Collector,
} from './ask-collector.ts';
import { countFlag, durationFlag, parseFlags } from './flags.ts';
import { formatIncidents } from './format-incidents.ts';
import { print } from './print-rows.ts';
import { terminalOf } from './terminal.ts';

const text = { type: 'string' } as const;
const FLAGS = {
  ...COLLECTOR_FLAGS,
  since: text,
  state: text,
  kind: text,
  limit: text,
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;
const SINCE_DEFAULT = '1h';
const SHOWN_DEFAULT = '20';
/** Of one answer of the collector. */
const LISTED_INCIDENTS_MAX = 1000;

const USAGE = `Usage: sockeye timeouts [--since 1h] [FLAGS]

  sockeye timeouts
  sockeye timeouts --since 15m --state ongoing

Lists the incidents of a running collector: calls that were given up or failed, by edge, phase and kind, with their
likeliest cause; what is not over comes first, then what hit most calls.

  --since DURATION            calls that started so long ago or later (${SINCE_DEFAULT})
  --state STATE               only what is new, ongoing or resolved
  --kind KIND                 only timeout, refused, reset, unreachable, unresolved, tls, gateway or cancelled
  --limit N                   incidents to list (${SHOWN_DEFAULT}, at most ${LISTED_INCIDENTS_MAX})
  --json                      prints the collector's answer to GET /api/timeouts as it is
${COLLECTOR_HELP}`;

/** Returns the exit code. */
export async function runTimeouts(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const { values } = parseFlags('timeouts', args, FLAGS);
    const { since = SINCE_DEFAULT, state, kind, json = false } = values;
    const sinceMs = durationFlag('--since', since);
    const shown = countFlag('--limit', values.limit ?? SHOWN_DEFAULT, LISTED_INCIDENTS_MAX);
    const collector = findCollector(values, process.env);
    // Asked first: what is diagnosed meanwhile is in the list.
    const undiagnosed = json ? 0 : await countUndiagnosed(collector);
    const answer = await collector.ask('/api/timeouts', {
      // The collector's clock decides, not this machine's.
      from: `now-${sinceMs}ms`,
      state,
      kind,
      limit: String(shown),
      // What calls have in common is not printed, and costs reading their spans.
      ...(!json && { compare: 'false' }),
    });
    const body = await readText(answer);
    await print(json ? `${body}\n` : listed(body, collector.url, { since, state, kind, undiagnosed }));
    return 0;
  } catch (error) {
    return exitOf('timeouts', error);
  }
}

async function countUndiagnosed(collector: Collector): Promise<number> {
  const { diagnosis } = JSON.parse(await readText(await collector.ask('/api/status'))) as Status;
  return diagnosis.backlog;
}

interface Listing {
  readonly since: string;
  readonly state: string | undefined;
  readonly kind: string | undefined;
  readonly undiagnosed: number;
}

function listed(body: string, url: string, { since, state, kind, undiagnosed }: Listing): string {
  const only = [state, kind].filter((word) => word !== undefined).join(' ');
  return formatIncidents(parsePrintable<Incidents>(body), {
    terminal: terminalOf(process.stdout, process.env),
    nowMs: Date.now(),
    url,
    since,
    only,
    undiagnosed,
  });
}
