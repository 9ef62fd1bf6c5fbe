/** `sockeye sql QUERY`: read-only SQL over the spans and the tables of a store, while its collector runs or not. */
import { ConfigError, readConfig } from '../config.ts';
import { BadSql, openSql, type SqlOptions } from '../store/sqlite/sql/open-sql.ts';
import { SPAN_COLUMNS } from '../store/sqlite/sql/span-columns.ts';
import { asStoreError } from '../store/sqlite/open-database.ts';
import { StoreOpenError, StoreUnavailable } from '../store/store.ts';
import { exitOf } from './ask-collector.ts';
import { durationFlag, parseFlags } from './flags.ts';
import { OutputClosed, printJson, printTable } from './print-rows.ts';
import { CannotWrite } from './write-whole.ts';

const EXIT_FAILED = 1;
const EXIT_WRONG_USE = 2;
/** A second of work for each million where only columns are read, some ten where spans are decoded. */
const SPANS_DEFAULT = 1_000_000;

const text = { type: 'string' } as const;
const FLAGS = { since: text, spans: text, json: { type: 'boolean' }, data: text, config: text } as const;

const USAGE = `Usage: sockeye sql QUERY [FLAGS]

  sockeye sql "select service, count(*) from spans group by 1"
  sockeye sql "select operation, max(duration_ms) from spans where outcome = 'timeout' group by 1" --since 1h

Reads the store of the data folder and changes nothing, whether its collector runs or not. spans are those stored,
newest first; snapshots, with the same columns, are what was sent of spans before they ended, several of one where it
was open for long. The tables of the store are there too (sockeye sql "select name, sql from sqlite_schema").
verdict_of(trace_id, ordinal) is all that a row of verdict stands for, as JSON.

  --since DURATION            spans that started so long ago or later (all)
  --spans N                   reads so many spans at most, the newest; says so when there are more (${SPANS_DEFAULT})
  --json                      prints an array of objects
  --data DIR                  data folder (./sockeye-data)
  --config FILE               configuration file
  --help                      prints this

Columns of spans:
${SPAN_COLUMNS.map(({ name, about }) => `  ${name.padEnd(28)}${about}`).join('\n')}

A query that joins spans with itself reads them again for each row: join what you select of them first, in a
WITH name AS MATERIALIZED (SELECT ...).`;

/** Returns the exit code. */
export async function runSql(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const { query, isJson, options } = readArguments(args);
    return await answer(query, isJson, options);
  } catch (error) {
    const known = asStoreError(error);
    if (known instanceof CannotWrite) return exitOf('sql', known);
    const isWrongUse = known instanceof ConfigError || known instanceof BadSql;
    if (!isWrongUse && !(known instanceof StoreOpenError) && !(known instanceof StoreUnavailable))
      throw error;
    console.error(`sockeye: ${known instanceof BadSql ? 'sql: ' : ''}${known.message}`);
    return isWrongUse ? EXIT_WRONG_USE : EXIT_FAILED;
  }
}

async function answer(query: string, isJson: boolean, options: SqlOptions): Promise<number> {
  const sql = openSql(options);
  try {
    const { columns, rows } = sql.run(query);
    await (isJson ? printJson : printTable)(columns, rows, process.stdout);
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  } finally {
    for (const notice of sql.notices()) console.error(`sockeye: ${notice}`);
    sql.close();
  }
  return 0;
}

function readArguments([query, ...flags]: readonly string[]): {
  query: string;
  isJson: boolean;
  options: SqlOptions;
} {
  if (query === undefined || query.startsWith('--'))
    throw new ConfigError(`sql: got ${query ?? 'nothing'}, expected the query first\n\n${USAGE}`);
  const { since, spans, json, ...settings } = parseFlags('sql', flags, FLAGS).values;
  const { dataFolder: folder } = readConfig(
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    process.env,
  );
  const spansMax = spans === undefined ? SPANS_DEFAULT : Number(spans);
  if (!Number.isSafeInteger(spansMax) || spansMax < 1)
    throw new ConfigError(`--spans: got "${spans}", expected how many spans to read at most`);
  const sinceUnixMs = since === undefined ? -Infinity : Date.now() - durationFlag('--since', since);
  return { query, isJson: json === true, options: { folder, spansMax, sinceUnixMs } };
}
