/** Starts the process that probes, with the hook where it is installed, and hands on what it tells, each step with its span. */
import { fork, type ChildProcess } from 'node:child_process';
import { on } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Span } from '../../span.ts';
import { receiveSpans } from './receive-spans.ts';
import type { Begun, Ended, Order, Report } from './reports.ts';

/** A step as it ended, and the hook's span of the call made in it. */
export interface EndedStep extends Ended {
  readonly span: Span | null;
}

/** The process ended before it was done, or said nothing any more. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
}

/** A request is given its time to connect, to be answered, to send on, and once more when that was not all. */
const TIMES_OF_STEP = 4;
/** Beyond these: to start, and to ask servers of names. */
const SILENT_MORE_MS = 10_000;
const STDERR_CHARACTERS_MAX = 2_000;

/** Throws ProbeError, and AbortError when it is called off. */
export async function* runProbe(order: Order, signal: AbortSignal): AsyncGenerator<Begun | EndedStep> {
  const receiver = await receiveSpans();
  const hook = receiver === null ? null : order.hook;
  const child = startProbe(hook, receiver?.environment ?? {});
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-STDERR_CHARACTERS_MAX);
  });
  const silence = setTimeout(() => child.kill('SIGKILL'), TIMES_OF_STEP * order.timeoutMs + SILENT_MORE_MS);
  try {
    const reports = on(child, 'message', { signal, close: ['close'] });
    child.send({ ...order, hook }, () => {});
    for await (const [report] of reports as AsyncIterable<[Report]>) {
      silence.refresh();
      if (report.kind === 'done') return;
      if (report.kind === 'begun') yield report;
      else {
        const isCall = report.spanId !== '' && report.step !== 'dns';
        const span = isCall ? await receiver!.callWithin(report.spanId) : null;
        yield { ...report, span };
      }
    }
    const why = said.trim().split('\n').at(-1) || `exit code ${child.exitCode ?? child.signalCode}`;
    throw new ProbeError(`got a probe that ended (${why}), expected it to go through all steps`);
  } finally {
    clearTimeout(silence);
    receiver?.end();
    // All that it had to tell has come; a lookup that hangs would keep it.
    child.kill('SIGKILL');
  }
}

/** The user's environment, but for what would send its spans elsewhere, or its calls by a proxy. */
function startProbe(hook: string | null, more: Readonly<Record<string, string>>): ChildProcess {
  const isOthers = /^(?:OTEL_|SOCKEYE_|NODE_USE_ENV_PROXY$)/;
  const kept = Object.entries(process.env).filter(([name]) => !isOthers.test(name));
  const [extension] = /\.[jt]s$/.exec(import.meta.url)!;
  return fork(fileURLToPath(new URL(`./probe${extension}`, import.meta.url)), [], {
    execArgv: hook === null ? [] : ['--require', hook],
    env: { ...Object.fromEntries(kept), ...more },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
}
