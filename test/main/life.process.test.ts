import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, test, describe } from 'vitest';
import { findNode } from '../../collector/shell-node.ts';
import type { Status, Trace } from '../../collector/serve/wire.ts';
import { encode } from '../decode/otlp-proto.ts';
import { newSpans, tracesOf } from '../receive/receivers.ts';
import {
  FREE_PORTS,
  runCollector,
  startCollector,
  withCollector,
  withFolder,
  type Ended,
} from './collector.ts';

async function statusOf(web: string): Promise<Status> {
  return (await (await fetch(`${web}/api/status`)).json()) as Status;
}

function send(otlpHttp: string, spans: readonly object[]): Promise<Response> {
  return fetch(`${otlpHttp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(encode('TracesData', tracesOf(spans))),
  });
}

/** One line beside warnings, no stack. */
function expectOneLine(ended: Ended, code: number, message: string): void {
  expect(ended.stderr).toMatch(new RegExp(message));
  const lines = ended.stderr.trim().split('\n');
  expect(lines.filter((line) => !line.startsWith('sockeye: warning: '))).toHaveLength(1);
  expect(ended).toMatchObject({ code, stdout: '' });
}

describe('starting', () => {
  test('prints each address on a line of its own, and they answer', () =>
    withCollector([], async (collector) => {
      const hook = resolve('instrumentation/register.cjs');
      expect(collector.stdout.trim().split('\n')).toEqual([
        expect.stringMatching(/^sockeye +\d+\.\d+\.\d+$/),
        expect.stringMatching(/^OTLP gRPC +127\.0\.0\.1:\d+$/),
        expect.stringMatching(/^OTLP HTTP +http:\/\/127\.0\.0\.1:\d+$/),
        expect.stringMatching(/^web +http:\/\/127\.0\.0\.1:\d+$/),
        expect.stringMatching(/^data +\/.+$/),
        `your app   OTEL_EXPORTER_OTLP_ENDPOINT=http://${collector.otlpGrpc} ${await findNode()} --require ${hook} app.js`,
      ]);
      expect((await fetch(`${collector.web}/healthz`)).status).toBe(200);
      const { addresses, spans } = await statusOf(collector.web);
      expect(addresses).toEqual({
        otlpGrpc: collector.otlpGrpc,
        otlpHttp: collector.otlpHttp.replace('http://', ''),
        web: collector.web.replace('http://', ''),
      });
      expect(spans).toEqual({ received: 0, stored: 0, refused: 0, dropped: 0, duplicate: 0, queued: 0 });
    }));

  test('with a port for Zipkin prints that too, and spans sent there are stored', () =>
    withCollector(['--zipkin', '127.0.0.1:0'], async ({ stdout, web }) => {
      const zipkin = /^Zipkin +http:\/\/(\S+)$/m.exec(stdout)?.[1];
      const sent = await fetch(`http://${zipkin}/api/v2/spans`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ traceId: 'a', id: '1', name: 'get', timestamp: 1 }]),
      });
      expect(sent.status).toBe(202);
      expect(await statusOf(web)).toMatchObject({ addresses: { zipkin }, store: { spans: 1 } });
    }));

  test('--help and --version print and end', async () => {
    const help = await runCollector(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('--otlp-grpc HOST:PORT');
    expect(await runCollector(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test('works by way of a symbolic link', () =>
    withFolder(async (folder) => {
      const link = join(folder, 'linked');
      await symlink(resolve('collector'), link);
      expect(await runCollector(['--version'], { entry: join(link, 'main.ts') })).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^\d/),
      });
    }));

  test('goes on when whoever read its output is gone', () =>
    withCollector([], async ({ process, web, stop }) => {
      process.stdout!.destroy();
      process.stderr!.destroy();
      expect((await fetch(`${web}/healthz`)).status).toBe(200);
      expect(await stop()).toMatchObject({ code: 0 });
    }));

  test('a non-loopback address without a token warns', () =>
    withFolder(async (folder) => {
      const args = ['--web', '0.0.0.0:0', '--otlp-grpc', '127.0.0.1:0', '--otlp-http', '127.0.0.1:0'];
      const collector = await startCollector([...args, '--data', folder]);
      expect((await collector.stop()).stderr).toContain(
        'warning: anyone who reaches 0.0.0.0:0 can read and write all traces',
      );
    }));
});

