/** What is published: the collector compiled by tsc, run as the installed command would be. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import type { Trace } from '../../collector/serve/wire.ts';
import { encode } from '../decode/otlp-proto.ts';
import { newSpans, tracesOf } from '../receive/receivers.ts';
import { FREE_PORTS, runCollector, startCollector, withFolder } from './collector.ts';

const root = resolve(import.meta.dirname, '../..');
const entry = resolve(root, 'collector/dist/cli/sockeye.js');

beforeAll(async () => {
  const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '--project', resolve(root, 'collector/tsconfig.json')]);
}, 120_000);

test.each([[[]], [['serve']]])('sockeye %j stores a span, shows it, and stops', (command) =>
  withFolder(async (folder) => {
    const collector = await startCollector([...command, ...FREE_PORTS, '--data', folder], { entry });
    try {
      const [span] = newSpans(1);
      const sent = await fetch(`${collector.otlpHttp}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(encode('TracesData', tracesOf([span!]))),
      });
      expect(sent.status).toBe(200);
      const trace = await fetch(`${collector.web}/api/traces/${span!.traceId.toString('hex')}`);
      expect(((await trace.json()) as Trace).spans).toHaveLength(1);
    } finally {
      expect(await collector.stop()).toMatchObject({ code: 0 });
    }
  }),
);

test.runIf(process.platform === 'linux')(
  'sockeye serves with one arena of the C library, as the same process',
  () =>
    withFolder(async (folder) => {
      const collector = await startCollector([...FREE_PORTS, '--data', folder], { entry });
      try {
        const environment = readFileSync(`/proc/${collector.process.pid}/environ`, 'utf8').split('\0');
        expect(environment).toContain('MALLOC_ARENA_MAX=1');
        expect(environment).toContain('MALLOC_MMAP_THRESHOLD_=1048576');
      } finally {
        expect(await collector.stop()).toMatchObject({
          code: 0,
          stderr: expect.not.stringContaining('Warning'),
        });
      }
    }),
);

test('sockeye serves where Node may start no other program', () =>
  withFolder(async (folder) => {
    const flags = '--permission --allow-fs-read=* --allow-fs-write=* --allow-addons --allow-worker';
    const environment = { NODE_OPTIONS: flags };
    const collector = await startCollector([...FREE_PORTS, '--data', folder], { entry, environment });
    expect(await collector.stop()).toMatchObject({ code: 0 });
  }));

test('sockeye --version and --help', async () => {
  expect(await runCollector(['--version'], { entry })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d/),
  });
  expect(await runCollector(['--help'], { entry })).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('--web'),
  });
});

test.each(['backup', 'doctor', 'export', 'import', 'run', 'sql', 'timeouts', 'trace'])(
  'sockeye %s is there, and says how it is used',
  async (command) => {
    expect(await runCollector([command, '--help'], { entry })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`sockeye ${command}`),
      stderr: '',
    });
  },
);

test('sockeye doctor finds its probe beside it', async () => {
  // Nobody listens below the ports that systems hand out.
  expect(await runCollector(['doctor', '127.0.0.1:2'], { entry })).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('refused (ECONNREFUSED)'),
  });
});

test('an unknown command is refused', async () => {
  const { code, stderr } = await runCollector(['bogus'], { entry });
  expect(code).toBe(2);
  expect(stderr).toContain('unknown command: got bogus, expected one of serve, backup, demo');
});
