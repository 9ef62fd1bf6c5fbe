/** `sockeye import FILE...`: sends files of traces to a running collector, and says of each what became of its spans. */
import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '../config.ts';
import type { Imported, WireError } from '../serve/wire.ts';
import {
  COLLECTOR_FLAGS,
  COLLECTOR_HELP,
  CollectorError,
  exitOf,
  findCollector,
  parsePrintable,
  readText,
  type Collector,
} from './ask-collector.ts';
import { parseFlags } from './flags.ts';
import { print } from './print-rows.ts';
import { createProgress } from './progress.ts';
import { printable } from './terminal.ts';
import { counted, size } from './words.ts';

const FLAGS = { ...COLLECTOR_FLAGS, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
const EXIT_FAILED = 1;
const STDIN = '-';
/** A collector that is busy says so, and takes the same a little later. */
const IMPORT_TRIES_MAX = 10;
const TRY_AGAIN_MS = 1_000;

const USAGE = `Usage: sockeye import FILE... [FLAGS]

  sockeye import trace.json others/*.json
  zcat traces.json.gz | sockeye import -

Stores the traces of files in a running collector: OTLP (JSON or protobuf), Jaeger or Zipkin JSON, which one shows in
the file; compressed by gzip or zstd, too. A file may have as many bytes, decompressed, as a request to the collector
(--max-request-bytes of its start, 64 MiB). - is standard input.

  --json                      the collector's answer for each file as it is, a line each
${COLLECTOR_HELP}`;

/** What can be sent more than once; of standard input, all that there is. */
interface Source {
  readonly body: Blob | ReadableStream<Uint8Array>;
  readonly encoding: string | null;
  readonly isOnce: boolean;
  readonly bytes: number | null;
}

/** What came of a file: the collector's answer, or why there is none, and the JSON of either. */
interface Outcome {
  readonly imported: Imported | null;
  readonly problem: string;
  readonly json: string;
}

/** Returns the exit code. */
export async function runImport(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const { values, positionals: paths } = parseFlags('import', args, FLAGS, { allowPositionals: true });
    if (paths.length === 0)
      throw new ConfigError('import: got nothing, expected files, or - for standard input');
    if (paths.filter((path) => path === STDIN).length > 1)
      throw new ConfigError('import: got - twice, expected it once: standard input is read to its end');
    return await importAll(findCollector(values, process.env), paths, values.json === true);
  } catch (error) {
    return exitOf('import', error);
  }
}

async function importAll(collector: Collector, paths: readonly string[], isJson: boolean): Promise<number> {
  const progress = createProgress(process.stderr);
  const sum = { stored: 0, duplicate: 0, refused: 0 };
  let failed = 0;
  for (const [index, path] of paths.entries()) {
    const name = path === STDIN ? 'standard input' : printable(path);
    const which = paths.length > 1 ? ` (${index + 1} of ${paths.length})` : '';
    const { imported, problem, json } = await importFile(collector, path, (bytes) =>
      progress.say(`sending ${name}${bytes === null ? '' : `, ${size(bytes)}`}${which} …`),
    ).finally(progress.end);
    if (isJson) await print(`${json.trimEnd()}\n`);
    else if (imported !== null) await print(`${name}: ${sayImported(imported)}\n`);
    if (imported === null) console.error(`sockeye: import: ${name}: ${problem}`);
    if (imported === null || imported.refused > 0) failed++;
    for (const key of ['stored', 'duplicate', 'refused'] as const) sum[key] += imported?.[key] ?? 0;
  }
  if (paths.length > 1 && !isJson) {
    const without = failed === 0 ? '' : `; ${failed} of them not, or not wholly`;
    await print(`${counted(paths.length, 'file')}: ${sayImported({ ...sum, message: '' })}${without}\n`);
  }
  return failed === 0 ? 0 : EXIT_FAILED;
}

/** `12 spans stored, 3 known already, 1 refused: …`. */
export function sayImported({ stored, duplicate, refused, message }: Imported): string {
  const known = duplicate === 0 ? '' : `, ${duplicate.toLocaleString('en-US')} known already`;
  const rest = refused === 0 ? '' : `, ${refused.toLocaleString('en-US')} refused`;
  const why = message === '' ? '' : `${refused === 0 ? '; note' : ''}: ${message}`;
  return `${counted(stored, 'span')} stored${known}${rest}${why}`;
}

/** Rejects where no other file would fare better. */
async function importFile(
  collector: Collector,
  path: string,
  onSending: (bytes: number | null) => void,
): Promise<Outcome> {
  try {
    const source = await (path === STDIN ? openStdin() : openFile(path));
    onSending(source.bytes);
    const json = await send(collector, source);
    return { imported: parsePrintable<Imported>(json), problem: '', json };
  } catch (error) {
    if (error instanceof CollectorError && ![0, 401, 403, 404].includes(error.status)) {
      const hint = error.status === 413 ? '; split the file, or start the collector with a larger limit' : '';
      return { imported: null, problem: `${error.message}${hint}`, json: oneLine(error.body) };
    }
    if (!isFileError(error)) throw error;
    const problem = `got ${printable(error.message)}, expected a file that can be read`;
    return { imported: null, problem, json: JSON.stringify(unreadable(error.message)) };
  }
}

async function send(collector: Collector, { body, encoding, isOnce }: Source): Promise<string> {
  const headers: Record<string, string> = encoding === null ? {} : { 'content-encoding': encoding };
  for (let tried = 1; ; tried++) {
    try {
      return await readText(await collector.ask('/api/import', {}, { method: 'POST', headers, body }));
    } catch (error) {
      const isBusy = error instanceof CollectorError && [429, 503].includes(error.status);
      if (!isBusy || isOnce || tried === IMPORT_TRIES_MAX) throw error;
      await sleep(TRY_AGAIN_MS);
    }
  }
}

/** Read as it is sent, whatever its size. */
async function openFile(path: string): Promise<Source> {
  if ((await stat(path)).isDirectory()) {
    throw Object.assign(new Error('a folder'), { code: 'EISDIR', syscall: 'open' });
  }
  const body = await openAsBlob(path);
  const head = new Uint8Array(await body.slice(0, 4).arrayBuffer());
  return { body, encoding: encodingOf(head), isOnce: false, bytes: body.size };
}

async function openStdin(): Promise<Source> {
  const chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  const first = await chunks.next();
  async function* all() {
    for (let chunk = first; !chunk.done; chunk = await chunks.next()) yield chunk.value;
  }
  const encoding = first.done ? null : encodingOf(first.value);
  return { body: ReadableStream.from(all()), encoding, isOnce: true, bytes: null };
}

/** Shows in the first bytes; no format of traces begins like these. */
function encodingOf(head: Uint8Array): string | null {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  return begins(0x1f, 0x8b) ? 'gzip' : begins(0x28, 0xb5, 0x2f, 0xfd) ? 'zstd' : null;
}

function unreadable(got: string): WireError {
  return {
    error: {
      code: 'unreadable',
      message: 'The file cannot be read.',
      got,
      expected: 'a file that can be read',
    },
  };
}

/** What stands between us and the collector may answer in HTML. */
function oneLine(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    const error = { code: 'unknown_answer', message: 'Another program answered.', got: body.slice(0, 200) };
    return JSON.stringify({ error } satisfies WireError);
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
