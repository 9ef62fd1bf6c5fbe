/**
 * What the hook costs a service: `npm run bench:hook`, or `node test/benchmark/hook.bench.ts [--json] [--rounds 5]
 * [--requests 20000] [--connections 16] [--modes http,fetch] [--variants bare,stock,ours] [--node PATH]
 * [--options=FLAGS]`.
 *
 * Bare, with OpenTelemetry's own instrumentation, and with the hook, in turn; each round is a ratio to the bare run of the
 * same round, and what is printed is the middle of the rounds with the lowest and highest. Absolute numbers swing with
 * the machine, the ratios much less. Exits with 1 when a span of ours is missing.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { choices, json, number, readFlags, text } from './flags.ts';
import {
  modes,
  startSurroundings,
  variants,
  type Measurement,
  type Mode,
  type Variant,
} from './hook/measure.ts';

const flags = readFlags('npm run bench:hook --', {
  modes: choices(modes),
  variants: choices(variants),
  rounds: number(5, 'of each'),
  requests: number(20_000, 'of a round'),
  connections: number(16, 'that they are sent over'),
  node: text('FILE', process.execPath, 'the Node that runs the service'),
  options: text('FLAGS', '', 'its flags, for bare too'),
  json,
});

type Rounds = Record<Variant, Measurement[]>;

/** What is compared, as the ratio to bare; start-up as the milliseconds added. */
const measures: { name: string; of: (measured: Measurement, bare: Measurement) => number; unit: string }[] = [
  { name: 'CPU per request', of: (it, bare) => it.cpuUsPerRequest / bare.cpuUsPerRequest, unit: 'x' },
  { name: 'requests/s', of: (it, bare) => it.requestsPerSecond / bare.requestsPerSecond, unit: 'x' },
  { name: 'p50', of: (it, bare) => it.p50Ms / bare.p50Ms, unit: 'x' },
  { name: 'p99', of: (it, bare) => it.p99Ms / bare.p99Ms, unit: 'x' },
  { name: 'resident memory', of: (it, bare) => it.rssBytes / bare.rssBytes, unit: 'x' },
  { name: 'start-up added', of: (it, bare) => it.firstLineMs - bare.firstLineMs, unit: ' ms' },
];

function middle(numbers: number[]): { middle: number; low: number; high: number } {
  const sorted = numbers.toSorted((a, b) => a - b);
  return { middle: sorted[sorted.length >> 1]!, low: sorted[0]!, high: sorted.at(-1)! };
}

/** Several rounds of one mode, each variant once a round. */
async function measureMode(mode: Mode, wanted: Variant[]): Promise<Rounds> {
  const rounds: Rounds = { bare: [], stock: [], ours: [] };
  const surroundings = await startSurroundings();
  const plan = {
    requests: flags.requests,
    connections: flags.connections,
    node: flags.node,
    flags: flags.options.split(' ').filter((each) => each !== ''),
  };
  try {
    for (let round = 0; round < flags.rounds; round++) {
      for (const variant of wanted) {
        rounds[variant].push(await surroundings.measure(variant, mode, plan));
        if (!flags.json) process.stderr.write('.');
      }
    }
  } finally {
    await surroundings.close();
  }
  if (!flags.json) process.stderr.write('\n');
  return rounds;
}

function compare(rounds: Rounds, variant: Variant) {
  const ratios = measures.map(({ name, of, unit }) => ({
    name,
    unit,
    ...middle(rounds[variant].map((measured, round) => of(measured, rounds.bare[round]!))),
  }));
  const sum = (of: (it: Measurement) => number) => rounds[variant].reduce((total, it) => total + of(it), 0);
  return { ratios, expectedSpans: sum((it) => it.expectedSpans), missingSpans: sum((it) => it.missingSpans) };
}

const wanted = variants.filter((variant) => variant === 'bare' || flags.variants.includes(variant));
const version = execFileSync(flags.node, ['--version'], { encoding: 'utf8' }).trim();
const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
const results: Record<string, unknown> = {};
let oursMissing = 0;
for (const mode of modes.filter((each) => flags.modes.includes(each))) {
  const rounds = await measureMode(mode, wanted);
  const compared = wanted.slice(1).map((variant) => ({ variant, ...compare(rounds, variant) }));
  const bare = rounds.bare.map((it) => it.cpuUsPerRequest);
  results[mode] = { bareCpuUsPerRequest: middle(bare).middle, compared, rounds };
  oursMissing += compared.find(({ variant }) => variant === 'ours')?.missingSpans ?? 0;
  if (flags.json) continue;
  console.log(`\n${mode}: bare takes ${middle(bare).middle.toFixed(0)} µs of CPU a request`);
  for (const { variant, ratios, expectedSpans, missingSpans } of compared) {
    for (const { name, unit, middle, low, high } of ratios) {
      const text = [middle, low, high].map((value) => value.toFixed(unit === 'x' ? 2 : 0));
      console.log(
        `  ${variant.padEnd(6)}${name.padEnd(18)}${text[0]!.padStart(6)}${unit.padEnd(4)}(${text[1]} to ${text[2]})`,
      );
    }
    console.log(`  ${variant.padEnd(6)}spans: ${expectedSpans - missingSpans} of ${expectedSpans} arrived`);
  }
}
const { rounds, requests, connections, options } = flags;
if (flags.json) {
  const plan = { node: version, options, machine, rounds, requests, connections };
  console.log(JSON.stringify({ ...plan, results }, undefined, 2));
} else
  console.log(
    `\nNode ${[version, options].join(' ').trim()}, ${machine}, ${rounds} rounds of ${requests} requests`,
  );
if (oursMissing > 0) process.exitCode = 1;
