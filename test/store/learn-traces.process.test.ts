/** Where traces are is read before one is asked for. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openForReading, openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { createUnits } from '../../collector/store/sqlite/read/units.ts';

test('a few blocks at a time, the newest first, and past those that cannot be read', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-learn-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const { database, release } = openForWriting(folder);
  // Blocks without their parts: whichever is read says that it is damaged.
  const insert = database.prepare(`INSERT INTO block VALUES (?, 'recent', 1, 1, 1, 1, ?, ?, ?, ?)`);
  for (let id = 1; id <= 20; id++) insert.run(id, id, id, id, id);
  database.close();
  release();
  const reading = openForReading(folder);
  onTestFinished(() => void reading.close());
  const read: string[] = [];
  const units = createUnits(reading, (what) => read.push(what.split(':')[0]!));
  const steps = [0, 8, 16, 24].map((known) => [units.learnTraces(known), read.splice(0)]);
  const blocks = (from: number, to: number) =>
    Array.from({ length: from - to + 1 }, (_, index) => `block ${from - index}`);
  expect(steps).toEqual([
    [8, blocks(20, 13)],
    [16, blocks(12, 5)],
    [null, blocks(4, 1)],
    [null, []],
  ]);
});
