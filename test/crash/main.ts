/**
 * The full run of the crash tests, some minutes long: `npm run test:crash`. CI runs a short one (crash.process.test.ts).
 * Exit 1 when anything is not as it must be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choices, number, readFlags, seed as anySeed } from '../benchmark/flags.ts';
import { runDamage } from './damaged-file.ts';
import { mountSmallDisk, refuseWrites, runFailingDisk } from './failing-disk.ts';
import { runKillRounds } from './kill-rounds.ts';
import { runPowerCut } from './power-cut.ts';

const parts = ['kill', 'full-disk', 'write-error', 'power-cut', 'damage'] as const;
const { seed, spans, ...flags } = readFlags('npm run test:crash --', {
  parts: choices(parts),
  kills: number(20, 'times it is killed'),
  cuts: number(5, 'power cuts'),
  damages: number(20, 'times a file is damaged'),
  spans: number(50_000, 'sent at most between two kills, and before a disk fails or is damaged'),
  seed: anySeed,
});
const log = (line: string): void => console.log(line);
const SMALL_DISK_BYTES = 256e6;
const SKIPPED = { skipped: 'needs root on Linux', faults: [] };

type Part = (typeof parts)[number];

/** Each resolves with a report whose `faults` say what is wrong. */
const PARTS: Readonly<Record<Part, (folder: string) => Promise<{ readonly faults: readonly string[] }>>> = {
  kill: (folder) => runKillRounds({ folder, seed, kills: flags.kills, spans, log }),
  async 'full-disk'(folder) {
    const disk = mountSmallDisk(folder, SMALL_DISK_BYTES);
    if (disk === null) return SKIPPED;
    try {
      return await runFailingDisk(disk, seed, spans);
    } finally {
      disk.unmount();
    }
  },
  async 'write-error'(folder) {
    const disk = refuseWrites(folder);
    return disk === null ? SKIPPED : runFailingDisk(disk, seed, spans);
  },
  async 'power-cut'(folder) {
    const faults: string[] = [];
    for (let cut = 0; cut < flags.cuts; cut++) {
      const inside = mkdtempSync(join(folder, 'cut-'));
      const report = await runPowerCut(inside, seed + cut, spans);
      rmSync(inside, { recursive: true, force: true });
      if (report === null) return SKIPPED;
      const { acknowledgedSpans, requestsSentAgain } = report;
      faults.push(...report.faults);
      log(
        `cut ${cut + 1}: ${acknowledgedSpans} spans acknowledged, ${requestsSentAgain} requests sent again, ${report.faults.length} faults`,
      );
    }
    return { faults };
  },
  damage: (folder) => runDamage({ folder, seed, cases: flags.damages, spans, log }),
};

async function runPart(name: Part): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-crash-'));
  try {
    const report = await PARTS[name](folder);
    console.log(`${name}:`, report);
    return report.faults.length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

let faults = 0;
for (const part of flags.parts) faults += await runPart(part);
process.exitCode = faults === 0 ? 0 : 1;
