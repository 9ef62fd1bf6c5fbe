/** A program sees no difference: what it can observe of itself and its calls is the same with the hook and without it. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed, startMariaDb, startPostgres } from './libraries/servers.ts';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { registerFile, runApp, startApp, withHook, type AppRun } from './run-app.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

const program = (name: string) => fileURLToPath(new URL(`harmless/${name}`, import.meta.url));

/**
 * Before Node 24, an `AsyncLocalStorage` that anybody uses puts a frame of Node's into the stacks of errors from the kernel
 * (`callbackTrampoline`). There the hook is compared with a program that uses one.
 */
const leavesFrames = Number(process.versions.node.split('.')[0]) < 24;
const usesStorage = leavesFrames ? ['--require', program('storage.cjs')] : [];
const title = leavesFrames ? 'a program with an AsyncLocalStorage (before Node 24)' : 'a program';

/** Runs a program without and with the hook, whose batches are not due within the test. */
async function runBoth(name: string, args: string[] = []): Promise<{ bare: AppRun; hooked: AppRun }> {
  const { env } = withHook(receiver.url);
  const options = { args, env: { ...env, OTEL_BSP_SCHEDULE_DELAY: '60000' } };
  const [bare, hooked] = await Promise.all([
    runApp(program(name), { ...options, flags: usesStorage }),
    runApp(program(name), { ...options, flags: ['--require', registerFile] }),
  ]);
  return { bare, hooked };
}

/**
 * Without the addresses of the native stack that Node prints when it is aborted, and without the line about spans that could not
 * be handed over in time, which happens on a machine as busy as those that run tests.
 */
function steady(run: AppRun): AppRun {
  return {
    ...run,
    stderr: run.stderr.replaceAll(/0x[\da-f]+/g, '0x').replaceAll(/^sockeye: spans cannot.*\n/gm, ''),
  };
}

describe(`${title} sees the same`, () => {
  it.each([
    { what: 'events, in the same order', name: 'events.cjs', facts: 34 },
    { what: 'errors', name: 'errors.cjs', facts: 22 },
    { what: 'order of its steps, and its own AsyncLocalStorage in each', name: 'order.cjs', facts: 50 },
    { what: 'globals, environment, headers, handles, and no warnings', name: 'surroundings.cjs', facts: 15 },
    { what: 'streams of HTTP/2, TLS and raw sockets', name: 'streams.cjs', facts: 40 },
    { what: 'requests of every kind, well formed or not', name: 'serving.cjs', facts: 45 },
    { what: 'connections, agents, bodies that are cut short, and memory', name: 'calling.cjs', facts: 25 },
    { what: 'objects, as fast to use', name: 'fast-objects.cjs', facts: 12 },
    { what: 'events in an `emit` of its own', name: 'own-emit.cjs', facts: 3 },
    { what: 'calls of methods that it replaces late', name: 'late-emit.cjs', facts: 10 },
  ])('$what', async ({ name, facts }) => {
    const { bare, hooked } = await runBoth(name);
    const lines = bare.stdout.trim().split('\n');
    expect(lines.length).toBeGreaterThanOrEqual(facts);
    expect(hooked.stdout.trim().split('\n')).toEqual(lines);
    expect({ ...steady(hooked), stdout: '' }).toEqual({ ...steady(bare), stdout: '' });
  });

  it('results and errors of libraries', async () => {
    const postgres = await startPostgres();
    try {
      const { bare, hooked } = await runBoth('libraries.cjs', [String(postgres.port)]);
      expect(bare.stdout.split('\n').length).toBeGreaterThan(25);
      expect(hooked.stdout.split('\n')).toEqual(bare.stdout.split('\n'));
      expect(steady(hooked)).toEqual(steady(bare));
    } finally {
      await postgres.stop();
    }
  });

  it.skipIf(!installed.mariadb)('callbacks and events of mysql2', async () => {
    const server = await startMariaDb();
    try {
      const { bare, hooked } = await runBoth('mysql2.cjs', [String(server!.port)]);
      expect(bare.stdout.split('\n').length).toBeGreaterThan(20);
      expect(hooked.stdout.split('\n')).toEqual(bare.stdout.split('\n'));
      expect(steady(hooked)).toEqual(steady(bare));
    } finally {
      await server?.stop();
    }
  });
});

/** What a web framework's server answers to requests of several kinds: status, headers, bodies; without stacks, and dates. */
async function answersOf(framework: string, options: object): Promise<unknown[]> {
  const app = startApp(program('../libraries/by-require.cjs'), { args: [framework], ...options });
  try {
    const url = `http://127.0.0.1:${(await app.line('port ')).slice(5)}`;
    const answers: unknown[] = [];
    for (const [method, path] of [
      ['GET', '/shop/items/7'],
      ['HEAD', '/shop/items/7'],
      ['OPTIONS', '/shop/items/7'],
      ['POST', '/shop/items/7'],
      ['GET', '/nowhere'],
      ['GET', '/shop/items/%E0'],
    ] as const) {
      const answer = await fetch(url + path, { method });
      const text = await answer.text();
      const isStack = text.includes('at decodeURIComponent');
      const left = new Set(isStack ? ['date', 'content-length'] : ['date']);
      const headers = [...answer.headers].filter(([name]) => !left.has(name));
      answers.push([method, path, answer.status, headers, isStack ? '' : text]);
    }
    return answers;
  } finally {
    app.child.kill('SIGKILL');
    await app.ended;
  }
}

it.each(['express', 'fastify', 'koa', '@hapi/hapi', '@nestjs/core'])(
  'who calls a server of %s gets the same answers',
  async (framework) => {
    const hooked = await answersOf(framework, withHook(receiver.url));
    expect(hooked[0]).toMatchObject({ 2: 200, 4: '{"id":"7","name":"item 7"}' });
    expect(hooked).toEqual(await answersOf(framework, {}));
  },
);

describe(`${title} ends the same`, () => {
  it.each([
    'return',
    'exit code',
    'exit',
    'exit within exit',
    'abort',
    'throw',
    'throw later',
    'throw something',
    'reject',
    'caught throw',
    'caught rejection',
    'new work at the end',
    'SIGTERM',
    'SIGINT',
    'SIGHUP',
    'handled SIGTERM',
    'handled twice',
    'exits when told',
  ])('%s', async (way) => {
    const { bare, hooked } = await runBoth('endings.cjs', [way]);
    expect(steady(hooked)).toEqual(steady(bare));
  });
});
