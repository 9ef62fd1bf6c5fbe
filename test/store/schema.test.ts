/** The tables explain themselves to who opens the file with another program. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { SCHEMA } from '../../collector/store/sqlite/schema.ts';

const database = new Database(':memory:');
database.exec(SCHEMA);
const tables = database
  .prepare<[], { name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  )
  .all();

test('every table says what it holds, where .schema shows it', () => {
  expect(tables.length).toBeGreaterThan(10);
  for (const { name, sql } of tables) expect(sql, name).toMatch(/^CREATE TABLE \w+ \(\n {2}-- \S/);
});

test('every column whose bytes cannot be read by themselves says what they are', () => {
  for (const { name, sql } of tables) {
    const silent = sql
      .split('\n')
      .filter((line) => / BLOB /.test(line) && !/_id BLOB/.test(line) && !line.includes('-- '));
    expect(silent, name).toEqual([]);
  }
});

test('every table stands in docs/store.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/store.md'), 'utf8');
  expect(tables.filter(({ name }) => !page.includes(`\`${name}\``)).map(({ name }) => name)).toEqual([]);
});