describe('what cannot start says why in one line', () => {
  test('an unknown flag: exit 2, and nothing was made', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      expectOneLine(
        await runCollector(['--data', data, '--bogus']),
        2,
        'unknown flag: got --bogus, expected',
      );
      expect(await readdir(folder)).toEqual([]);
    }));

  test('a bad variable: exit 2', async () => {
    const ended = await runCollector([], { environment: { SOCKEYE_WEB: 'here' } });
    expectOneLine(ended, 2, 'SOCKEYE_WEB: got "here", expected HOST:PORT');
  });

  test.each(['--otlp-grpc', '--otlp-http', '--web'])('%s on a port in use: exit 1', async (flag) => {
    const other = createServer();
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    try {
      await withFolder(async (folder) => {
        const ended = await runCollector([...FREE_PORTS, '--data', folder, flag, address]);
        expectOneLine(
          ended,
          1,
          `cannot listen on ${address}: got EADDRINUSE: another program listens there, expected a free address; stop it, or choose another port with ${flag}`,
        );
      });
    } finally {
      other.close();
    }
  });

  test('an address of another machine: exit 1', () =>
    withFolder(async (folder) => {
      const ended = await runCollector([...FREE_PORTS, '--data', folder, '--web', '192.0.2.1:4319']);
      expectOneLine(ended, 1, 'cannot listen on 192.0.2.1:4319: got EADDRNOTAVAIL');
    }));

  test('a data folder that is a file: exit 1, and the file stays', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'data');
      await writeFile(path, 'precious');
      expectOneLine(
        await runCollector([...FREE_PORTS, '--data', path]),
        1,
        `data folder ${path}: got .*, expected a folder`,
      );
      expect(await readFile(path, 'utf8')).toBe('precious');
    }));

  // Where not even root can make a folder.
  test('a data folder that cannot be written: exit 1', async () => {
    const path = '/sys/sockeye-data';
    expectOneLine(
      await runCollector([...FREE_PORTS, '--data', path]),
      1,
      `data folder ${path}: got .*, expected a folder that can be written`,
    );
  });

  test('a database file that is not one: exit 1, and the file stays', () =>
    withFolder(async (folder) => {
      const path = join(folder, 'spans.sqlite');
      const content = 'this is no database. '.repeat(1000);
      await writeFile(path, content);
      expectOneLine(
        await runCollector([...FREE_PORTS, '--data', folder]),
        1,
        `${path}: got a file that is not a database, expected a Sockeye store`,
      );
      expect(await readFile(path, 'utf8')).toBe(content);
    }));

  test('a data folder that another collector uses: exit 1, and the first goes on', () =>
    withFolder(async (folder) => {
      const first = await startCollector([...FREE_PORTS, '--data', folder]);
      expectOneLine(
        await runCollector([...FREE_PORTS, '--data', folder]),
        1,
        'got a folder that another collector is using',
      );
      expect((await fetch(`${first.web}/healthz`)).status).toBe(200);
      expect(await first.stop()).toMatchObject({ code: 0 });
    }));
});

