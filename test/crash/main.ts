/**
 * The full run of the crash tests, some minutes long: `npm run test:crash`. CI runs a short one (crash.process.test.ts).
 * Exit 1 when anything is not as it must be.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readNumber } from '../benchmark/read-number.ts';
import { runDamage } from './damaged-file.ts';
import { mountSmallDisk, refuseWrites, runFailingDisk } from './failing-disk.ts';
import { runKillRounds } from './kill-rounds.ts';
import { runPowerCut } from './power-cut.ts';

const HELP = `Usage: npm run test:crash -- [FLAGS]

  --parts LIST   of kill,full-disk,write-error,power-cut,damage (all)
  --seed N       (1)
  --kills N      (20)
  --cuts N       power cuts (5)
  --damages N    (20)
  --spans N      sent at most between two kills, and before a disk fails or is damaged (50000)
`;

const { values: flags } = parseArgs({
  options: {
    parts: { type: 'string', default: 'kill,full-disk,write-error,power-cut,damage' },
    seed: { type: 'string', default: '1' },
    kills: { type: 'string', default: '20' },
    cuts: { type: 'string', default: '5' },
    damages: { type: 'string', default: '20' },
    spans: { type: 'string', default: '50000' },
    help: { type: 'boolean', default: false },
  },
});
const seed = readNumber('seed', flags.seed, 0);
const spans = readNumber('spans', flags.spans);
const log = (line: string): void => console.log(line);
const SMALL_DISK_BYTES = 256e6;
const SKIPPED = { skipped: 'needs root on Linux', faults: [] };

/** Each resolves with a report whose `faults` say what is wrong. */
const PARTS: Readonly<Record<string, (folder: string) => Promise<{ readonly faults: readonly string[] }>>> = {
  kill: (folder) => runKillRounds({ folder, seed, kills: readNumber('kills', flags.kills), spans, log }),
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
    for (let cut = 0; cut < readNumber('cuts', flags.cuts); cut++) {
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
  damage: (folder) => runDamage({ folder, seed, cases: readNumber('damages', flags.damages), spans, log }),
};

async function runPart(name: string): Promise<number> {
  const run = PARTS[name];
  if (run === undefined)
    throw new Error(`--parts: got ${name}, expected some of ${Object.keys(PARTS).join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-crash-'));
  try {
    const report = await run(folder);
    console.log(`${name}:`, report);
    return report.faults.length;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (flags.help) {
  console.log(HELP);
} else {
  let faults = 0;
  for (const part of flags.parts.split(',')) faults += await runPart(part);
  process.exitCode = faults === 0 ? 0 : 1;
}
