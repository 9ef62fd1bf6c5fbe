/** `sockeye doctor URL|HOST:PORT`: where a call stops, one step at a time, and what this host's kernel knows of it. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { constants } from 'node:os';
import { ConfigError } from '../config.ts';
import { hookPath } from '../places.ts';
import { exitOf } from './ask-collector.ts';
import { conclusion, findingsAsJson, headLines, type Finding } from './doctor/conclude.ts';
import { formatStep, sayWaiting, type Asked } from './doctor/format-steps.ts';
import { judgeStep } from './doctor/judge.ts';
import { countHost, viewOwnHost, type HostCounts } from './doctor/own-host.ts';
import { proxyFor } from './doctor/proxies.ts';
import type { Order } from './doctor/reports.ts';
import { ProbeError, runProbe, type EndedStep } from './doctor/run-probe.ts';
import { parseTarget, type Target } from './doctor/target.ts';
import { durationFlag, parseFlags } from './flags.ts';
import { print } from './print-rows.ts';
import { createProgress } from './progress.ts';
import { printable, terminalOf, type Terminal } from './terminal.ts';

const FLAGS = {
  tls: { type: 'boolean' },
  method: { type: 'string' },
  header: { type: 'string', multiple: true },
  timeout: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;
const TIMEOUT_MS = 10_000;
const TIMEOUT_MS_LEAST = 100;
const TIMEOUT_MS_MAX = 600_000;
const TEXT_COLUMNS = 120;
const PROGRESS_MS = 250;
const EXIT_FAULT = 1;
const EXIT_SIGNAL = 128;

const USAGE = `Usage: sockeye doctor URL|HOST:PORT [FLAGS]

  sockeye doctor https://payments:8443/health
  sockeye doctor payments:5432
  sockeye doctor grpc://payments:50051

Calls it one step at a time, as a program with the hook would: looks up the name, connects to each of its addresses, sets up
TLS, asks; and says of each how long it took, where it stops, what the kernel of this host knows of it, what it can be and
what to check next. No collector is needed. It goes direct, by no proxy, and follows no redirection.

  --tls                       of HOST:PORT: sets up TLS; of gRPC, grpcs://HOST:PORT does
  --method METHOD             of a URL (GET); nothing is sent with it
  --header 'NAME: VALUE'      of a URL, again for more; never printed
  --timeout TIME              for each step (10s)
  --json                      what was found, as JSON
  --help                      prints this

Exit codes: 0 nothing stops it; 1 a fault was found; 2 wrong use.`;

/** Returns the exit code. */
export async function runDoctor(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  const stop = new AbortController();
  let signalled: NodeJS.Signals | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      signalled = signal;
      stop.abort();
    });
  }
  try {
    const { values, positionals } = parseFlags('doctor', args, FLAGS, { allowPositionals: true });
    const order = readOrder(values, positionals);
    return await examine(order, values.json === true, stop.signal);
  } catch (error) {
    if (signalled !== null) return EXIT_SIGNAL + constants.signals[signalled];
    if (!(error instanceof ProbeError)) return exitOf('doctor', error);
    console.error(`sockeye: doctor: ${printable(error.message)}`);
    return EXIT_FAULT;
  }
}

interface DoctorFlags {
  readonly tls?: boolean;
  readonly method?: string;
  readonly header?: string[];
  readonly timeout?: string;
}

function readOrder(values: DoctorFlags, [text, ...more]: readonly string[]): Order {
  if (text === undefined || more.length > 0) {
    const got = text === undefined ? 'nothing' : `${more.length + 1} targets`;
    throw new ConfigError(`doctor: got ${got}, expected a URL or HOST:PORT`);
  }
  const target = parseTarget(text, values.tls === true);
  const { method = 'GET', header = [], timeout } = values;
  if (target.http === null && (values.method !== undefined || header.length > 0))
    throw new ConfigError(
      `--${values.method === undefined ? 'header' : 'method'}: got it with HOST:PORT, expected a URL: nothing is asked of a bare port`,
    );
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(method) || method.toUpperCase() === 'CONNECT')
    throw new ConfigError(
      `--method: got "${printable(method)}", expected a method of HTTP such as GET or HEAD`,
    );
  const timeoutMs = timeout === undefined ? TIMEOUT_MS : durationFlag('--timeout', timeout);
  if (timeoutMs < TIMEOUT_MS_LEAST || timeoutMs > TIMEOUT_MS_MAX)
    throw new ConfigError(`--timeout: got "${timeout}", expected 100ms to 10m`);
  return { target, timeoutMs, method, headers: header.map(readHeader), hook: hookPath() };
}

