/**
 * The collector's whole life: configuration, store, intake, ports; then a signal, and all of it in reverse.
 *
 * Run as a program, or as `sockeye serve`.
 */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { appCommand, sayVariables } from './app-command.ts';
import { keepCompiledCode } from './compiled-code.ts';
import { ConfigError, helpText, readConfig, type Config } from './config.ts';
import { tuneGarbageCollection } from './garbage.ts';
import { hookPath, pageFolder, version } from './places.ts';
import { findNode } from './shell-node.ts';
import { startDiagnosisLoop } from './query/diagnosis-loop.ts';
import { createQuery } from './query/open-query.ts';
import { lanesOf, startForwarder } from './forward/forwarder.ts';
import { createIntake } from './receive/intake.ts';
import { ListenError, listenError, type Port } from './receive/listen.ts';
import { startJaegerGrpc } from './receive/jaeger-grpc.ts';
import { startOtlpGrpc } from './receive/otlp-grpc.ts';
import { startOtlpHttp } from './receive/otlp-http.ts';
import { createGuard } from './serve/guard.ts';
import { startJaegerHttp } from './serve/jaeger-port.ts';
import { createTraceReader } from './serve/traces/trace-reader.ts';
import { warmUp } from './serve/warm-up.ts';
import { startWeb } from './serve/web.ts';
import { startZipkin } from './serve/zipkin-port.ts';
import type { Status } from './serve/wire.ts';
import { formatAddress, type Address } from './settings.ts';
import { startRetentionLoop } from './store/retention-loop.ts';
import { openStore } from './store/sqlite/open-store.ts';
import { StoreOpenError, StoreUnavailable } from './store/store.ts';

const COMMANDS = `Usage: sockeye [COMMAND] [FLAGS]

  sockeye [serve]             runs the collector with the page
  sockeye run -- PROGRAM      runs a program with the hook loaded, against a running collector
  sockeye timeouts            incidents of a running collector, the worst first
  sockeye doctor TARGET       where a call to a URL or HOST:PORT stops, and why
  sockeye trace ID            waterfall of a trace, and the verdict on where its timeout started
  sockeye export [ID...]      traces by id or search, as OTLP, Jaeger or Zipkin
  sockeye import FILE...      stores the traces of files
  sockeye backup FILE         a consistent copy of the store
  sockeye sql QUERY           read-only SQL over spans
  sockeye demo                a small shop of services with faults, for a first look

sockeye COMMAND --help says more of a command.`;

const EXIT_FAILED = 1;
const EXIT_WRONG_USE = 2;
const EXIT_SECOND_SIGNAL = 130;
/** One request to end may arrive several times: from the terminal, and passed on by npm and the scripts. */
const SAME_SIGNAL_MS = 1_000;

/** Returns the exit code. */
export async function serve(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  if (args.includes('--help')) return print(`${COMMANDS}\n\nFlags of the collector:\n\n${helpText()}`);
  if (args.includes('--version')) return print(version());
  // Whoever read our output may go away; spans go on arriving.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const signalled = nextSignal();
  keepCompiledCode(process.env);
  tuneGarbageCollection();
  try {
    await runUntil(signalled, readConfig(args, environment));
    return 0;
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message, EXIT_WRONG_USE);
    if ([ListenError, StoreOpenError, StoreUnavailable].some((known) => error instanceof known))
      return fail((error as Error).message, EXIT_FAILED);
    throw error;
  }
}

