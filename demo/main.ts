/** The demo's life: collector, shop, traffic, faults that come and go; at the end everything in reverse. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from './collector.ts';
import { faults, type Stage } from './faults.ts';
import { readOptions, usage, type Options } from './options.ts';
import { createProcesses, type Processes } from './processes.ts';
import { services, startShop } from './shop.ts';
import { startTraffic } from './traffic.ts';

const calmMs = 5000;
const faultMs = 12_000;
const serviceLinesMax = 200;

function say(text: string): void {
  console.log(`${new Date().toLocaleTimeString('en-GB')}  ${text}`);
}

/** Prints what children write and when they die; a service that repeats itself is cut off. */
function createReport(): (name: string, text: string) => void {
  let lines = 0;
  return (name, text) => {
    lines += 1;
    if (lines <= serviceLinesMax) say(`${name}: ${text}`);
    if (lines === serviceLinesMax) say('more lines of the services are not shown');
  };
}

/** Plays the faults one after the other, with calm between, until the signal; once through when `once`. */
async function playFaults(stage: Stage, { names, once }: Options, signal: AbortSignal): Promise<void> {
  const chosen = names ? faults.filter(({ name }) => names.includes(name)) : faults;
  const rounds = once ? 1 : Infinity;
  for (let round = 0; round < rounds; round++) {
    for (const { name, happens, lookFor, start } of chosen) {
      await sleep(calmMs, undefined, { signal });
      say(`fault on   ${name}: ${happens}`);
      say(`look for   ${lookFor}`);
      const end = await start(stage);
      try {
        await sleep(faultMs, undefined, { signal });
      } finally {
        await end();
      }
      const { answered, failed } = stage.traffic.counts;
      say(`fault off  ${name}; so far ${answered} requests answered, ${failed} failed`);
    }
  }
  // What the last fault broke is still on its way to the collector.
  await sleep(calmMs, undefined, { signal });
}

function introduce(page: string | undefined, gatewayUrl: string): void {
  const lines = Object.entries(services).map(([name, { about, hook }]) => {
    return `  ${name.padEnd(10)} ${about}${hook ? '' : ' (no hook)'}`;
  });
  console.log(['', 'The shop is open:', ...lines, '', `  Shop   ${gatewayUrl}`].join('\n'));
  console.log(page ? `  Page   ${page}\n` : '');
  console.log('Ctrl+C ends everything.\n');
}

async function run(options: Options, processes: Processes, signal: AbortSignal): Promise<void> {
  const collector = options.sendTo
    ? { otlpEndpoint: options.sendTo, page: undefined }
    : await startCollector(processes, options.collectorArgs);
  const shop = await startShop(processes, collector.otlpEndpoint);
  introduce(collector.page, shop.gatewayUrl);
  const traffic = startTraffic(shop.gatewayUrl, options.seed);
  try {
    await playFaults({ shop, processes, traffic }, options, signal);
  } finally {
    traffic.stop();
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if ('help' in options) {
    console.log(usage);
    return 0;
  }
  if ('error' in options) {
    console.error(`${options.error}\n\n${usage}`);
    return 2;
  }

  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => ending.abort());
  }
  if (options.seconds !== undefined) setTimeout(() => ending.abort(), options.seconds * 1000).unref();

  const processes = createProcesses(createReport());
  try {
    await run(options, processes, ending.signal);
    return 0;
  } catch (error) {
    if (ending.signal.aborted) return 0;
    console.error(`demo: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    say('ending');
    await processes.endAll();
  }
}

process.exitCode = await main();
