/**
 * How fast the collector takes spans, and what that costs: `npm run bench:ingest`, with `--json` for programs.
 *
 * Each mode is some rounds of: the bare grpc-js server, then a collector on an empty folder, the same requests to both.
 * Printed are the medians; ratios are made within a round, because machines have good and bad minutes.
 */
import { parseArgs } from 'node:util';
import { runRound, type Load, type Round } from './store/ingest-round.ts';
import { describeMachine, machineLine } from './machine.ts';
import { readNumber } from './read-number.ts';
import { alignTable, medians, megabytes, short } from './table.ts';

const HELP = `Usage: npm run bench:ingest -- [FLAGS]

  --modes LIST        of usual,none,failed,small,connections (all)
  --spans N           per round (1000000)
  --rounds N          (3)
  --seed N            (1)
  --failed SHARE      of the calls; instead of the modes', like the next three
  --per-request N     spans in a request
  --connections N
  --in-flight N       requests that wait for their acknowledgement
  --json
`;

const USUAL: Omit<Load, 'spans'> = { failedShare: 0.001, spansPerRequest: 512, connections: 8, inFlight: 16 };
const MODES: Readonly<Record<string, Partial<Load>>> = {
  usual: {},
  none: { failedShare: 0 },
  failed: { failedShare: 0.03 },
  small: { spansPerRequest: 10, inFlight: 64 },
  connections: { connections: 2_000, inFlight: 256 },
};

const { values: flags } = parseArgs({
  options: {
    modes: { type: 'string', default: Object.keys(MODES).join(',') },
    spans: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    failed: { type: 'string' },
    'per-request': { type: 'string' },
    connections: { type: 'string' },
    'in-flight': { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Measured {
  readonly load: Load;
  /** Medians. */
  readonly receivers: Round;
  readonly ratios: { readonly rate: number; readonly cpu: number };
}

function loadOf(mode: string): Load {
  const base = MODES[mode];
  if (base === undefined) {
    throw new Error(`--modes: got ${mode}, expected some of ${Object.keys(MODES).join(', ')}`);
  }
  return {
    ...USUAL,
    spans: readNumber('spans', flags.spans),
    ...base,
    ...(flags.failed !== undefined && { failedShare: readNumber('failed', flags.failed, 0) }),
    ...(flags['per-request'] !== undefined && {
      spansPerRequest: readNumber('per-request', flags['per-request']),
    }),
    ...(flags.connections !== undefined && { connections: readNumber('connections', flags.connections) }),
    ...(flags['in-flight'] !== undefined && { inFlight: readNumber('in-flight', flags['in-flight']) }),
  };
}

async function measure(load: Load): Promise<Measured> {
  const rounds: Round[] = [];
  const seed = readNumber('seed', flags.seed, 0);
  for (let round = 0; round < readNumber('rounds', flags.rounds); round++) {
    rounds.push(await runRound(load, seed + round));
  }
  const ratios = rounds.map(({ bare, collector }) => ({
    rate: collector.spansPerS / bare.spansPerS,
    cpu: collector.cpuUsPerSpan / bare.cpuUsPerSpan,
  }));
  return { load, receivers: medians(rounds), ratios: medians(ratios) };
}

const HEAD =
  'mode,spans/s,of bare,CPU µs/span,bare,ratio,ack p50,p99,max,bytes/span,peak,resident,backlog,idle after'.split(
    ',',
  );

function rowOf(mode: string, { receivers: { bare, collector }, ratios }: Measured): string[] {
  return [
    mode,
    short(collector.spansPerS),
    short(ratios.rate),
    short(collector.cpuUsPerSpan),
    short(bare.cpuUsPerSpan),
    short(ratios.cpu),
    `${short(collector.p50Ms)} ms`,
    `${short(collector.p99Ms)} ms`,
    `${short(collector.maxMs)} ms`,
    short(collector.bytesPerSpan),
    megabytes(collector.peakBytes),
    megabytes(collector.residentBytes),
    short(collector.backlog),
    `${short(collector.workedOnMs / 1_000)} s`,
  ];
}

async function main(): Promise<void> {
  const modes = flags.modes.split(',');
  const loads = modes.map(loadOf);
  const machine = describeMachine();
  if (!flags.json) console.log(machineLine(machine));
  const measured: Record<string, Measured> = {};
  for (const [index, mode] of modes.entries()) {
    measured[mode] = await measure(loads[index]!);
    // What is printed below, as it comes.
    if (!flags.json) console.error(alignTable([HEAD, rowOf(mode, measured[mode])]));
  }
  const { failed, none } = measured;
  const failedToNone =
    failed && none ? failed.receivers.collector.cpuUsPerSpan / none.receivers.collector.cpuUsPerSpan : null;
  if (flags.json) return console.log(JSON.stringify({ machine, modes: measured, failedToNone }, null, 2));
  console.log(`\n${alignTable([HEAD, ...modes.map((mode) => rowOf(mode, measured[mode]!))])}`);
  if (failedToNone !== null) console.log(`CPU with failed calls, against none: ${short(failedToNone)}x`);
}

if (flags.help) console.log(HELP);
else await main();
