/** What SQLite's file must bear: kills, full disks, strangers' files, second collectors, a build without TypeScript. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { describe, expect, test, vi } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import { databasePath, openForReading, openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { createReader } from '../../collector/store/sqlite/read/create-reader.ts';
import { openWriter } from '../../collector/store/sqlite/write/writer.ts';
import { serviceOf, type Span } from '../../collector/span.ts';
import { StoreOpenError, StoreUnavailable } from '../../collector/store/store.ts';
import { AROUND_NOON, makeRequest, NOON_UNIX_MS, traceId } from './make-request.ts';
import { folder, open } from './new-folder.ts';

const root = resolve(import.meta.dirname, '../..');
async function openError(at = folder): Promise<string> {
  const error = await open(at).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreOpenError);
  const { message } = error as Error;
  expect(message).toMatch(/got .*expected .*;/s);
  return message;
}

test('how the store is, and a trace by its id, are read while a long search is still running', async () => {
  const store = await open();
  const spans = Array.from({ length: 400 }, (_, i) => ({
    trace: (i + 1).toString(16),
    attributes: { text: 'ab'.repeat(4_000) + i },
  }));
  await store.append(makeRequest(...spans));
  const gone = new AbortController();
  const term = parseQuery('text~(a|b|ab)*[x-z]');
  const search = store
    .searchTraces({ range: AROUND_NOON, term, sort: 'newest', limit: 20, cursor: null }, gone.signal)
    .then(
      () => 'searched',
      () => 'cancelled',
    );
  expect(await store.status()).toMatchObject({ spans: 400 });
  expect(await store.readTrace(traceId('1'))).toHaveLength(1);
  gone.abort();
  expect(await search).toBe('cancelled');
});

describe('durability', () => {
  test('every connection is at synchronous FULL, also on a file that was in WAL mode before', () => {
    for (const round of ['new', 'reopened']) {
      const { database, release } = openForWriting(folder);
      const reader = openForReading(folder);
      for (const connection of [database, reader]) {
        expect(connection.pragma('synchronous', { simple: true }), round).toBe(2);
        expect(connection.pragma('journal_mode', { simple: true }), round).toBe('wal');
      }
      reader.close();
      database.close();
      release();
    }
    // What makes this worth a test: without being told, this SQLite opens the same file at NORMAL.
    const untold = new Database(databasePath(folder));
    untold.prepare('SELECT count(*) FROM block').get();
    expect(untold.pragma('synchronous', { simple: true })).toBe(1);
    untold.close();
  });

  test('nothing acknowledged is missing after kill -9', async () => {
    const script = join(import.meta.dirname, 'append-forever.ts');
    const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const acknowledged: string[] = [];
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        if (acknowledged.length === 300) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    } finally {
      child.kill('SIGKILL');
    }
    expect(child.signalCode).toBe('SIGKILL');
    expect(acknowledged.length).toBeGreaterThanOrEqual(300);
    const store = await open();
    for (const id of acknowledged) expect(await store.readTrace(traceId(id)), id).toHaveLength(1);
    expect((await store.status()).spans).toBeGreaterThanOrEqual(acknowledged.length);
  });

  test('a full disk refuses appends, keeps what is stored, and recovers', async ({ skip }) => {
    const unmount = mountSmallDisk(folder, 'size=16m');
    if (unmount === null) skip('mounting a small disk needs root');
    try {
      writeFileSync(join(folder, 'filler'), Buffer.alloc(10_000_000));
      const store = await open();
      const request = (id: number) =>
        makeRequest({ trace: id.toString(16), attributes: { filler: 'x'.repeat(50_000) } });
      let stored = 0;
      const fill = async () => {
        for (; stored < 1000; stored++) await store.append(request(stored + 1));
      };
      await expect(fill()).rejects.toBeInstanceOf(StoreUnavailable);
      expect(stored).toBeGreaterThan(0);
      expect((await store.status()).spans).toBe(stored);
      expect(await store.readTrace(traceId(stored.toString(16)))).toHaveLength(1);
      rmSync(join(folder, 'filler'));
      expect(await store.append(request(stored + 1))).toMatchObject({ stored: 1 });
      await store.close();
    } finally {
      unmount?.();
    }
  });
});

describe('retention', () => {
  test('a clock that is set back makes nothing disappear that is still needed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const writer = openWriter(folder);
    try {
      const write = async (trace: string, atUnixMs: number) => {
        vi.setSystemTime(atUnixMs);
        const bytes = makeRequest({ trace, service: `service of ${trace}` });
        await writer.append({ bytes, lengths: [bytes.length] });
        writer.settle();
      };
      await write('a', NOON_UNIX_MS - 7_200_000);
      await write('b', NOON_UNIX_MS);
      await write('c', NOON_UNIX_MS - 3_600_000);
      const limits = { arrivedBeforeUnixMs: NOON_UNIX_MS - 7_000_000, keepBytes: 1e9 };
      expect(await writer.dropSlice(limits)).toEqual({ dropped: 1, more: true });
      expect(await writer.dropSlice(limits)).toEqual({ dropped: 0, more: false });
      // What arrived in the future ages from now on.
      const now = { arrivedBeforeUnixMs: NOON_UNIX_MS - 3_600_000 + 1, keepBytes: 1e9 };
      const reader = openForReading(folder);
      const methods = createReader(reader, folder, () => {});
      const readTrace = methods['readTrace'] as unknown as (id: string) => Span[];
      const services = ['a', 'b', 'c'].map((id) => readTrace(traceId(id)).map(serviceOf));
      expect(services).toEqual([[], ['service of b'], ['service of c']]);
      // What nothing refers to any more is gone with it.
      const left = reader.prepare('SELECT service FROM operation ORDER BY service').pluck().all();
      expect(left).toEqual(['service of b', 'service of c']);
      expect(await writer.dropSlice(now)).toEqual({ dropped: 1, more: true });
      expect(await writer.dropSlice(now)).toEqual({ dropped: 1, more: true });
      reader.close();
    } finally {
      vi.useRealTimers();
      writer.close();
    }
  });
});

describe('opening', () => {
  test('a folder that does not exist is made', async () => {
    const store = await open(join(folder, 'a', 'b'));
    expect((await store.status()).spans).toBe(0);
  });

  test('a file that is no database is refused and left alone', async () => {
    writeFileSync(databasePath(folder), 'hello '.repeat(1000));
    expect(await openError()).toMatch(/not a database/);
    // The lock is gone again.
    rmSync(databasePath(folder));
    await open();
  });

  test('another program’s database is refused', async () => {
    new Database(databasePath(folder)).exec('CREATE TABLE notes (text)').close();
    expect(await openError()).toMatch(/another program/);
  });

  test('a store written by a newer collector is refused, and says so', async () => {
    const { database, release } = openForWriting(folder);
    database.pragma('user_version = 99');
    database.close();
    release();
    expect(await openError()).toMatch(/version 99, expected \d+; use the newer collector/);
  });

  test('a path that is a file is refused', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await openError(file)).toMatch(/EEXIST|ENOTDIR/);
  });

  test('a folder that cannot be made is refused', async () => {
    expect(await openError('/proc/sockeye/data')).toMatch(/expected a folder that can be written/);
  });

  test('a folder that cannot be written is refused', async ({ skip }) => {
    // Rights do not stop root; a read-only disk does.
    const isRoot = process.getuid?.() === 0;
    const unmount = isRoot ? mountSmallDisk(folder, 'ro') : () => chmodSync(folder, 0o700);
    if (unmount === null) skip('mounting a read-only disk is not allowed here');
    if (!isRoot) chmodSync(folder, 0o500);
    try {
      expect(await openError()).toMatch(/CANTOPEN|READONLY/);
    } finally {
      unmount?.();
    }
  });

  test('a folder in use is refused until its collector has closed', async () => {
    const first = await open();
    expect(await openError()).toMatch(/another collector is using/);
    await first.close();
    await open();
  });
});

describe('threads', () => {
  test('a search is stopped while it runs, and appends are not held up by it', async () => {
    const store = await open();
    const spans = Array.from({ length: 500 }, (_, i) => ({
      trace: (i + 1).toString(16),
      attributes: { text: `${i} `.repeat(2000) },
    }));
    await store.append(makeRequest(...spans));
    // A minute's work: each pattern reads all of each text, and none matches.
    const slow = Array.from({ length: 50 }, (_, i) => `text~(a|b|[0-9\\s])*[x-z]${i}$`).join(' OR ');
    const gone = new AbortController();
    let isOver = false;
    const search = store
      .searchTraces(
        { range: AROUND_NOON, term: parseQuery(slow), sort: 'newest', limit: 20, cursor: null },
        gone.signal,
      )
      .finally(() => (isOver = true));
    search.catch(() => {});
    expect(await store.append(makeRequest({ trace: 'ffff' }))).toMatchObject({ stored: 1 });
    expect(isOver).toBe(false);
    gone.abort();
    await expect(search).rejects.toMatchObject({ name: 'Cancelled' });
    expect((await store.status()).spans).toBe(501);
  });

  test('the threads start from a build, where there is only JavaScript', () => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const out = join(folder, 'dist');
    const build = spawnSync(
      process.execPath,
      [tsc, '-p', join(root, 'collector/tsconfig.json'), '--outDir', out, '--declaration', 'false'],
      { encoding: 'utf8' },
    );
    expect(build.stdout + build.stderr).toBe('');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    mkdirSync(join(folder, 'data'));
    const program = `
      const { openStore } = await import(${JSON.stringify(join(out, 'store/sqlite/open-store.js'))});
      const store = await openStore({ folder: ${JSON.stringify(join(folder, 'data'))} });
      console.log(JSON.stringify(await store.append(new Uint8Array())));
      await store.close();`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toMatchObject({ stored: 0 });
  }, 120_000);
});

/** A disk of its own in memory; returns how to remove it, or null where mounting is not allowed. */
function mountSmallDisk(at: string, options: string): (() => void) | null {
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', at]);
  return mount.status === 0 ? () => void spawnSync('umount', ['--lazy', at]) : null;
}
