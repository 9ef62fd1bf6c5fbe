/** Where traces are, and what searches read of every block, is read before it is asked for. */
import { expect, onTestFinished, test } from 'vitest';
import { openForReading } from '../../collector/store/sqlite/open-database.ts';
import { createUnits } from '../../collector/store/sqlite/read/units.ts';
import { makeRequests } from '../benchmark/workload/make-requests.ts';
import { folder } from './new-folder.ts';
import { writeBlocks, writing } from './write-blocks.ts';

test.each(['learnTraces', 'learnLists'] as const)(
  '%s: a few blocks at a time, the newest first, and past those that cannot be read',
  (learn) => {
    writing(folder, (database) => {
      // Blocks without their parts: whichever is read says that it is damaged.
      const insert = database.prepare(`INSERT INTO block VALUES (?, 'recent', 1, 1, 1, 1, ?, ?, ?, ?)`);
      for (let id = 1; id <= 20; id++) insert.run(id, id, id, id, id);
    });
    const reading = openForReading(folder);
    onTestFinished(() => void reading.close());
    const read: string[] = [];
    const units = createUnits(reading, (what) => read.push(what.split(':')[0]!));
    const steps = [0, 8, 16, 24].map((known) => [units[learn](known), read.splice(0)]);
    const blocks = (from: number, to: number) =>
      Array.from({ length: from - to + 1 }, (_, index) => `block ${from - index}`);
    expect(steps).toEqual([
      [8, blocks(20, 13)],
      [16, blocks(12, 5)],
      [null, blocks(4, 1)],
      [null, []],
    ]);
  },
);

test('lists that were learnt are not read again', () => {
  const workload = {
    seed: 3,
    spans: 18_000,
    failedShare: 0,
    startUnixMs: Date.now() - 60_000,
    spreadMs: 60_000,
  };
  const requests = [...makeRequests(workload, { spansPerRequest: 512 })].map(({ bytes }) => bytes);
  writeBlocks(folder, [requests]);
  const reading = openForReading(folder);
  onTestFinished(() => void reading.close());
  const units = createUnits(reading, (what) => expect.unreachable(what));
  expect(units.learnLists(0)).toBe(null);
  writing(folder, (database) => void database.exec('DELETE FROM block_part'));
  const [block] = units.all();
  const id = block!.slow()!.traceIdOf(0);
  expect(block!.directory().granulesOf(id)).not.toEqual([]);
  expect(block!.values()!.isUnknown('url.path')).toBe(false);
});
