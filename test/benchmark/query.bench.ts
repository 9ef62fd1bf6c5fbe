/**
 * How fast the collector answers with much stored, and whether it slows with more: `npm run bench:query`, with `--json`
 * for programs.
 *
 * For each size: spans spread over seven days are loaded by way of the port (or taken from an earlier run, `--keep`);
 * then queries after a restart, warm, and beside ingest.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, number, numbers, readFlags, seed, text } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';
import { dataFolder, loadFolder, type LoadedFolder } from './store/load-folder.ts';
import { runMixedLoad, type MixedLoad } from './store/mixed-load.ts';
import { openCollector } from './store/open-collector.ts';
import { QUERY_KINDS } from './store/query-kinds.ts';
import { timeCold, timeWarm, type Latencies, type QueryTimes } from './store/time-queries.ts';
import { alignTable, megabytes, short } from './table.ts';

const flags = readFlags('npm run bench:query --', {
  spans: numbers([1_000_000, 10_000_000], 'how many are stored'),
  keep: text('DIR', undefined, 'keep what is loaded there, and use it again; each run adds a little to it'),
  samples: number(200, 'of each query'),
  starts: number(QUERY_KINDS.length, 'after each, each query is asked cold once'),
  live: number(300_000, 'spans sent beside the queries'),
  seed,
  json,
});

interface Measured {
  readonly loaded: LoadedFolder;
  readonly ready: Latencies;
  readonly queries: Readonly<Record<string, QueryTimes>>;
  readonly mixed: MixedLoad;
}

async function measure(folder: string, spans: number): Promise<Measured> {
  const loaded = await loadFolder(folder, spans, flags.seed);
  const data = dataFolder(folder);
  const { workload } = loaded;
  const cold = await timeCold(data, workload, flags.starts);
  const measured = await openCollector(data);
  try {
    const warm = await timeWarm(measured, workload, flags.samples);
    const mixed = await runMixedLoad(measured, workload, flags.live);
    await measured.stop();
    const queries = [...warm].map(([name, times]) => [name, { warm: times, cold: cold.times.get(name)! }]);
    return { loaded, ready: cold.ready, queries: Object.fromEntries(queries), mixed };
  } finally {
    await measured.kill();
  }
}

function tableOf(all: ReadonlyMap<number, Measured>): string {
  const sizes = [...all.values()];
  const [smallest, largest] = [sizes[0]!, sizes.at(-1)!];
  const head = ['', ...[...all.keys()].map((spans) => `${short(spans)} spans`), 'growth'];
  const row = (name: string, unit: string, read: (measured: Measured) => number): string[] => [
    name,
    ...sizes.map((measured) => `${short(read(measured))}${unit}`),
    sizes.length < 2 ? '' : `${short(read(largest) / read(smallest))}x`,
  ];
  const size = (name: string, read: (measured: Measured) => number): string[] => [
    name,
    ...sizes.map((measured) => megabytes(read(measured))),
    sizes.length < 2 ? '' : `${short(read(largest) / read(smallest))}x`,
  ];
  const queries = Object.keys(smallest.queries).flatMap((name) => [
    row(`${name}, p50`, ' ms', ({ queries }) => queries[name]!.warm.p50Ms),
    row(`${name}, p99`, ' ms', ({ queries }) => queries[name]!.warm.p99Ms),
    row(`${name}, CPU`, ' ms', ({ queries }) => queries[name]!.warm.cpuMs),
    row(`${name}, cold`, ' ms', ({ queries }) => queries[name]!.cold.maxMs),
  ]);
  return alignTable([
    head,
    ...queries,
    row('start until ready', ' ms', ({ ready }) => ready.p50Ms),
    row('loading, spans/s', '', ({ loaded }) => loaded.spansPerS),
    row('loading, CPU a span', ' µs', ({ loaded }) => loaded.cpuUsPerSpan),
    row('bytes a span', '', ({ loaded }) => loaded.bytesPerSpan),
    size('peak memory while loading', ({ loaded }) => loaded.peakBytes),
    row('then: ingest, CPU a span', ' µs', ({ mixed }) => mixed.cpuUsPerSpan),
    size('then: resident memory', ({ mixed }) => mixed.residentBytes),
    row('spans/s, ingest alone', '', ({ mixed }) => mixed.spansPerSAlone),
    row('spans/s, beside queries', '', ({ mixed }) => mixed.spansPerSMixed),
    row('acknowledged, alone, p99', ' ms', ({ mixed }) => mixed.acknowledgedAlone.p99Ms),
    row('acknowledged, beside queries, p99', ' ms', ({ mixed }) => mixed.acknowledgedMixed.p99Ms),
    row('acknowledged, beside queries, max', ' ms', ({ mixed }) => mixed.acknowledgedMixed.maxMs),
    row('trace by id, alone, p99', ' ms', ({ mixed }) => mixed.queriesAlone.p99Ms),
    row('trace by id, beside ingest, p99', ' ms', ({ mixed }) => mixed.queriesMixed.p99Ms),
    row('trace by id, beside ingest, max', ' ms', ({ mixed }) => mixed.queriesMixed.maxMs),
  ]);
}

async function main(): Promise<void> {
  const machine = describeMachine();
  const base = flags.keep ?? mkdtempSync(join(tmpdir(), 'sockeye-query-'));
  const all = new Map<number, Measured>();
  try {
    for (const spans of flags.spans) {
      const measured = await measure(join(base, String(spans)), spans);
      all.set(spans, measured);
      if (!flags.json) console.error(tableOf(new Map([[spans, measured]])));
    }
  } finally {
    if (flags.keep === undefined) rmSync(base, { recursive: true, force: true });
  }
  if (flags.json) return console.log(JSON.stringify({ machine, sizes: Object.fromEntries(all) }, null, 2));
  console.log(`${machineLine(machine)}\n${tableOf(all)}`);
}

await main();