describe('stopping', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with exit code 0', (signal) =>
    withCollector([], async ({ process, ended }) => {
      process.kill(signal);
      expect(await ended).toMatchObject({
        code: 0,
        signal: null,
        stderr: expect.stringContaining(`${signal}: finishing what was accepted`),
      });
    }),
  );

  test(
    'SIGTERM under load: everything that was acknowledged is there after a restart',
    { timeout: 120_000 },
    () =>
      withFolder(async (folder) => {
        const first = await startCollector([...FREE_PORTS, '--data', folder]);
        const acknowledged: string[] = [];
        let isStopping = false;
        const keepSending = async (): Promise<void> => {
          for (;;) {
            const traceId = newSpans(1)[0]!.traceId;
            const response = await send(first.otlpHttp, newSpans(50, { traceId })).catch(() => null);
            if (response?.status !== 200) return;
            acknowledged.push(traceId.toString('hex'));
            if (acknowledged.length === 40) isStopping = first.process.kill('SIGTERM');
          }
        };
        await Promise.all(Array.from({ length: 8 }, keepSending));
        expect(isStopping).toBe(true);
        expect(await first.ended).toMatchObject({ code: 0 });

        const second = await startCollector([...FREE_PORTS, '--data', folder]);
        try {
          for (const traceId of acknowledged) {
            const response = await fetch(`${second.web}/api/traces/${traceId}`);
            expect(((await response.json()) as Trace).spans, traceId).toHaveLength(50);
          }
        } finally {
          await second.stop();
        }
      }),
  );

  test('one Ctrl-C that arrives three times still finishes what was accepted', () =>
    withCollector([], async ({ process, ended }) => {
      for (let i = 0; i < 3; i++) process.kill('SIGINT');
      expect(await ended).toMatchObject({ code: 0 });
    }));

  test('a second signal ends it at once, though a sender is still in the middle of a request', () =>
    withCollector([], async ({ process, otlpHttp, web, ended }) => {
      const socket = connect(Number(new URL(otlpHttp).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        'POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\ncontent-length: 9\r\n\r\nabc',
      );
      const isReceived = async () =>
        ((await (await fetch(`${web}/api/status`)).json()) as Status).queue.bytes > 0;
      await expect.poll(isReceived).toBe(true);
      let stderr = '';
      const isFinishing = new Promise<void>((resolve) =>
        process.stderr!.on('data', (text: string) => {
          stderr += text;
          if (stderr.includes('finishing')) resolve();
        }),
      );
      process.kill('SIGTERM');
      await isFinishing;
      // Until one of them counts as another.
      const again = setInterval(() => process.kill('SIGTERM'), 50);
      expect(await ended).toMatchObject({ code: 130 });
      clearInterval(again);
      socket.destroy();
    }));
});

test(
  'a store that breaks ends the collector, and what was acknowledged is there after a restart',
  () =>
    withFolder(async (folder) => {
      // Too little memory for the writer to count so many different operations.
      const environment = { NODE_OPTIONS: '--max-old-space-size=40' };
      const first = await startCollector([...FREE_PORTS, '--data', folder], { environment });
      const [span] = newSpans(1);
      expect((await send(first.otlpHttp, [span!])).status).toBe(200);
      const many = newSpans(60_000).map((each, index) => ({
        ...each,
        name: `operation ${index}`.padEnd(80),
      }));
      expect((await send(first.otlpHttp, many)).status).toBe(200);
      const { code, stderr } = await first.ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/the store broke: .*memory limit/);
      const second = await startCollector([...FREE_PORTS, '--data', folder]);
      const stored = [span!, many[0]!, many.at(-1)!];
      for (const { traceId } of stored) {
        expect((await fetch(`${second.web}/api/traces/${traceId.toString('hex')}`)).status).toBe(200);
      }
      await second.stop();
    }),
  90_000,
);

test('what was stored survives bad input and a restart', () =>
  withFolder(async (folder) => {
    const first = await startCollector([...FREE_PORTS, '--data', folder]);
    const [span] = newSpans(1);
    expect((await send(first.otlpHttp, [span!])).status).toBe(200);
    const bad = {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: 'no protobuf',
    };
    expect((await fetch(`${first.otlpHttp}/v1/traces`, bad)).status).toBe(400);
    expect(await first.stop()).toMatchObject({ code: 0 });
    const second = await startCollector([...FREE_PORTS, '--data', folder]);
    const path = `/api/traces/${span!.traceId.toString('hex')}`;
    expect((await fetch(`${second.web}${path}`)).status).toBe(200);
    expect(await second.stop()).toMatchObject({ code: 0 });
  }));
