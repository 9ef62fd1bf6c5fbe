/** A short run of the crash tests; the long one is `npm run test:crash`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mountSmallDisk, refuseWrites, runFailingDisk } from './failing-disk.ts';
import { runKillRounds } from './kill-rounds.ts';
import { runPowerCut } from './power-cut.ts';

/** They compare every span of many, on whatever machine. */
const timeout = 300_000;
const SMALL_DISK_BYTES = 128e6;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-crash-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('kill -9 at any moment loses and doubles nothing that was acknowledged', { timeout }, async () => {
  const report = await runKillRounds({ folder, seed: 2, kills: 3, spans: 5_000, log: () => {} });
  expect(report.faults).toEqual([]);
  expect(report.acknowledgedSpans).toBeGreaterThan(0);
});

test('a power cut loses nothing that was acknowledged', { timeout }, async ({ skip }) => {
  const report = await runPowerCut(folder, 2, 5_000);
  if (report === null) return skip('making and mounting a file system needs root on Linux');
  expect(report.faults).toEqual([]);
  expect(report.acknowledgedSpans).toBeGreaterThan(0);
});

test(
  'a full disk: senders are told to retry, what is stored is served, and space is enough to go on',
  { timeout },
  async ({ skip }) => {
    const disk = mountSmallDisk(folder, SMALL_DISK_BYTES);
    if (disk === null) return skip('mounting a small disk needs root on Linux');
    try {
      const report = await runFailingDisk(disk, 2, 3_000);
      expect(report.faults).toEqual([]);
      expect(report.said.join('\n')).toMatch(/disk .* is full/);
    } finally {
      disk.unmount();
    }
  },
);

test('a disk that refuses to write: the same, and it recovers by itself', { timeout }, async ({ skip }) => {
  const disk = refuseWrites(folder);
  if (disk === null) return skip('needs prlimit');
  const report = await runFailingDisk(disk, 2, 3_000);
  expect(report.faults).toEqual([]);
  expect(report.said.join('\n')).toMatch(/disk .* fails/);
});
