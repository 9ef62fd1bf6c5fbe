/**
 * What a span costs the writer, step by step: `node test/benchmark/writer.bench.ts`. One thread, a real file; CPU time,
 * the workload of the other benchmarks. Commits of `--group` requests, a fold at `--rows` rows.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openForWriting } from '../../collector/store/sqlite/open-database.ts';
import { createRollupAbsorber } from '../../collector/store/sqlite/write/absorb-rollups.ts';
import { createAppend } from '../../collector/store/sqlite/write/append.ts';
import { fold } from '../../collector/store/sqlite/write/fold.ts';
import { createInterner } from '../../collector/store/sqlite/write/interner.ts';
import type { Steps } from '../../collector/store/sqlite/write/jobs.ts';
import { createWriterParts } from '../../collector/store/sqlite/write/parts.ts';
import { RecentRequests } from '../../collector/store/sqlite/write/recent-requests.ts';
import { FOLD_ROWS, Unfolded } from '../../collector/store/sqlite/write/unfolded.ts';
import { createUpkeep } from '../../collector/store/sqlite/write/upkeep.ts';
import { json, number, readFlags, seed } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';
import { alignTable, short } from './table.ts';
import { makeRequests } from './workload/make-requests.ts';

const flags = readFlags('node test/benchmark/writer.bench.ts', {
  spans: number(1_000_000, 'in all'),
  failed: number(0.001, 'share of the calls that fail', 0),
  'per-request': number(512, 'spans in a request'),
  group: number(16, 'requests of a commit'),
  rows: number(FOLD_ROWS, 'spans of a fold'),
  seed,
  json,
});

interface Cost {
  cpuMs: number;
  /** The longest that a commit had to wait for it. */
  worstMs: number;
}
const costs = new Map<string, Cost>();

function timed<T>(name: string, work: () => T): T {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  const cost = costs.get(name) ?? { cpuMs: 0, worstMs: 0 };
  const cpuMs = (user + system) / 1e3;
  costs.set(name, { cpuMs: cost.cpuMs + cpuMs, worstMs: Math.max(cost.worstMs, cpuMs) });
  return result;
}

function finish(name: string, steps: Steps<unknown>): void {
  while (timed(name, () => steps.next().done) !== true);
}

const folder = mkdtempSync(join(tmpdir(), 'sockeye-writer-'));
const { database, release } = openForWriting(folder);
const parts = createWriterParts(database);
const rollups = createRollupAbsorber(database);
const upkeep = createUpkeep(database, folder);
const commit = createAppend({ database, interner: createInterner(database), recent: new RecentRequests() });
const unfolded = new Unfolded();
const workload = {
  seed: flags.seed,
  spans: flags.spans,
  failedShare: flags.failed,
  startUnixMs: Date.now(),
  // As fast as a collector takes them.
  spreadMs: flags.spans / 200,
};
let spans = 0;
let group: Buffer[] = [];

function commitGroup(): void {
  timed('commit', () => commit(unfolded, group));
  group = [];
  if (unfolded.table.rows >= flags.rows) foldAll();
}
function foldAll(): void {
  finish('fold', fold(parts, unfolded));
  unfolded.clear();
  if (rollups.waiting() > 16) finish('absorb', rollups.absorb());
  timed('checkpoint', () => upkeep.checkpointIfLong());
}

for (const request of makeRequests(workload, { spansPerRequest: flags['per-request'] })) {
  group.push(request.bytes);
  spans += request.spans;
  if (group.length >= flags.group) commitGroup();
}
commitGroup();
foldAll();
finish('absorb', rollups.absorb());
timed('tidy', () => {
  while (upkeep.freeBytes() > 0) upkeep.giveBackSlice();
  upkeep.truncateLog();
});
database.close();
release();
const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
rmSync(folder, { recursive: true });

const steps = [...costs].map(([name, { cpuMs, worstMs }]) => ({
  name,
  microseconds: (cpuMs * 1e3) / spans,
  worstMs,
}));
const total = steps.reduce((sum, { microseconds }) => sum + microseconds, 0);
if (flags.json)
  console.log(JSON.stringify({ ...describeMachine(), spans, steps, total, bytesPerSpan: bytes / spans }));
else {
  const rows = steps.map(({ name, microseconds, worstMs }) => [
    name,
    short(microseconds),
    `${worstMs.toFixed(0)} ms`,
  ]);
  console.log(machineLine(describeMachine()));
  console.log(alignTable([['', 'CPU µs/span', 'longest step'], ...rows, ['all', short(total), '']]));
  console.log(`${spans} spans, ${(bytes / spans).toFixed(1)} bytes each`);
}
