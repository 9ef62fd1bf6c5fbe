/**
 * SQL over the store, beside its collector: the tables as they are, and all spans as two more: `spans`, and `snapshots`, which
 * are what was said of spans that had not ended. Nothing can be written: not by the connection, nor by a statement.
 *
 *     query ─▶ its connection ─▶ block, verdict, … as they lie in the file
 *                    └─▶ spans, snapshots ─▶ a connection of its own ─▶ granules of blocks and segments, newest first
 *                        verdict_of() ─▶ the same ─▶ what a verdict says in full
 *
 * SQLite asks a table like `spans` for every row and tests it itself. Only the columns that a query uses are read; which
 * these are is said by SQLite's own program for it.
 */
import Database from 'better-sqlite3';
import { IS_SNAPSHOT } from '../../columns/codes.ts';
import { DamagedPart } from '../../columns/damaged-part.ts';
import type { Granule } from '../../columns/granule.ts';
import { startMsOf } from '../../columns/span-table.ts';
import type { Span } from '../../../span.ts';
import { openBeside, type Connection } from '../open-database.ts';
import { createNames } from '../read/names.ts';
import { createTraceReader } from '../read/traces.ts';
import { createUnits, newestUnits, type Unit } from '../read/units.ts';
import { findFault, pointAt } from './fault-place.ts';
import { SPAN_COLUMNS, type Cell, type ReadCell } from './span-columns.ts';
import { defineVerdictOf } from './verdict-function.ts';

export interface SqlOptions {
  readonly folder: string;
  /** The newest so many spans are in `spans`. */
  readonly spansMax: number;
  /** Of these, the ones that start then or later. */
  readonly sinceUnixMs: number;
}

/** A value as SQLite has it; integers as `bigint`. */
export type SqlValue = string | number | bigint | Buffer | null;

export interface Sql {
  /** The rows are read while they are asked for. Throws BadSql, then or now. */
  run(query: string): { readonly columns: string[]; readonly rows: Iterable<SqlValue[]> };
  /** What the answer leaves out, once its rows were read. */
  notices(): string[];
  close(): void;
}

/** A query that cannot be answered: says what is wrong with it, and where. */
export class BadSql extends Error {
  override readonly name = 'BadSql';
}

/** Throws StoreOpenError. */
export function openSql({ folder, spansMax, sinceUnixMs }: SqlOptions): Sql {
  const spanConnection = openBeside(folder);
  const connection = openBeside(folder);
  const damages = new Set<string>();
  const onDamage = (what: string): void => void damages.add(what);
  const names = createNames(spanConnection, onDamage);
  const units = createUnits(spanConnection, onDamage);
  const reader = createTraceReader(names, onDamage);
  let used: readonly number[] = [];
  let isCut = false;
  defineVerdictOf(connection, spanConnection);
  // However often the query reads it, spans is the same.
  spanConnection.exec('BEGIN');

  function openCells(granule: Granule): readonly ReadCell[] {
    let lastRow = -1;
    let last: Span | null = null;
    const span = (row: number): Span => {
      if (row !== lastRow) last = reader.span(granule, row);
      lastRow = row;
      return last!;
    };
    return used.map((index) => SPAN_COLUMNS[index]!.open({ granule, names, span }));
  }

  function* rowsOfUnit(unit: Unit, snapshots: boolean): Generator<Cell[]> {
    const values: Cell[] = SPAN_COLUMNS.map(() => null);
    for (let number = 0; number < unit.granules; number++) {
      try {
        const granule = unit.granule(number, 'in turn');
        if (granule.zone.maxStartMs < sinceUnixMs) continue;
        const isWhole = granule.zone.minStartMs >= sinceUnixMs;
        const cells = openCells(granule);
        const { classes } = granule;
        const isAsked = Array.from(classes.flags, (flags) => ((flags & IS_SNAPSHOT) !== 0) === snapshots);
        for (let row = 0; row < granule.rows; row++) {
          if (!isAsked[classes.of[row]!]) continue;
          if (!isWhole && startMsOf(granule, row) < sinceUnixMs) continue;
          for (let at = 0; at < cells.length; at++) values[used[at]!] = cells[at]!(row);
          yield values;
        }
      } catch (error) {
        if (!(error instanceof DamagedPart)) throw error;
        onDamage(`${unit.name}: ${error.message}`);
      }
    }
  }

  const defineTable = (name: string, snapshots: boolean) =>
    connection.table(name, {
      columns: SPAN_COLUMNS.map((column) => column.name),
      *rows() {
        let left = spansMax;
        for (const unit of newestUnits(units.all(), { fromUnixMs: sinceUnixMs, toUnixMs: Infinity })) {
          for (const row of rowsOfUnit(unit, snapshots)) {
            if (left-- === 0) {
              isCut = true;
              return;
            }
            yield row;
          }
        }
      },
    });
  defineTable('spans', false);
  defineTable('snapshots', true);

  return {
    run(query) {
      const statement = prepare(connection, query);
      used = usedColumns(connection, query);
      const columns = statement.columns().map(({ name }) => name);
      return { columns, rows: eachRow(statement) };
    },
    notices: () => [
      ...(isCut
        ? [`spans held the newest ${spansMax} spans alone; --spans N reads more, --since 1h less`]
        : []),
      ...[...damages].map((what) => `the store is damaged: ${what}; what is in it is left out`),
    ],
    close() {
      connection.close();
      spanConnection.close();
    },
  };
}

