/** Damages a stored value so that SQLite itself cannot read it: a long value goes on in pages that each name the next. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import Database from 'better-sqlite3';

/** Puts a page that is not there in the place of the value's second. The value is the one that the query reads. */
export function breakPage(file: string, sql: string): void {
  const database = new Database(file);
  const value = database.prepare<[], Buffer>(sql).pluck().get()!;
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
  const bytes = readFileSync(file);
  const start = bytes.indexOf(value.subarray(0, 64));
  let same = 0;
  while (same < value.length && bytes[start + same] === value[same]) same++;
  if (start < 0 || same === value.length)
    throw new Error(`got a value of ${value.length} bytes in one page, expected one of several`);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.of(0xff, 0xff), 0, 2, start + same);
  closeSync(descriptor);
}
