/** Prints the rows of an answer: as an aligned table for people, as JSON for programs. */
import { once } from 'node:events';
import { fstatSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { printable } from './terminal.ts';
import { CannotWrite } from './write-whole.ts';

export type Value = string | number | bigint | Buffer | null;

/** Rows that are laid out together, and after which what was printed leaves. */
const BATCH_ROWS = 1_000;
/** Of a table's cell; JSON has all of it. */
const CELL_CHARACTERS_MAX = 200;

/** Columns are as wide as the first rows need. */
export async function printTable(
  columns: readonly string[],
  rows: Iterable<readonly Value[]>,
  out: Writable,
): Promise<void> {
  let widths: number[] | null = null;
  for (const batch of batches(rows)) {
    const lines = batch.map((row) => row.map(cellText));
    if (widths === null) {
      widths = columns.map((name, column) =>
        lines.reduce((width, line) => Math.max(width, line[column]!.length), name.length),
      );
      lines.unshift(
        [...columns],
        widths.map((width) => '─'.repeat(width)),
      );
    }
    const isNumber = columns.map((_, column) => batch.every((row) => isNumeric(row[column]!)));
    const text = lines.map((line) => layOut(line, widths!, isNumber)).join('');
    await write(out, text);
  }
}

/** One array of objects, a line each. */
export async function printJson(
  columns: readonly string[],
  rows: Iterable<readonly Value[]>,
  out: Writable,
): Promise<void> {
  let before = '[';
  for (const batch of batches(rows)) {
    let text = '';
    for (const row of batch) {
      const entries = columns.map((name, column) => [name, jsonValue(row[column]!)]);
      text += `${before}\n${JSON.stringify(Object.fromEntries(entries))}`;
      before = ',';
    }
    await write(out, text);
  }
  await write(out, before === '[' ? '[]\n' : '\n]\n');
}

/** Whoever read it may have seen enough. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

/** A text that is ready; whoever read us may be gone. Rejects with CannotWrite. */
export async function print(text: string): Promise<void> {
  try {
    await write(process.stdout, text);
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

/** The first one also when there are no rows. */
function* batches(rows: Iterable<readonly Value[]>): Generator<(readonly Value[])[]> {
  let batch: (readonly Value[])[] = [];
  let isFirst = true;
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH_ROWS) continue;
    yield batch;
    isFirst = false;
    batch = [];
  }
  if (batch.length > 0 || isFirst) yield batch;
}

/** Rejects with OutputClosed where nobody reads it any more, else with CannotWrite. */
export async function write(out: Writable, text: string | Uint8Array): Promise<void> {
  if (text.length === 0) return;
  if (out.destroyed) throw closed();
  const failure = isFile(out) ? writeToFile(out.fd, text) : await writeToStream(out, text);
  if (failure === null) return;
  if (failure.code === 'EPIPE') throw closed();
  throw new CannotWrite(
    `got ${printable(failure.message)}, expected to write all of the output; check its rights and free space`,
  );
}

function closed(): OutputClosed {
  return new OutputClosed('got closed output, expected a reader');
}

async function writeToStream(
  out: Writable,
  text: string | Uint8Array,
): Promise<NodeJS.ErrnoException | null> {
  let failure: NodeJS.ErrnoException | null = null;
  const onError = (error: NodeJS.ErrnoException): void => void (failure ??= error);
  out.once('error', onError);
  if (!out.write(text)) await once(out, 'drain').catch(onError);
  // An error of a write is told a turn later.
  await new Promise(setImmediate);
  out.off('error', onError);
  return failure;
}

/** Node's stream of a file takes the part of a text that found room for all of it, and says nothing. */
function isFile(out: Writable): out is typeof process.stdout {
  return out === process.stdout && fstatSync(process.stdout.fd).isFile();
}

function writeToFile(fd: number, text: string | Uint8Array): NodeJS.ErrnoException | null {
  try {
    for (let rest = Buffer.from(text); rest.length > 0;) rest = rest.subarray(writeSync(fd, rest));
    return null;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function layOut(line: readonly string[], widths: readonly number[], isNumber: readonly boolean[]): string {
  const cells = line.map((cell, column) =>
    isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
  );
  return `${cells.join('  ').trimEnd()}\n`;
}

function isNumeric(value: Value): boolean {
  return value === null || typeof value === 'number' || typeof value === 'bigint';
}

function cellText(value: Value): string {
  if (value === null) return 'null';
  const all = Buffer.isBuffer(value) ? `x'${value.toString('hex', 0, CELL_CHARACTERS_MAX)}'` : String(value);
  const cut = all.length > CELL_CHARACTERS_MAX ? `${all.slice(0, CELL_CHARACTERS_MAX - 1)}…` : all;
  return printable(cut);
}

/** As in the HTTP API: integers beyond 2^53 are strings, bytes are {"bytes": base64}. */
function jsonValue(value: Value): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return Buffer.isBuffer(value) ? { bytes: value.toString('base64') } : value;
}
