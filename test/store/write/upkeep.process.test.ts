/** The write-ahead log stays short under readers that never all pause: other threads, as in the collector. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { databasePath, openForWriting } from '../../../collector/store/sqlite/open-database.ts';
import { createUpkeep } from '../../../collector/store/sqlite/write/upkeep.ts';

/** Reads of some milliseconds, one after the other: with three such threads, one is always within a read. */
const READ_WITHOUT_PAUSE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const Database = require(workerData.driver);
  const database = new Database(workerData.path, { readonly: true });
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const isEnough = new Int32Array(workerData.isEnough);
  const read = database.prepare('SELECT length(bytes) FROM filler');
  const reads = database.transaction(() => {
    read.get();
    Atomics.wait(pause, 0, 0, 5);
  });
  reads();
  parentPort.postMessage('reading');
  while (Atomics.load(isEnough, 0) === 0) reads();
  database.close();`;

test('the log begins anew although readers follow each other without a gap', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-upkeep-'));
  const { database, release } = openForWriting(folder);
  const isEnough = new SharedArrayBuffer(4);
  const readers: Worker[] = [];
  onTestFinished(async () => {
    Atomics.store(new Int32Array(isEnough), 0, 1);
    await Promise.all(readers.map((reader) => reader.terminate()));
    database.close();
    release();
    rmSync(folder, { recursive: true });
  });
  database.exec('CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(1000))');
  const driver = new URL(import.meta.resolve('better-sqlite3')).pathname;
  const path = databasePath(folder);
  for (let count = 0; count < 3; count++) {
    const reader = new Worker(READ_WITHOUT_PAUSE, { eval: true, workerData: { driver, path, isEnough } });
    readers.push(reader);
    await new Promise((resolve, reject) => reader.once('message', resolve).once('error', reject));
  }

  const upkeep = createUpkeep(database, folder);
  const write = database.prepare('UPDATE filler SET bytes = randomblob(2000000)');
  let longestBytes = 0;
  for (let count = 0; count < 200; count++) {
    write.run();
    upkeep.checkpointIfLong();
    longestBytes = Math.max(longestBytes, statSync(`${path}-wal`).size);
  }
  // 400 MB were written.
  expect(longestBytes).toBeGreaterThan(32e6);
  expect(longestBytes).toBeLessThan(200e6);
});
