/** `sockeye export` against a real collector: what comes out goes in again; nothing half-written has a name. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tracesToJson } from '../../collector/decode/otlp-json.ts';
import { withFolder } from '../main/collector.ts';
import { startCollector, type Collector } from '../serve/start-collector.ts';
import { shopTrace, TRACE_ID } from '../serve/shop-trace.ts';
import { HOSTILE_ID, hostileTrace, send, sockeye } from './shop.ts';

const OTHER_ID = 'a'.repeat(32);
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector();
  await send(collector.url, shopTrace(60_000));
  await send(collector.url, shopTrace(50_000, OTHER_ID));
});
afterAll(() => collector.close());
const run = (...args: string[]) => sockeye(['export', ...args], { SOCKEYE_URL: collector.url });
const document = async (id: string, format: string) =>
  (await fetch(`${collector.url}/api/traces/${id}?format=${format}`)).text();

test('a trace by id is what the API gives, in each of its formats', async () => {
  for (const format of ['otlp', 'jaeger', 'zipkin']) {
    const ended = await run(TRACE_ID.toUpperCase(), '--format', format);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toBe(await document(TRACE_ID, format));
  }
});

test('a search exports what it finds, into a file that others take', () =>
  withFolder(async (folder) => {
    const out = join(folder, 'traces.bin');
    const ended = await run('--q', 'service:checkout', '--format', 'otlp-protobuf', '--out', out);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/traces\.bin: 2 traces, \d+ kB, otlp-protobuf\n/);
    const bytes = await readFile(out);
    expect(tracesToJson(bytes)).toContain(TRACE_ID);
    const answer = await fetch(`${collector.url}/api/import`, { method: 'POST', body: bytes });
    expect(await answer.json()).toMatchObject({ refused: 0, message: '' });
    expect(await readdir(folder)).toEqual(['traces.bin']);
  }));

test('an id that is given twice, however it is written, is exported once', async () => {
  const short = HOSTILE_ID.replace(/^0+/, '');
  await send(collector.url, hostileTrace());
  const ended = await run(short, short.toUpperCase(), HOSTILE_ID);
  expect(ended).toMatchObject({ code: 0, stdout: await document(HOSTILE_ID, 'otlp') });
});

test('where nothing matches there is no file in the way of the next try', () =>
  withFolder(async (folder) => {
    const out = join(folder, 'traces.json');
    const ended = await run('--q', 'service:nobody', '--out', out);
    expect(ended).toMatchObject({ code: 0, stdout: '' });
    expect(ended.stderr).toMatch(/no trace matched, and .*traces\.json is not written; --from/);
    expect(await readdir(folder)).toEqual([]);
  }));

test('an output that cannot be written is told of, also where only a part finds room', () =>
  withFolder(async (folder) => {
    const shell = async (script: string) => {
      const args = ['-c', script, process.execPath, resolve('collector/cli/sockeye.ts')];
      const env = { PATH: process.env['PATH'], SOCKEYE_URL: collector.url };
      const child = spawn('sh', args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let stderr = '';
      child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
      const [code] = (await once(child, 'close')) as [number];
      return { code, stderr };
    };
    // As a disk that has room for a block only.
    const cut = await shell(`ulimit -f 1; exec "$0" "$1" export ${TRACE_ID} > traces.json`);
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringMatching(/export: got EFBIG/) as string });
    const commands = [`export ${TRACE_ID}`, 'timeouts', `trace ${TRACE_ID}`];
    for (const command of existsSync('/dev/full') ? commands : []) {
      const full = await shell(`exec "$0" "$1" ${command} > /dev/full`);
      expect(full, command).toMatchObject({ code: 1 });
      expect(full.stderr).toMatch(/got ENOSPC.*, expected to write all of the output; check/);
    }
    // Whoever read it may have seen enough.
    const closed = await shell(`"$0" "$1" export ${TRACE_ID} | true`);
    expect(closed).toEqual({ code: 0, stderr: '' });
  }));

test('a limit is said; where nothing matches the document is empty', async () => {
  const one = await run('--limit', '1', '--format', 'zipkin');
  expect(one.code).toBe(0);
  expect(one.stdout).toBe(await document(OTHER_ID, 'zipkin'));
  expect(one.stderr).toContain('more than 1 trace match');
  const none = await run('--q', 'service:nobody');
  expect(none).toMatchObject({ code: 0, stdout: '{"resourceSpans":[]}' });
  expect(none.stderr).toContain('no trace matched');
});

test('what is wrong is said; a file that is there stays, and nothing is left', () =>
  withFolder(async (folder) => {
    const there = join(folder, 'there.json');
    await writeFile(there, 'mine');
    const cases: [args: string[], code: number, message: RegExp][] = [
      [[TRACE_ID, '--out', there], 1, /got a file that is there already, expected a new one/],
      [[TRACE_ID, '--out', join(folder, 'no', 'folder.json')], 1, /expected to write it; check its folder/],
      [['abc'], 1, /no such trace/],
      [[TRACE_ID, 'abc', '--out', join(folder, 'new.json')], 1, /no such trace/],
      [['xyz'], 2, /got "xyz", expected ids of traces/],
      [[TRACE_ID, '--q', 'a:b'], 2, /--q: got ids of traces too, expected either/],
      [
        ['--format', 'thrift'],
        2,
        /--format: got "thrift", expected one of otlp, otlp-protobuf, jaeger, zipkin/,
      ],
      [['--q', 'a:('], 2, /at character 3/],
      [['--from', 'yesterday'], 2, /from .* Got yesterday, expected RFC 3339/],
      [['--limit', '1.5'], 2, /--limit: got "1\.5"/],
      [['--url', 'http://127.0.0.1:9999', '--out', join(folder, 'new.json')], 1, /got a refused connection/],
    ];
    for (const [args, code, message] of cases) {
      const ended = await run(...args);
      expect(ended.code, args.join(' ')).toBe(code);
      expect(ended.stderr).toMatch(message);
    }
    expect(await readdir(folder)).toEqual(['there.json']);
    expect(await readFile(there, 'utf8')).toBe('mine');
  }));

test('a signal in the middle leaves nothing', () =>
  withFolder(async (folder) => {
    const asked = Promise.withResolvers<void>();
    // Begins an answer and never ends it.
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{"resourceSpans":[');
      asked.resolve();
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const args = ['export', 'a', '--url', url, '--out', join(folder, 'traces.json')];
      const child = spawn(process.execPath, [resolve('collector/cli/sockeye.ts'), ...args]);
      const ended = once(child, 'exit');
      await asked.promise;
      await expect.poll(() => readdir(folder)).toEqual([expect.stringMatching(/\.partial$/)]);
      child.kill('SIGTERM');
      expect(await ended).toEqual([143, null]);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }));
