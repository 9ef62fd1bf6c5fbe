/**
 * Real servers for the libraries' tests, each in a folder of its own and on a free port of loopback: PostgreSQL from npm,
 * the others from Debian's packages. Null where one is not installed; `npm test` installs them where it may.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface TestServer {
  port: number;
  stop(): Promise<void>;
}

const startLimitMs = 30_000;
const lifeLimitS = 300;

const mariaDb = '/usr/sbin/mariadbd';
const redis = '/usr/bin/redis-server';
const rabbitMqHome = globSync('/usr/lib/rabbitmq/lib/rabbitmq_server-*')[0];
const kcat = '/usr/bin/kcat';
/** Debian has no MongoDB: one that runs already can be named. */
const mongoDbPort = process.env['SOCKEYE_TEST_MONGODB_PORT'];

/** Which servers there are; PostgreSQL always is. */
export const installed = {
  mariadb: existsSync(mariaDb),
  redis: existsSync(redis),
  rabbitmq: rabbitMqHome !== undefined,
  kafka: existsSync(kcat),
  mongodb: mongoDbPort !== undefined,
};

interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
  /** Found in what the server writes once it can be used. */
  ready: RegExp;
  /** After the server has ended. */
  after?: () => void;
}

/** Starts a server in a folder of its own, waits until it says that it is ready, and gives what it said. */
async function launch(
  prepare: (folder: string) => Launch,
): Promise<{ match: RegExpExecArray; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-server-'));
  const { command, args, env = {}, ready, after } = prepare(folder);
  // `timeout` makes a group of the server's processes, and ends it should the tests be killed.
  const child = spawn('timeout', ['--signal=KILL', String(lifeLimitS), command, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = async () => {
    await end(child);
    after?.();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { match: await said(child, ready), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function said(child: ChildProcess, ready: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    const fail = (why: string) =>
      reject(new Error(`${child.spawnargs.join(' ')} ${why}; it wrote:\n${text.slice(-2_000)}`));
    const limit = setTimeout(() => fail(`was not ready after ${startLimitMs} ms`), startLimitMs);
    const read = (chunk: Buffer) => {
      text += chunk.toString();
      const match = ready.exec(text);
      if (!match) return;
      clearTimeout(limit);
      resolve(match);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', ({ message }) => fail(`cannot be started (${message})`));
    child.once('exit', (code, signal) => fail(`ended with ${code ?? signal}`));
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    process.kill(-child.pid!, 'SIGKILL');
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

export async function startPostgres(): Promise<TestServer> {
  const file = fileURLToPath(new URL('../../../demo/services/postgres.ts', import.meta.url));
  const { match, stop } = await launch(() => ({
    command: process.execPath,
    args: [file],
    env: { PORT: '0' },
    ready: /listening on port (\d+)/,
  }));
  return { port: Number(match[1]), stop };
}

export async function startMariaDb(): Promise<TestServer | null> {
  if (!installed.mariadb) return null;
  const port = await freePort();
  const { stop } = await launch((folder) => ({
    command: mariaDb,
    args: [
      '--no-defaults',
      '--skip-grant-tables',
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      `--datadir=${folder}`,
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ],
    ready: /ready for connections/,
  }));
  return { port, stop };
}

export async function startRedis(): Promise<TestServer | null> {
  if (!installed.redis) return null;
  const port = await freePort();
  const { stop } = await launch(() => ({
    command: redis,
    args: ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    ready: /Ready to accept connections/,
  }));
  return { port, stop };
}

/** Its Erlang needs a port mapper, which is started beside it and would go on without it. */
export async function startRabbitMq(): Promise<TestServer | null> {
  if (!rabbitMqHome) return null;
  const [port, distributionPort, mapperPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const { stop } = await launch((folder) => {
    const nothing = join(folder, 'empty');
    writeFileSync(nothing, '');
    return {
      command: join(rabbitMqHome, 'sbin/rabbitmq-server'),
      args: [],
      env: {
        RABBITMQ_NODENAME: `sockeye${port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: String(port),
        RABBITMQ_DIST_PORT: String(distributionPort),
        ERL_EPMD_PORT: String(mapperPort),
        ERL_EPMD_ADDRESS: '127.0.0.1',
        RABBITMQ_MNESIA_BASE: join(folder, 'database'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_LOGS: '-',
        RABBITMQ_ENABLED_PLUGINS_FILE: nothing,
        RABBITMQ_CONF_ENV_FILE: nothing,
        RABBITMQ_CONFIG_FILE: join(folder, 'none'),
      },
      ready: /Server startup complete/,
      after: () => spawnSync('epmd', ['-port', String(mapperPort), '-kill']),
    };
  });
  return { port, stop };
}

export function startMongoDb(): Promise<TestServer | null> {
  return Promise.resolve(
    mongoDbPort === undefined ? null : { port: Number(mongoDbPort), stop: () => Promise.resolve() },
  );
}

/** The broker that librdkafka carries for tests: it speaks Kafka's protocol, and keeps messages in memory. */
export async function startKafka(): Promise<TestServer | null> {
  if (!installed.kafka) return null;
  const { match, stop } = await launch(() => ({
    command: kcat,
    args: ['-C', '-t', 'unused', '-b', 'unused', '-X', 'test.mock.num.brokers=1', '-d', 'mock'],
    ready: /replaced with 127\.0\.0\.1:(\d+)/,
  }));
  return { port: Number(match[1]), stop };
}
