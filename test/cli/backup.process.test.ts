/** `sockeye backup`: the copy of a live store, and what is refused. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Status } from '../../collector/serve/wire.ts';
import { FREE_PORTS, runCollector, startCollector, withFolder, type Collector } from '../main/collector.ts';
import { makeRequest } from '../store/make-request.ts';

const entry = resolve('collector/cli/sockeye.ts');
const backup = (...args: string[]) => runCollector(['backup', ...args], { entry });

async function send({ otlpHttp }: Collector, trace: number): Promise<void> {
  const body = new Uint8Array(
    makeRequest({ trace: trace.toString(16) }, { trace: trace.toString(16), id: '2' }),
  );
  const headers = { 'content-type': 'application/x-protobuf' };
  expect((await fetch(`${otlpHttp}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
}
async function spansOf({ web }: Collector): Promise<number> {
  return ((await (await fetch(`${web}/api/status`)).json()) as Status).store.spans;
}

test('the copy holds what was acknowledged before, whole traces only, while the collector goes on', () =>
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    const copy = join(folder, 'copy.sqlite');
    const restored = join(folder, 'restored');
    const live = await startCollector([...FREE_PORTS, '--data', data]);
    let before = 0;
    const copying = { isDone: false };
    try {
      for (; before < 50; before++) await send(live, before + 1);
      const ended = backup(copy, '--data', data).finally(() => (copying.isDone = true));
      let sent = before;
      while (!copying.isDone) await send(live, ++sent);
      expect(await ended).toMatchObject({ code: 0, stderr: '' });
      expect((await ended).stdout).toMatch(/copy\.sqlite: \d+ bytes, a copy of .*data/);
      expect(await spansOf(live)).toBe(2 * sent);
    } finally {
      await live.stop();
    }
    expect((await readdir(folder)).toSorted()).toEqual(['copy.sqlite', 'data']);
    await mkdir(restored);
    await rename(copy, join(restored, 'spans.sqlite'));
    const other = await startCollector([...FREE_PORTS, '--data', restored]);
    try {
      const spans = await spansOf(other);
      expect(spans).toBeGreaterThanOrEqual(2 * before);
      expect(spans % 2).toBe(0);
    } finally {
      await other.stop();
    }
  }));

test('a store whose collector does not run is copied too', () =>
  withFolder(async (folder) => {
    const collector = await startCollector([...FREE_PORTS, '--data', folder]);
    await send(collector, 1);
    await collector.stop();
    expect(await backup(join(folder, 'copy'), '--data', folder)).toMatchObject({ code: 0 });
  }));

test('what is wrong is said, with what was expected, and nothing is written', () =>
  withFolder(async (folder) => {
    const data = join(folder, 'data');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await (await startCollector([...FREE_PORTS, '--data', data])).stop();
    await writeFile(join(folder, 'there'), 'mine');
    const cases: [args: string[], code: number, message: RegExp][] = [
      [[], 2, /got nothing, expected the file to write/],
      [['--data', data], 2, /got --data, expected the file to write/],
      [[join(folder, 'new'), '--nonsense'], 2, /unknown flag: got --nonsense/],
      [[join(folder, 'there'), '--data', data], 1, /is there already, expected a new one/],
      [
        [join(folder, 'new'), '--data', empty],
        1,
        /got no .*spans\.sqlite, expected a folder that a collector/,
      ],
      [[join(folder, 'no', 'folder', 'new'), '--data', data], 1, /expected to write a copy there/],
    ];
    for (const [args, code, message] of cases) {
      const ended = await backup(...args);
      expect(ended, args.join(' ')).toMatchObject({ code, stdout: '' });
      expect(ended.stderr).toMatch(message);
    }
    expect((await readdir(folder)).toSorted()).toEqual(['data', 'empty', 'there']);
  }));
