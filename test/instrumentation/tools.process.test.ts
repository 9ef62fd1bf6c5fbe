/**
 * Tools that start programs in ways of their own, from npm: pm2, tsx, Next.js. Some 400 MB, so that they are installed only when
 * asked for (`npm run test:tools`), into a folder that goes with the test.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ReceivedSpan, Value } from './otlp-receiver.ts';
import { appFile, cleanEnvironment, registerFile, startApp, withHook } from './run-app.ts';
import { usePeers } from './use-peers.ts';

const isAsked = process.env['TEST_TOOLS'] === '1';
const packages = ['pm2@7.0.4', 'tsx@4.23.15', 'next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1'];
const INSTALL_MS = 300_000;
const BUILD_MS = 300_000;

const run = promisify(execFile);
const peers = usePeers();
let folder: string;
/** Why the tools could not be installed. */
let problem: string | undefined;

/** A tool of the folder, run there with the hook in NODE_OPTIONS, to its end. */
function runTool(name: string, args: string[], env: Record<string, string> = {}) {
  const hook = withHook(peers.receiver.url);
  return run(join(folder, 'node_modules/.bin', name), args, {
    cwd: folder,
    timeout: BUILD_MS,
    killSignal: 'SIGKILL',
    env: cleanEnvironment({
      ...hook.env,
      NODE_OPTIONS: `--require ${registerFile}`,
      OTEL_SERVICE_NAME: '',
      PM2_HOME: join(folder, 'pm2'),
      NEXT_TELEMETRY_DISABLED: '1',
      ...env,
    }),
  });
}

const urlOf = (path: string) => `http://127.0.0.1:${peers.server.port}/${path}`;
const isCallOf = (path: string, { kind, attributes }: ReceivedSpan) =>
  kind === 'client' && attributes['url.full'] === urlOf(path);
const callsOf = (path: string) => peers.receiver.spans.filter((span) => isCallOf(path, span));
const callOf = (path: string) => peers.receiver.waitFor((span) => isCallOf(path, span));

describe.skipIf(!isAsked)('a program started by (asked for by TEST_TOOLS=1)', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sockeye-tools-'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'by-tools', private: true }));
    const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...packages];
    const options = { cwd: folder, timeout: INSTALL_MS, env: cleanEnvironment() };
    await run('npm', install, options).catch((error: Error) => (problem = `npm: ${error.message}`));
  }, INSTALL_MS);

  beforeEach(({ skip }) => skip(problem !== undefined, problem));

  afterAll(async () => {
    await runTool('pm2', ['kill']).catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  });

  it('tsx, from TypeScript that has to be translated, is recorded', async () => {
    const file = join(folder, 'translated.ts');
    writeFileSync(
      file,
      `import { get } from 'node:http';
       enum Way { there = 'called' }
       get(process.argv[2]!, (response) => response.resume().once('end', () => console.log(Way.there)));`,
    );
    const { stdout, stderr } = await runTool('tsx', [file, urlOf('tsx')]);
    expect({ stdout, stderr }).toEqual({ stdout: 'called\n', stderr: '' });
    expect((await callOf('tsx')).resource['service.name']).toBe('by-tools');
    expect(callsOf('tsx')).toHaveLength(1);
  });

  it.each([
    { mode: 'fork', instances: 1, more: [] },
    { mode: 'cluster', instances: 2, more: ['-i', '2'] },
  ])(
    'pm2 in $mode mode is recorded, each process by itself, and pm2 is not',
    async ({ mode, instances, more }) => {
      const path = `pm2-${mode}`;
      await runTool('pm2', [
        'start',
        appFile('ending.cjs'),
        '--name',
        path,
        ...more,
        '--',
        urlOf(path),
        'stay',
      ]);
      const pids = new Set<Value>();
      await peers.receiver.waitFor((span) => {
        if (isCallOf(path, span)) pids.add(span.resource['process.pid']);
        return pids.size === instances;
      });
      const services = callsOf(path).map(({ resource }) => resource['service.name']);
      expect(new Set(services)).toEqual(new Set(['by-tools']));
      await runTool('pm2', ['delete', path]);
      expect(peers.receiver.spans.filter(({ resource }) => resource['service.name'] === 'pm2')).toEqual([]);
    },
  );

  it(
    'Next.js has its requests, and their calls below the spans that Next.js makes of its own',
    { timeout: BUILD_MS },
    async () => {
      mkdirSync(join(folder, 'app/page'), { recursive: true });
      writeFileSync(
        join(folder, 'app/layout.js'),
        'export default function Layout({ children }) { return <html><body>{children}</body></html>; }',
      );
      writeFileSync(
        join(folder, 'app/page/route.js'),
        `export const dynamic = 'force-dynamic';
         export async function GET() { return new Response(await (await fetch('${urlOf('next')}')).text()); }`,
      );
      await runTool('next', ['build'], { NODE_OPTIONS: '' });
      const hook = withHook(peers.receiver.url);
      const app = startApp(join(folder, 'node_modules/next/dist/bin/next'), {
        flags: hook.flags,
        args: ['start', '--port', '0', '--hostname', '127.0.0.1'],
        cwd: folder,
        env: {
          ...hook.env,
          OTEL_SERVICE_NAME: '',
          NEXT_OTEL_FETCH_DISABLED: '1',
          NEXT_TELEMETRY_DISABLED: '1',
        },
      });
      try {
        const line = await app.line('- Local:');
        const page = /http:\S+/.exec(line)?.[0];
        expect(await (await fetch(`${page}/page`)).text()).toBe('answer');
        const call = await callOf('next');
        const server = await peers.receiver.waitFor(
          ({ traceId, kind, scope }) =>
            traceId === call.traceId && kind === 'server' && scope === '@sockeye/instrumentation',
        );
        expect(server.resource['service.name']).toBe('by-tools');
        const own = peers.receiver.spans.filter(
          ({ traceId, scope }) => traceId === call.traceId && scope === 'next.js',
        );
        expect(own.map(({ spanId }) => spanId)).toContain(call.parentSpanId);
      } finally {
        app.child.kill('SIGTERM');
        await app.ended;
      }
    },
  );
});
