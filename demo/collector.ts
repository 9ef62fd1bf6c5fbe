/** The demo's collector: the real one, as a child process, with the flags the demo was given. */
import { fileURLToPath } from 'node:url';
import type { Processes } from './processes.ts';

const mainFile = fileURLToPath(new URL('../collector/main.ts', import.meta.url));

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  otlpEndpoint: string;
  page: string;
}

/** Reads the addresses that the collector prints when it is up, one a line behind their name. */
function readAddresses(lines: string[]): Collector | undefined {
  const find = (name: string) =>
    lines
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length)
      .trim();
  const grpc = find('OTLP gRPC');
  const page = find('web');
  if (!grpc || !page) return undefined;
  return { otlpEndpoint: `${new URL(page).protocol}//${grpc}`, page };
}

/** Its data goes to a folder that ends with it, unless the flags name one. */
export async function startCollector(processes: Processes, args: string[]): Promise<Collector> {
  const isNamed = args.some((arg) => arg === '--data' || arg.startsWith('--data='));
  const data = isNamed ? [] : ['--data', await processes.makeFolder('sockeye-demo-')];
  try {
    const { value } = await processes.start({
      name: 'collector',
      args: [mainFile, ...data, ...args],
      ready: readAddresses,
    });
    return value;
  } catch {
    throw new Error(
      'the collector did not start; its reason stands above. To use one that runs: --send-to http://127.0.0.1:4317',
    );
  }
}
