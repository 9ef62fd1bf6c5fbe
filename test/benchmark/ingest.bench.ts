/**
 * How fast the collector takes spans, and what that costs: `npm run bench:ingest`, with `--json` for programs.
 *
 * Each mode is some rounds of: the bare grpc-js server, then a collector on an empty folder, the same requests to both.
 * Printed are the medians; ratios are made within a round, because machines have good and bad minutes.
 */
import { runRound, type Load, type Round } from './store/ingest-round.ts';
import { choices, json, number, readFlags, seed } from './flags.ts';
import { describeMachine, machineLine } from './machine.ts';
import { alignTable, medians, megabytes, short } from './table.ts';

const USUAL: Omit<Load, 'spans'> = { failedShare: 0.001, spansPerRequest: 512, connections: 8, inFlight: 16 };
const modeNames = ['usual', 'none', 'failed', 'small', 'connections'] as const;
type Mode = (typeof modeNames)[number];
const MODES: Readonly<Record<Mode, Partial<Load>>> = {
  usual: {},
  none: { failedShare: 0 },
  failed: { failedShare: 0.03 },
  small: { spansPerRequest: 10, inFlight: 64 },
  connections: { connections: 2_000, inFlight: 256 },
};

const flags = readFlags('npm run bench:ingest --', {
  modes: choices(modeNames),
  spans: number(1_000_000, 'of a round'),
  rounds: number(3, 'of each mode'),
  failed: number(undefined, "share of the calls that fail; instead of the modes', like the next three", 0),
  'per-request': number(undefined, 'spans in a request'),
  connections: number(undefined, 'that requests are spread over'),
  'in-flight': number(undefined, 'requests that wait for their acknowledgement'),
  seed,
  json,
});

interface Measured {
  readonly load: Load;
  /** Medians. */
  readonly receivers: Round;
  readonly ratios: { readonly rate: number; readonly cpu: number };
}

function loadOf(mode: Mode): Load {
  const load = { ...USUAL, ...MODES[mode] };
  return {
    spans: flags.spans,
    failedShare: flags.failed ?? load.failedShare,
    spansPerRequest: flags['per-request'] ?? load.spansPerRequest,
    connections: flags.connections ?? load.connections,
    inFlight: flags['in-flight'] ?? load.inFlight,
  };
}

async function measure(load: Load): Promise<Measured> {
  const rounds: Round[] = [];
  for (let round = 0; round < flags.rounds; round++) {
    rounds.push(await runRound(load, flags.seed + round));
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
  const machine = describeMachine();
  if (!flags.json) console.log(machineLine(machine));
  const measured: Partial<Record<Mode, Measured>> = {};
  for (const mode of flags.modes) {
    const result = await measure(loadOf(mode));
    measured[mode] = result;
    // What is printed below, as it comes.
    if (!flags.json) console.error(alignTable([HEAD, rowOf(mode, result)]));
  }
  const { failed, none } = measured;
  const failedToNone =
    failed && none ? failed.receivers.collector.cpuUsPerSpan / none.receivers.collector.cpuUsPerSpan : null;
  if (flags.json) return console.log(JSON.stringify({ machine, modes: measured, failedToNone }, null, 2));
  console.log(`\n${alignTable([HEAD, ...flags.modes.map((mode) => rowOf(mode, measured[mode]!))])}`);
  if (failedToNone !== null) console.log(`CPU with failed calls, against none: ${short(failedToNone)}x`);
}

await main();
