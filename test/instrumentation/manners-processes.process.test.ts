/** The hook in processes and threads of every kind: each is recorded, inherits what it would without, and ends as it would. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { closedPort } from './faults.ts';
import { appFile, registerFile, runApp, startApp, withHook, type AppOptions } from './run-app.ts';
import { usePeers } from './use-peers.ts';

const peers = usePeers();

let runs = 0;
/** The URL of a call that no other test makes, and how to wait for its span. */
function newCall(name: string) {
  runs += 1;
  const url = `http://127.0.0.1:${peers.server.port}/${name}-${runs}`;
  const spanOf = (path = '') =>
    peers.receiver.waitFor(
      ({ kind, attributes }) => kind === 'client' && attributes['url.full'] === url + path,
    );
  return { url, spanOf };
}

/** The hook, with batches that are not due within the test: what arrives was sent because something ended. */
function patientHook(): Required<Pick<AppOptions, 'flags' | 'env'>> {
  const hook = withHook(peers.receiver.url);
  return { flags: hook.flags, env: { ...hook.env, OTEL_BSP_SCHEDULE_DELAY: '60000' } };
}

describe('another process or thread', () => {
  it.each([
    { way: 'thread', paths: ['/thread'] },
    { way: 'thread that exits', paths: ['/exited-thread'] },
    { way: 'fork', paths: ['/fork'] },
    { way: 'exec', paths: ['/exec'] },
    { way: 'spawnSync', paths: ['/spawnSync'] },
    { way: 'cluster', paths: ['/cluster-1', '/cluster-2'] },
  ])('($way) is recorded, and sees and ends the same', async ({ way, paths }) => {
    const { url, spanOf } = newCall(way.replaceAll(' ', '-'));
    // Both runs have the same flags and environment, but that the hook is told to stay out of one.
    const hook = patientHook();
    const app = { args: [way, url], flags: hook.flags };
    const bare = await runApp(appFile('family.cjs'), {
      ...app,
      env: { ...hook.env, OTEL_SDK_DISABLED: 'true' },
    });
    const hooked = await runApp(appFile('family.cjs'), {
      ...app,
      env: { ...hook.env, OTEL_SDK_DISABLED: '' },
    });
    expect(hooked).toEqual(bare);
    expect(hooked.stdout).not.toBe('');
    await Promise.all(paths.map(spanOf));
  });
});

const canUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;

/** The process that is number 1 in the namespace of a started `unshare`. */
function firstProcessOf(unshare: number): number {
  return Number(readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').trim());
}

describe.skipIf(!canUnshare)('a program that is process number 1, as in a container (needs root)', () => {
  const starter = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

  it.each(['return', 'exit', 'throw', 'reject'])(
    'ends in its own way and its spans arrive (%s)',
    async (way) => {
      const { url, spanOf } = newCall(`first-${way}`);
      const bare = await runApp(appFile('ending.cjs'), { starter, args: [url, way] });
      const hooked = await runApp(appFile('ending.cjs'), { starter, args: [url, way], ...patientHook() });
      expect({ ...hooked, stderr: '' }).toEqual({ ...bare, stderr: '' });
      await spanOf();
    },
  );

  it('ends by a SIGTERM that it handles, and its spans arrive', async () => {
    const { url, spanOf } = newCall('first-handled');
    const app = startApp(appFile('ending.cjs'), { starter, args: [url, 'own-handler'], ...patientHook() });
    await app.line('called');
    process.kill(firstProcessOf(app.child.pid!), 'SIGTERM');
    expect(await app.ended).toMatchObject({ code: 7, stdout: 'called\nthe program heard SIGTERM\n' });
    await spanOf();
  });

  it('goes on after a SIGTERM that it does not handle, as the kernel has it', async () => {
    for (const hook of [{}, patientHook()]) {
      const { url } = newCall('first-unhandled');
      const app = startApp(appFile('ending.cjs'), { starter, args: [url, 'stay'], ...hook });
      await app.line('called');
      const first = firstProcessOf(app.child.pid!);
      process.kill(first, 'SIGTERM');
      // Longer than the hook may take to hand over what it has.
      const ended = await Promise.race([app.ended.then(() => true), sleep(2500, false)]);
      process.kill(first, 'SIGKILL');
      await app.ended;
      expect(ended).toBe(false);
    }
  });
});

describe('under the permission model', () => {
  const nodeModules = join(dirname(registerFile), '../node_modules');
  const reads = [appFile('.'), dirname(registerFile), nodeModules].map(
    (folder) => `--allow-fs-read=${folder}`,
  );

  it('a program that may only read its files runs as it would, and is recorded', async () => {
    const { url, spanOf } = newCall('permission');
    const flags = ['--permission', ...reads];
    const bare = await runApp(appFile('ending.cjs'), { flags, args: [url, 'return'] });
    const hook = patientHook();
    const hooked = await runApp(appFile('ending.cjs'), {
      flags: [...flags, ...hook.flags],
      args: [url, 'return'],
      env: hook.env,
    });
    expect(hooked).toEqual(bare);
    await spanOf();
  });

  it('a call that fails says that the kernel could not be asked', async () => {
    const hook = withHook(peers.receiver.url);
    const url = `http://127.0.0.1:${closedPort}/unasked`;
    const app = startApp(appFile('calls.cjs'), {
      flags: ['--permission', ...reads, ...hook.flags],
      args: [JSON.stringify([{ name: 'refused', client: 'http', url, timer: 'timeout', budgetMs: 5000 }])],
      env: hook.env,
    });
    const span = await peers.receiver.waitFor(({ attributes }) => attributes['url.full'] === url);
    app.child.kill('SIGKILL');
    await app.ended;
    expect(span.attributes).toMatchObject({ 'error.type': 'ECONNREFUSED', 'sockeye.tcp.source': 'none' });
  });
});
