/**
 * The full run of the crash tests: `npm run test:crash`, some minutes. CI runs a short one (crash.process.test.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runKillRounds } from './kill-rounds.ts';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    kills: { type: 'string', default: '20' },
    spans: { type: 'string', default: '100000' },
  },
});
const folder = mkdtempSync(join(tmpdir(), 'sockeye-crash-'));
try {
  const report = await runKillRounds({
    folder,
    seed: Number(flags.seed),
    kills: Number(flags.kills),
    spans: Number(flags.spans),
    log: (line) => console.log(line),
  });
  console.log(report);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