function readHeader(text: string): readonly [string, string] {
  const [, name = '', value = ''] = /^([^:]*):\s*([^]*)$/.exec(text) ?? [];
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    // The value may be a secret.
    throw new ConfigError(`--header: got one that is none, expected 'NAME: VALUE'`);
  }
  return [name, value];
}

async function examine(order: Order, isJson: boolean, signal: AbortSignal): Promise<number> {
  const { target, method } = order;
  const terminal = widthLimited(terminalOf(process.stdout, process.env));
  const proxy = proxyFor(target, process.env);
  const asked: Asked = { method, path: target.http?.path.replace(/\?.*/, '?…') ?? '' };
  const say = async (lines: readonly string[]): Promise<void> => {
    if (!isJson && lines.length > 0) await print(`${lines.join('\n')}\n`);
  };
  await say(headLines(target, proxy, terminal));

  const findings: Finding[] = [];
  const held: Finding[] = [];
  const add = async (finding: Finding): Promise<void> => {
    findings.push(finding);
    await say(formatStep(finding.step, finding.mark, asked, terminal, Date.now()));
  };
  /** Those of no use on this host are no fault where another answers. */
  const addHeld = async (): Promise<void> => {
    const isReached = findings.some(({ step, mark }) => step.step === 'connect' && mark === 'fine');
    for (const each of held.splice(0))
      await add(isReached ? { ...each, mark: 'passed over', verdict: null } : each);
  };
  for await (const step of stepsOf(order, signal)) {
    if (step.step !== 'connect') await addHeld();
    const finding = judge(step, target);
    if (isNoWay(finding)) held.push(finding);
    else await add(finding);
  }
  await addHeld();
  const isFine = findings.every(({ mark }) => mark !== 'fault');
  if (isJson) await print(`${JSON.stringify(findingsAsJson(order, proxy, findings))}\n`);
  else await say(conclusion(findings, order, terminal));
  return isFine ? 0 : EXIT_FAULT;
}

interface CountedStep extends EndedStep {
  readonly counts: readonly [before: HostCounts, after: HostCounts];
}

/** What is waited for is said meanwhile. */
async function* stepsOf(order: Order, signal: AbortSignal): AsyncGenerator<CountedStep> {
  const progress = createProgress(process.stderr);
  const waiting = new Map<string, { say: (ms: number) => string; sinceMs: number; before: HostCounts }>();
  const ticking = setInterval(() => {
    const [first] = waiting.values();
    if (first !== undefined) progress.say(first.say(Date.now() - first.sinceMs));
  }, PROGRESS_MS);
  try {
    for await (const report of runProbe(order, signal)) {
      const { step, address } = report;
      const key = `${step} ${address}`;
      if (report.kind === 'begun') {
        const say = (ms: number) => sayWaiting(step, address, ms);
        waiting.set(key, { say, sinceMs: Date.now(), before: countHost() });
        continue;
      }
      const after = countHost();
      const before = waiting.get(key)?.before ?? after;
      waiting.delete(key);
      progress.end();
      yield { ...report, counts: [before, after] };
    }
  } finally {
    clearInterval(ticking);
    progress.end();
  }
}

function judge(step: CountedStep, target: Target): Finding {
  const verdict = judgeStep(step, target, ({ spanId }) => viewOwnHost(spanId, step.address, ...step.counts));
  const isFault = step.failure !== null || verdict !== null || (step.answer?.status ?? 0) >= 500;
  return { step, mark: isFault ? 'fault' : 'fine', verdict };
}

/** This host has no IPv6, as many: programs pass such addresses over at once. */
function isNoWay({ step: { step, address, failure } }: Finding): boolean {
  return (
    step === 'connect' &&
    address.includes(':') &&
    ['ENETUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(failure?.code ?? '')
  );
}

function widthLimited(terminal: Terminal): Terminal {
  return { ...terminal, columns: Math.min(terminal.columns, TEXT_COLUMNS) };
}
