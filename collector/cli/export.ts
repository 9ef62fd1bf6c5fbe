/** `sockeye export`: traces of a running collector, by id or by search, as one document of a format others read. */
import { ConfigError } from '../config.ts';
import type { TracePage } from '../serve/wire.ts';
import {
  COLLECTOR_FLAGS,
  COLLECTOR_HELP,
  CollectorError,
  exitOf,
  findCollector,
  readBytes,
  readText,
  type Collector,
} from './ask-collector.ts';
import { countFlag, parseFlags } from './flags.ts';
import { createProgress, type Progress } from './progress.ts';
import { OutputClosed, write } from './print-rows.ts';
import { printable } from './terminal.ts';
import { FORMATS, joinDocuments, UnknownDocument, type ExportFormat } from './trace-documents.ts';
import { counted, size } from './words.ts';
import { writeWhole } from './write-whole.ts';

const text = { type: 'string' } as const;
const FLAGS = {
  ...COLLECTOR_FLAGS,
  q: text,
  from: text,
  to: text,
  limit: text,
  format: text,
  out: text,
  help: { type: 'boolean' },
} as const;
const EXIT_FAILED = 1;
const TRACES_DEFAULT = 1_000;
const EXPORTED_TRACES_MAX = 1_000_000;
/** Of one page of a search. */
const PAGE_TRACES = 1_000;

const USAGE = `Usage: sockeye export [ID...] [FLAGS]

  sockeye export 5b8efff798038103d269b633813fc60c --format jaeger --out trace.json
  sockeye export --q "service:checkout timeout:true" --from now-1d --out timeouts.json

Writes traces of a running collector, whole, as one document: those with these ids, else those that a search finds, the
newest first. A file has its name only when it is complete.

  --q QUERY                   traces with a span that matches; the query language is that of the page
  --from TIME, --to TIME      of the search: RFC 3339, epoch milliseconds, or now-15m (the last hour)
  --limit N                   traces of the search at most (${TRACES_DEFAULT})
  --format FORMAT             ${Object.keys(FORMATS).join(', ')} (otlp, which is JSON)
  --out FILE                  a new file; standard output when not given
${COLLECTOR_HELP}`;

/** Returns the exit code. */
export async function runExport(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const progress = createProgress(process.stderr);
  try {
    const { ids, search, format, out, values } = readArguments(args);
    const collector = findCollector(values, process.env);
    const found = ids.length > 0 ? distinct(ids) : searched(collector, search, progress);
    const count = { traces: 0, bytes: 0, gone: 0 };
    const documents = fetchAll(collector, found, FORMATS[format].asked, ids.length === 0, count, progress);
    const pieces = joinDocuments(FORMATS[format], documents);
    let isWritten = true;
    if (out === undefined) for await (const piece of pieces) await write(process.stdout, piece);
    else isWritten = await writeUnlessNone(out, pieces, count);
    progress.end();
    if (out !== undefined && isWritten)
      console.log(`${out}: ${counted(count.traces, 'trace')}, ${size(count.bytes)}, ${format}`);
    if (count.gone > 0) console.error(`sockeye: export: ${counted(count.gone, 'trace')} went away meanwhile`);
    if (count.traces === 0)
      console.error(
        `sockeye: export: no trace matched${isWritten ? '' : `, and ${printable(out!)} is not written`}; --from now-1d looks further back`,
      );
    return 0;
  } catch (error) {
    progress.end();
    // Whoever read us may have seen enough.
    if (error instanceof OutputClosed) return 0;
    if (!(error instanceof UnknownDocument)) return exitOf('export', error);
    console.error(`sockeye: export: ${printable(error.message)}`);
    return EXIT_FAILED;
  }
}

interface Search {
  readonly q: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly limit: number;
}

function readArguments(args: readonly string[]) {
  const { values, positionals: ids } = parseFlags('export', args, FLAGS, { allowPositionals: true });
  const { q, from, to, limit, format = 'otlp', out } = values;
  const wrong = ids.find((id) => !/^[0-9a-f]{1,32}$/i.test(id));
  if (wrong !== undefined)
    throw new ConfigError(`export: got "${printable(wrong)}", expected ids of traces, 1 to 32 hex digits`);
  const searching = Object.entries({ q, from, to, limit }).find(([, value]) => value !== undefined);
  if (ids.length > 0 && searching !== undefined)
    throw new ConfigError(`--${searching[0]}: got ids of traces too, expected either ids or a search`);
  if (!isFormat(format))
    throw new ConfigError(
      `--format: got "${printable(format)}", expected one of ${Object.keys(FORMATS).join(', ')}`,
    );
  if (format === 'otlp-protobuf' && out === undefined && process.stdout.isTTY)
    throw new ConfigError(
      '--format: got otlp-protobuf for a terminal, expected --out FILE, or a pipe to read it',
    );
  const most = countFlag('--limit', limit ?? String(TRACES_DEFAULT), EXPORTED_TRACES_MAX);
  const search: Search = { q, from, to, limit: most };
  return { ids, search, format, out, values };
}

function isFormat(name: string): name is ExportFormat {
  return Object.hasOwn(FORMATS, name);
}

/** As the collector has them; one that is given twice is one. */
async function* distinct(ids: readonly string[]): AsyncGenerator<string> {
  yield* new Set(ids.map((id) => id.toLowerCase().padStart(32, '0')));
}

class NothingFound extends Error {}

/** False where there was no trace, and so no file, which would be in the way of the next try. */
async function writeUnlessNone(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
  count: { readonly traces: number; bytes: number },
): Promise<boolean> {
  async function* some() {
    yield* pieces;
    if (count.traces === 0) throw new NothingFound();
  }
  try {
    count.bytes = await writeWhole(path, some());
    return true;
  } catch (error) {
    if (error instanceof NothingFound) return false;
    throw error;
  }
}

/** Page by page, and says when there are more than are wanted. */
async function* searched(
  collector: Collector,
  { q, from, to, limit }: Search,
  progress: Progress,
): AsyncGenerator<string> {
  let cursor: string | null = null;
  for (let left = limit; left > 0;) {
    const page: TracePage = JSON.parse(
      await readText(
        await collector.ask('/api/traces', {
          q,
          from,
          to,
          cursor: cursor ?? undefined,
          limit: String(Math.min(left, PAGE_TRACES)),
        }),
      ),
    );
    yield* page.traces.map(({ traceId }) => traceId);
    left -= page.traces.length;
    cursor = page.cursor;
    if (cursor === null) return;
  }
  progress.note(`sockeye: export: more than ${counted(limit, 'trace')} match; --limit N takes more`);
}

async function* fetchAll(
  collector: Collector,
  ids: AsyncIterable<string>,
  format: string,
  mayBeGone: boolean,
  count: { traces: number; bytes: number; gone: number },
  progress: Progress,
): AsyncGenerator<Buffer> {
  for await (const id of ids) {
    let document: Buffer;
    try {
      document = await readBytes(await collector.ask(`/api/traces/${id}`, { format }));
    } catch (error) {
      // Retention may drop what a search found a moment ago.
      if (!mayBeGone || !(error instanceof CollectorError) || error.status !== 404) throw error;
      count.gone++;
      continue;
    }
    yield document;
    count.traces++;
    count.bytes += document.length;
    progress.say(`${counted(count.traces, 'trace')}, ${size(count.bytes)}`);
  }
}