async function runUntil(signalled: Promise<string>, config: Config): Promise<void> {
  for (const warning of config.warnings) log(`warning: ${warning}`);
  const { token, tls, maxRequestBytes, corsOrigins, hostNames } = config;
  const undo: (() => Promise<unknown>)[] = [];
  // Whoever started us starts us anew; what was acknowledged is on disk.
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const onFailureOf = (part: string) => (error: Error) => {
    log(`${part} broke: ${error.stack}`);
    broken.reject(new StoreUnavailable(`${part} broke, so the collector ends; start it again`));
  };
  try {
    const destinations = config.forward;
    const store = await openStore({
      folder: config.dataFolder,
      onFailure: onFailureOf('the store'),
      forward: lanesOf(destinations),
    });
    undo.push(() => store.close());
    const forwarder = await startForwarder({
      store,
      destinations,
      queueBytesMax: config.forwardQueueBytes,
      log,
      onFailure: onFailureOf('the forwarder'),
    });
    undo.push(async () => forwarder?.stop());
    const retention = startRetentionLoop(store, config.keepMs, config.keepBytes);
    undo.push(() => retention.stop());
    const traces = createTraceReader(store);
    undo.push(() => traces.close());
    const query = createQuery(store);
    const warm = warmUp(query, traces);
    const node = findNode();
    const signals = new Set(destinations.flatMap((destination) => destination.signals));
    const forwarding = { signals, passOn: store.passOn };
    const intake = createIntake({ store, maxQueueBytes: config.maxQueueBytes, log, forwarding });
    const diagnosis = startDiagnosisLoop(store, { readHosts: intake.hosts });
    undo.push(() => diagnosis.stop());
    const receiving = { intake, tls, maxRequestBytes, log };
    const addresses: Status['addresses'] = { otlpGrpc: '', otlpHttp: '', web: '' };
    let app: string | null = null;
    const ports: Port[] = [];
    undo.push(() => Promise.all(ports.map((port) => port.close())));
    const open = async (flag: string, address: Address, start: () => Promise<Port>): Promise<string> => {
      const port = await start().catch((error: Error) => {
        throw listenError(flag, formatAddress(address), error);
      });
      ports.push(port);
      return port.address;
    };

    const { otlpGrpc, otlpHttp, web, zipkin, jaegerHttp, jaegerGrpc } = config;
    addresses.otlpGrpc = await open('--otlp-grpc', otlpGrpc, () =>
      startOtlpGrpc({ address: formatAddress(otlpGrpc), token, ...receiving }),
    );
    const guard = createGuard({ host: otlpHttp.host, origins: corsOrigins, token, names: hostNames });
    addresses.otlpHttp = await open('--otlp-http', otlpHttp, () =>
      startOtlpHttp({ ...otlpHttp, guard, ...receiving }),
    );
    const sources = {
      version: version(),
      startedUnixMs: Date.now(),
      query,
      store,
      traces,
      intake,
      addresses: () => addresses,
      appCommand: () => app,
      diagnosisBacklog: () => diagnosis.backlog(),
      diagnosisEvicted: () => diagnosis.evicted(),
      forwarding: async () => (await forwarder?.status()) ?? [],
      allowPurge: config.allowPurge,
      zipkinKeys: config.zipkinKeys,
      maxRequestBytes,
    };
    const site = { names: hostNames, tls, token, corsOrigins };
    if (zipkin !== null) {
      addresses.zipkin = await open('--zipkin', zipkin, () => startZipkin({ ...zipkin, ...site }, sources));
    }
    if (jaegerHttp !== null) {
      addresses.jaegerHttp = await open('--jaeger-http', jaegerHttp, () =>
        startJaegerHttp({ ...jaegerHttp, ...site }, sources),
      );
    }
    if (jaegerGrpc !== null) {
      addresses.jaegerGrpc = await open('--jaeger-grpc', jaegerGrpc, () =>
        startJaegerGrpc({ address: formatAddress(jaegerGrpc), token, ...receiving }),
      );
    }
    // Spans are taken meanwhile.
    await warm;
    addresses.web = await open('--web', web, () =>
      startWeb({ ...web, ...site, pageFolder: pageFolder() }, sources),
    );

    app = appCommandOf(addresses, await node, config);
    printAddresses(addresses, config, app);
    log(`${await Promise.race([signalled, broken.promise])}: finishing what was accepted`);
  } finally {
    for (const step of undo.toReversed()) await step();
  }
}

/** One a line, as people copy them and programs read them. */
function printAddresses(
  addresses: Status['addresses'],
  { tls, dataFolder, forward }: Config,
  app: string | null,
): void {
  const scheme = tls === null ? 'http' : 'https';
  const hint = app === null ? null : sayVariables(app);
  print(
    [
      `sockeye    ${version()}`,
      `OTLP gRPC  ${addresses.otlpGrpc}`,
      `OTLP HTTP  ${scheme}://${addresses.otlpHttp}`,
      `web        ${scheme}://${addresses.web}`,
      ...(addresses.zipkin === undefined ? [] : [`Zipkin     ${scheme}://${addresses.zipkin}`]),
      ...(addresses.jaegerHttp === undefined ? [] : [`Jaeger     ${scheme}://${addresses.jaegerHttp}`]),
      ...(addresses.jaegerGrpc === undefined ? [] : [`Jaeger gRPC ${addresses.jaegerGrpc}`]),
      `data       ${resolve(dataFolder)}`,
      ...forward.map(({ name, url }) => `forward    ${name === url ? url : `${url} (${name})`}`),
      ...(app === null ? [] : [`your app   ${app}`]),
      ...(hint === null ? [] : [`           ${hint}`]),
    ].join('\n'),
  );
}

/** With the hook of this installation, when it is there. */
function appCommandOf(
  { otlpGrpc }: Status['addresses'],
  node: string,
  { token, tls, tlsCertFile }: Config,
): string | null {
  const certFile = tlsCertFile && resolve(tlsCertFile);
  return appCommand({
    otlpGrpc,
    hook: hookPath(),
    node,
    hasToken: token !== null,
    tls: tls && certFile ? { cert: tls.cert, certFile, asksForClient: tls.clientCa !== null } : null,
  });
}

/** Resolves with the name of the first SIGTERM or SIGINT; another one, later, ends the process at once. */
function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    let firstMs: number | null = null;
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        firstMs ??= performance.now();
        if (performance.now() - firstMs > SAME_SIGNAL_MS) process.exit(EXIT_SECOND_SIGNAL);
        resolve(name);
      });
    }
  });
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function fail(message: string, exitCode: number): number {
  console.error(`sockeye: ${message}`);
  return exitCode;
}

function log(line: string): void {
  console.error(`sockeye: ${line}`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await serve(process.argv.slice(2), process.env);
}
