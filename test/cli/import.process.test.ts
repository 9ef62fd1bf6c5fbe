/** `sockeye import` against a real collector: every format, compressed or not, and what is said of what cannot be taken. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sayImported } from '../../collector/cli/import.ts';
import { tracesFromJson } from '../../collector/decode/otlp-json.ts';
import { withFolder } from '../main/collector.ts';
import { startCollector, type Collector } from '../serve/start-collector.ts';
import { shopTrace, TRACE_ID } from '../serve/shop-trace.ts';
import { sockeye } from './shop.ts';

const LIMIT_BYTES = 1_048_576;
let collector: Collector;
beforeAll(async () => {
  collector = await startCollector('--max-request-bytes', String(LIMIT_BYTES));
});
afterAll(() => collector.close());
const run = (...args: string[]) => sockeye(['import', ...args], { SOCKEYE_URL: collector.url });
/** The shop's trace under an id of its own, as OTLP JSON. */
const traceOf = (id: string) => JSON.stringify(shopTrace(60_000, id.padStart(32, '0')));

async function pipe(
  input: Buffer | string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [resolve('collector/cli/sockeye.ts'), 'import', '-', ...args], {
    env: { PATH: process.env['PATH'], SOCKEYE_URL: collector.url },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output.stderr += text.toString()));
  // Whoever was refused early reads no more.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...output };
}

test('files of every format are stored, and summed up', () =>
  withFolder(async (folder) => {
    const id = Math.random().toString(16).slice(2, 10);
    const otlp = traceOf(`1${id}`);
    const at = async (name: string, content: string | Uint8Array) => {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    };
    const paths = [
      await at('a.json', otlp),
      await at('b.bin', tracesFromJson(traceOf(`2${id}`))),
      await at('c.json.gz', gzipSync(traceOf(`3${id}`))),
      await at('d.zst', zstdCompressSync(traceOf(`4${id}`))),
      await at('again.json', otlp),
    ];
    const { code, stdout, stderr } = await run(...paths);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.replaceAll(`${folder}/`, '')).toBe(
      [
        ...['a.json', 'b.bin', 'c.json.gz', 'd.zst'].map((name) => `${name}: 4 spans stored`),
        'again.json: 0 spans stored, 4 known already',
        '5 files: 16 spans stored, 4 known already',
        '',
      ].join('\n'),
    );
    const answer = await fetch(`${collector.url}/api/traces/4${id}`);
    expect(answer.status).toBe(200);
  }));

test('what another collector exported is taken', () =>
  withFolder(async (folder) => {
    await pipe(traceOf(TRACE_ID));
    for (const format of ['jaeger', 'zipkin', 'otlp', 'otlp-protobuf']) {
      const out = join(folder, format);
      await sockeye(['export', TRACE_ID, '--format', format, '--out', out], { SOCKEYE_URL: collector.url });
      expect(await run(out)).toMatchObject({ code: 0, stderr: '' });
    }
  }));

test('standard input, and --json as the API answers', async () => {
  const file = traceOf(Math.random().toString(16).slice(2, 10));
  expect(await pipe(file)).toEqual({
    code: 0,
    stdout: 'standard input: 4 spans stored\n',
    stderr: '',
  });
  const { stdout } = await pipe(gzipSync(file), '--json');
  expect(stdout).toBe('{"stored":0,"duplicate":4,"refused":0,"message":""}\n');
});

test('spans that are refused are said with the reason, and the rest is stored', async () => {
  const bad = traceOf(Math.random().toString(16).slice(2, 10)).replace(
    'eee19b7ec3c1b172',
    '0000000000000000',
  );
  const { code, stdout } = await pipe(bad);
  expect(code).toBe(1);
  expect(stdout).toMatch(/standard input: 3 spans stored, 1 refused: .*span/);
});

test('a file that cannot be taken does not keep the others back', () =>
  withFolder(async (folder) => {
    const [text, large, good] = ['text', 'large', 'good'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(text, 'hello \u202eolleh');
    await writeFile(large, '');
    await truncate(large, 50 * LIMIT_BYTES);
    await writeFile(good, traceOf(Math.random().toString(16).slice(2, 10)));
    const { code, stdout, stderr } = await run(text, large, folder, join(folder, 'none'), good);
    expect(code).toBe(1);
    expect(stdout).toContain('good: 4 spans stored\n5 files: 4 spans stored; 4 of them not, or not wholly\n');
    expect(stderr).toMatch(/text: .*got the text hello \\u202eolleh, expected OTLP JSON/);
    expect(stderr).toMatch(
      new RegExp(
        `large: .*got ${50 * LIMIT_BYTES} bytes, expected at most ${LIMIT_BYTES} \\(--max-request-bytes\\)`,
      ),
    );
    expect(stderr).toMatch(/got a folder, expected a file/);
    expect(stderr).toMatch(/none: got ENOENT/);
    const lines = (await run(text, join(folder, 'none'), '--json')).stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { error: { code: string } }).error.code)).toEqual([
      'undecodable',
      'unreadable',
    ]);
  }));

test('more on standard input than the collector takes is refused with its limit', async () => {
  const { code, stderr } = await pipe(Buffer.alloc(4 * LIMIT_BYTES));
  expect(code).toBe(1);
  expect(stderr).toMatch(new RegExp(`expected at most ${LIMIT_BYTES} \\(--max-request-bytes\\)`));
});

test('wrong use, and no collector', async () => {
  expect(await run()).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('got nothing, expected files') as string,
  });
  expect(await run('-', '-')).toMatchObject({ code: 2 });
  const none = await run('package.json', 'package.json', '--url', 'http://127.0.0.1:9999');
  expect(none.code).toBe(1);
  expect(none.stderr.match(/refused connection/g)).toHaveLength(1);
});

test('what became of a file in words', () => {
  expect(sayImported({ stored: 1, duplicate: 0, refused: 0, message: '' })).toBe('1 span stored');
  expect(sayImported({ stored: 12_345, duplicate: 0, refused: 0, message: 'odd times' })).toBe(
    '12,345 spans stored; note: odd times',
  );
  expect(sayImported({ stored: 0, duplicate: 2, refused: 1, message: 'bad id' })).toBe(
    '0 spans stored, 2 known already, 1 refused: bad id',
  );
});
