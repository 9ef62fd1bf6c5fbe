/** `sockeye run -- PROGRAM`: a program with the hook loaded, that sends to a collector; everything else is the program's. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../config.ts';
import { hookPath } from '../places.ts';
import type { Status } from '../serve/wire.ts';
import {
  COLLECTOR_FLAGS,
  COLLECTOR_HELP,
  CollectorError,
  exitOf,
  findCollector,
  readText,
  type Collector,
} from './ask-collector.ts';
import { parseFlags } from './flags.ts';
import { hookedEnvironment, isBeyondReach, namesEndpoint, otlpEndpoint } from './hooked-environment.ts';
import { printable } from './terminal.ts';

const FLAGS = { ...COLLECTOR_FLAGS, service: { type: 'string' }, help: { type: 'boolean' } } as const;
const EXIT_SIGNAL = 128;
/** As a shell has them. */
const EXIT_CANNOT_RUN = 126;
const EXIT_NOT_FOUND = 127;
/** A program does not wait for a collector. */
const STATUS_MS = 2_000;
/** What a terminal sends by itself to all that run in it. */
const OF_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGHUP'];
const PASSED_ON: readonly NodeJS.Signals[] = [...OF_TERMINAL, 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];

const USAGE = `Usage: sockeye run [FLAGS] -- PROGRAM [ARGUMENTS]

  sockeye run -- node app.js
  sockeye run --service checkout -- npm start

Runs a program with the hook loaded into every Node process of it, which sends to a running collector. Input, output,
signals and exit code are the program's. It sets NODE_OPTIONS, keeping what is there, OTEL_EXPORTER_OTLP_ENDPOINT unless
an endpoint is set, and with a token OTEL_EXPORTER_OTLP_HEADERS unless they are. Without a collector, or without the
hook, it says so and the program runs.

  --service NAME              OTEL_SERVICE_NAME; else what is set, or the name in package.json
${COLLECTOR_HELP}`;

/** Returns the program's exit code; 128 and the signal's number when a signal ended it. */
export async function runRun(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const flags = split < 0 ? args : args.slice(0, split);
  if (flags.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const [program, ...rest] = split < 0 ? [] : args.slice(split + 1);
    if (program === undefined)
      throw new ConfigError('run: got no program, expected one behind --, as in: sockeye run -- node app.js');
    const { values } = parseFlags('run', flags, FLAGS);
    if (values.service?.trim() === '')
      throw new ConfigError('--service: got nothing, expected the name of the service');
    const collector = findCollector(values, process.env);
    const hook = hookPath() ?? hookOf(process.cwd());
    if (hook === null)
      say(
        'got no package @sockeye/instrumentation beside this command or here, expected the hook: npm install it; the program runs unrecorded',
      );
    const named = namesEndpoint(process.env);
    if (hook !== null && named !== null && values.url !== undefined)
      say(`got --url and ${named}, expected one of them: spans go where ${named} says`);
    const endpoint = hook === null || named !== null ? null : await findEndpoint(collector);
    const environment =
      hook === null
        ? process.env
        : hookedEnvironment(process.env, {
            hook,
            endpoint,
            service: values.service ?? null,
            token: collector.token,
          });
    return await runProgram(program, rest, environment);
  } catch (error) {
    return exitOf('run', error);
  }
}

function say(text: string): void {
  console.error(`sockeye: run: ${text}`);
}

/** Of a program that has the hook among its own packages. */
function hookOf(folder: string): string | null {
  try {
    return createRequire(join(folder, 'package.json')).resolve('@sockeye/instrumentation/register');
  } catch {
    return null;
  }
}

/** Where a collector would be when none answers: it may come later, and the hook tries again. */
async function findEndpoint(collector: Collector): Promise<string> {
  try {
    const signal = AbortSignal.timeout(STATUS_MS);
    const status = JSON.parse(await readText(await collector.ask('/api/status', {}, { signal }))) as Status;
    const endpoint = otlpEndpoint(status.addresses, collector.url, process.env);
    if (isBeyondReach(endpoint, collector.url))
      say(
        `got a collector that takes spans at ${printable(endpoint)} of its own machine, expected an address that is reached from here; unless that is this machine spans will not arrive: start the collector with --otlp-grpc 0.0.0.0:4317 --otlp-http 0.0.0.0:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT`,
      );
    return endpoint;
  } catch (error) {
    const isKnown = error instanceof CollectorError || error instanceof SyntaxError;
    if (!isKnown) throw error;
    say(`${error.message}\nsockeye: run: the program runs; its spans are lost until a collector takes them`);
    return otlpEndpoint(null, collector.url, process.env);
  }
}

function runProgram(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', env: environment });
    // A terminal sends its signals to the program as well, and twice is not what was meant.
    const hadByProgram = hasTerminal() ? OF_TERMINAL : [];
    for (const signal of PASSED_ON) {
      process.on(signal, () => void (hadByProgram.includes(signal) || child.kill(signal)));
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      say(
        `got ${error.code ?? error.message} for "${printable(program)}", expected a program that can be run${isMissing ? ', on the PATH' : ''}`,
      );
      resolve(isMissing ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN);
    });
    child.on('exit', (code, signal) => {
      resolve(code ?? EXIT_SIGNAL + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/** One that sends signals to us, wherever input and output go. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return process.stdin.isTTY === true;
  }
}