type Statement = Database.Statement<[], SqlValue[]>;

function prepare(connection: Connection, query: string): Statement {
  let statement: Statement;
  try {
    statement = connection.prepare<[], SqlValue[]>(query);
  } catch (error) {
    throw asBadSql(connection, query, error);
  }
  if (!statement.reader || !statement.readonly) {
    throw new BadSql('got a statement that does not read, expected one that does, such as SELECT');
  }
  return statement.raw().safeIntegers();
}

function* eachRow(statement: Statement): Generator<SqlValue[]> {
  try {
    yield* statement.iterate();
  } catch (error) {
    // JSON that is none, for example.
    if (!isSqlError(error)) throw error;
    throw new BadSql(`got ${error.message}, expected a query that can be answered`);
  }
}

function isSqlError(error: unknown): error is Error {
  return error instanceof Database.SqliteError && error.code === 'SQLITE_ERROR';
}

/** Indexes of the columns of `spans` that SQLite's program for the query reads. */
function usedColumns(connection: Connection, query: string): number[] {
  // There is no program for EXPLAIN itself, which reads no span.
  if (/^(?:\s|--[^\n]*\n|\/\*.*?\*\/)*explain\b/is.test(query)) return [];
  try {
    const program = connection.prepare<[], { opcode: string; p2: number }>(`EXPLAIN ${query}`).all();
    return [...new Set(program.flatMap(({ opcode, p2 }) => (opcode === 'VColumn' ? [p2] : [])))];
  } catch (error) {
    // A parameter without a value.
    throw asBadSql(connection, query, error);
  }
}

function asBadSql(connection: Connection, query: string, error: unknown): unknown {
  if (error instanceof RangeError) {
    return new BadSql(
      `got ${query.trim() === '' ? 'nothing' : error.message}, expected one statement without parameters`,
    );
  }
  if (!isSqlError(error)) return error;
  const at = findFault(query, error.message, (text) => messageOf(connection, text));
  const place = at === null ? '' : ` at character ${at + 1}`;
  const known = knownNames(connection, error.message);
  const lines = [
    `got "${error.message}"${place}, expected SQL as SQLite reads it`,
    ...(at === null ? [] : [pointAt(query, at)]),
    ...(known === null ? [] : [known]),
  ];
  return new BadSql(lines.join('\n'));
}

function messageOf(connection: Connection, query: string): string | null {
  try {
    connection.prepare(query);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What could have been meant. */
function knownNames(connection: Connection, message: string): string | null {
  if (message.startsWith('no such column'))
    return `columns of spans: ${SPAN_COLUMNS.map(({ name }) => name).join(', ')}`;
  if (!message.startsWith('no such table')) return null;
  const tables = connection
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .pluck()
    .all();
  return `tables: ${['spans', ...tables.toSorted()].join(', ')}`;
}
