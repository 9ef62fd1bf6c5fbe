/** A real collector for the tests: every port free, its data in a folder that goes with it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startCollector } from '../../demo/collector.ts';
import { createProcesses, type Processes } from '../../demo/processes.ts';

const pollMs = 250;
const waitMs = 20_000;
const freePorts = ['--otlp-grpc', '127.0.0.1:0', '--otlp-http', '127.0.0.1:0', '--web', '127.0.0.1:0'];

export interface World {
  processes: Processes;
  otlpEndpoint: string;
  page: string;
  /** What children wrote to standard error, and their deaths. */
  reports: string[];
  /** JSON of the collector's API. */
  get<T>(path: string): Promise<T>;
  /** Asks until `found` gives something other than undefined; fails with the last answer when it never does. */
  getWhen<T, R>(path: string, found: (answer: T) => R | undefined): Promise<R>;
  end(): Promise<void>;
}

export async function startWorld(): Promise<World> {
  const reports: string[] = [];
  const processes = createProcesses((name, text) => reports.push(`${name}: ${text}`));
  try {
    const { otlpEndpoint, page } = await startCollector(processes, freePorts);
    const get = async <T>(path: string): Promise<T> => {
      const response = await fetch(page + path);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
      return JSON.parse(text) as T;
    };
    const getWhen = async <T, R>(path: string, found: (answer: T) => R | undefined): Promise<R> => {
      const deadline = Date.now() + waitMs;
      for (;;) {
        const answer = await get<T>(path);
        const result = found(answer);
        if (result !== undefined) return result;
        if (Date.now() > deadline) {
          throw new Error(
            `${path}: still not there after ${waitMs} ms; last answer ${JSON.stringify(answer)}`,
          );
        }
        await sleep(pollMs);
      }
    };
    return { processes, otlpEndpoint, page, reports, get, getWhen, end: processes.endAll };
  } catch (error) {
    await processes.endAll();
    throw new Error(`the collector did not start: ${reports.join('\n')}`, { cause: error });
  }
}
