/** A short run of the crash tests; the long one is `npm run test:crash`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runKillRounds } from './kill-rounds.ts';

const TIMEOUT_MS = 180_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-crash-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test(
  'kill -9 at any moment loses and doubles nothing that was acknowledged',
  { timeout: TIMEOUT_MS },
  async () => {
    const report = await runKillRounds({ folder, seed: 2, kills: 3, spans: 5_000, log: () => {} });
    expect(report.faults).toEqual([]);
    expect(report.acknowledgedSpans).toBeGreaterThan(0);
  },
);
