/** The hook as a guest: the program ends as it would without it, and hears of it only when spans cannot be sent. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closedPort, startFullListener, startHttpServer, startSilentServer } from './faults.ts';
import { startReceiver } from './otlp-receiver.ts';
import { appFile, registerFile, runApp, startApp, withHook, type AppRun } from './run-app.ts';
import { usePeers } from './use-peers.ts';

const peers = usePeers();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-manners-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

let runs = 0;
/** Runs `ending.cjs` in a way, sends it a signal after its call when asked to, and tells the path it called. */
async function runEnding(
  way: string,
  { hook, signal }: { hook: boolean; signal?: NodeJS.Signals },
): Promise<AppRun & { path: string }> {
  runs += 1;
  const path = `/${way}-${runs}`;
  // A batch is not due within the test: what arrives was flushed at the end.
  const options = withHook(peers.receiver.url);
  options.env['OTEL_BSP_SCHEDULE_DELAY'] = '60000';
  const app = startApp(appFile('ending.cjs'), {
    args: [`http://127.0.0.1:${peers.server.port}${path}`, way],
    ...(hook ? options : {}),
  });
  if (signal) {
    await app.line({ stay: 'resting', busy: 'busy' }[way] ?? 'called');
    app.child.kill(signal);
  }
  return { ...(await app.ended), path };
}

const spanOf = (path: string) =>
  peers.receiver.waitFor(({ attributes }) => String(attributes['url.full']).endsWith(path));

describe('a program that ends', () => {
  it.each([
    { way: 'return', how: 'with nothing left to do' },
    { way: 'stay', how: 'by SIGTERM', signal: 'SIGTERM' as const },
    { way: 'stay', how: 'by SIGINT', signal: 'SIGINT' as const },
    { way: 'busy', how: 'by a SIGTERM that comes just before a call', signal: 'SIGTERM' as const },
    { way: 'own-handler', how: 'by a SIGTERM it handles itself', signal: 'SIGTERM' as const },
  ])('$how ends the same way, and its spans arrive', async ({ way, signal }) => {
    const bare = await runEnding(way, { hook: false, ...(signal ? { signal } : {}) });
    const hooked = await runEnding(way, { hook: true, ...(signal ? { signal } : {}) });
    expect({ ...hooked, path: '' }).toEqual({ ...bare, path: '' });
    await spanOf(hooked.path);
  });

  it.each(['exit', 'throw', 'reject', 'reject-fetch'])(
    'by its own fault or wish ends the same way (%s)',
    async (way) => {
      const bare = await runEnding(way, { hook: false });
      const hooked = await runEnding(way, { hook: true });
      expect({ code: hooked.code, signal: hooked.signal, stdout: hooked.stdout }).toEqual({
        code: bare.code,
        signal: bare.signal,
        stdout: bare.stdout,
      });
      const errorLine = (run: AppRun) =>
        run.stderr.split('\n').find((line) => /Error|fault|rejection/.test(line));
      expect(errorLine(hooked)).toBe(errorLine(bare));
    },
  );

  it('reports the request of a client that left, although its handler never ended it', async () => {
    const app = startApp(appFile('service.cjs'), withHook(peers.receiver.url));
    const port = (await app.line('port ')).slice(5);
    const abandoned = fetch(`http://127.0.0.1:${port}/http?to=http://127.0.0.1:${peers.server.port}/hang`, {
      signal: AbortSignal.timeout(300),
    });
    await expect(abandoned).rejects.toThrow('timeout');
    // Another request shows that the service has seen the first one's connection close.
    await fetch(`http://127.0.0.1:${port}/events`).then((answer) => answer.text());
    app.child.kill('SIGTERM');
    await app.ended;
    const span = await peers.receiver.waitFor(
      ({ kind, attributes }) => kind === 'server' && attributes['url.path'] === '/http',
    );
    expect(span.attributes['sockeye.client.left_ms']).toBeCloseTo(span.durationMs, 0);
  });
});

describe('what the hook replaces', () => {
  it('looks and behaves as it did: shapes, errors of misuse, headers sent, listeners', async () => {
    const bare = await runApp(appFile('facts.cjs'));
    const hooked = await runApp(appFile('facts.cjs'), withHook(peers.receiver.url));
    expect(bare.stdout.split('\n').length).toBeGreaterThan(15);
    expect(hooked).toEqual(bare);
  });
});

describe('without a collector', () => {
  it('one line on standard error says so, and the program goes on', async () => {
    const port = closedPort;
    const options = withHook(`http://127.0.0.1:${port}`);
    const run = await runApp(appFile('ending.cjs'), {
      args: [`http://127.0.0.1:${peers.server.port}/alone`, 'return'],
      ...options,
    });
    expect(run).toMatchObject({ code: 0, stdout: 'called\n' });
    expect(run.stderr.trim().split('\n')).toEqual([
      expect.stringMatching(
        `^sockeye: spans cannot be sent to http://127\\.0\\.0\\.1:${port} and are dropped until they can: .*ECONNREFUSED 127\\.0\\.0\\.1:${port}\\. The program goes on`,
      ),
    ]);
  });

  it.each([
    { protocol: 'grpc', start: () => startHttpServer() },
    { protocol: 'http/protobuf', start: () => startReceiver() },
  ])('a port that speaks another protocol than $protocol is named as one', async ({ protocol, start }) => {
    const other = await start();
    try {
      const { flags, env } = withHook(`http://127.0.0.1:${other.port}`);
      const run = await runApp(appFile('ending.cjs'), {
        args: [`http://127.0.0.1:${peers.server.port}/other`, 'return'],
        flags,
        env: { ...env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
      });
      expect(run.stderr).toContain('4317 is for gRPC, 4318 for OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.');
    } finally {
      other.close();
    }
  });

  it.each([
    { what: 'that does not answer', start: startSilentServer, way: 'return' },
    { what: 'that cannot be reached', start: startFullListener, way: 'return' },
    { what: 'that is being tried', start: startFullListener, way: 'return-late' },
  ])('a collector $what does not hold the program at its end', async ({ start, way }) => {
    const fault = await start();
    try {
      const run = await runApp(appFile('ending.cjs'), {
        args: [`http://127.0.0.1:${peers.server.port}/held`, way],
        ...withHook(`http://127.0.0.1:${fault.port}`),
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${fault.port}`,
          OTEL_EXPORTER_OTLP_TIMEOUT: '60000',
        },
      });
      expect(run).toMatchObject({ code: 0, stdout: 'called\n' });
    } finally {
      fault.close();
    }
  });
});

describe('the hook stays out', () => {
  it('when OTEL_SDK_DISABLED is true', async () => {
    const options = withHook(`http://127.0.0.1:${closedPort}`);
    options.env['OTEL_SDK_DISABLED'] = 'true';
    const run = await runApp(appFile('ending.cjs'), {
      args: [`http://127.0.0.1:${peers.server.port}/off`, 'return'],
      ...options,
    });
    expect(run).toEqual({ code: 0, signal: null, stdout: 'called\n', stderr: '' });
  });

  it('of the processes of package managers that NODE_OPTIONS reaches', async () => {
    const npm = join(folder, 'npm-cli.js');
    copyFileSync(appFile('ending.cjs'), npm);
    const run = await runApp(npm, {
      args: [`http://127.0.0.1:${peers.server.port}/npm`, 'return'],
      env: {
        NODE_OPTIONS: `--require ${registerFile}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${closedPort}`,
      },
    });
    expect(run).toEqual({ code: 0, signal: null, stdout: 'called\n', stderr: '' });
  });

  it('of Node below the floor, with one line that names it', async () => {
    // The oldest way to look like an old Node: a file that is loaded before and says so.
    const old = join(folder, 'old-node.cjs');
    writeFileSync(
      old,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '22.17.1' } });",
    );
    const { env } = withHook(peers.receiver.url);
    const run = await runApp(appFile('ending.cjs'), {
      flags: ['--require', old, '--require', registerFile, '--import', registerFile],
      args: [`http://127.0.0.1:${peers.server.port}/old`, 'return'],
      env,
    });
    expect(run).toMatchObject({ code: 0, stdout: 'called\n' });
    expect(run.stderr).toBe(
      'sockeye: Node 22.17.1 is not supported, nothing is recorded. Expected Node 22.18 or 24.3, or newer.\n',
    );
  });

  it('of a program it is in already', async () => {
    const { env } = withHook(peers.receiver.url);
    const run = await runApp(appFile('ending.cjs'), {
      flags: ['--require', registerFile, '--import', registerFile],
      args: [`http://127.0.0.1:${peers.server.port}/twice`, 'return'],
      env: { ...env, NODE_OPTIONS: `--require ${registerFile}` },
    });
    expect(run.stderr).toBe('');
    await spanOf('/twice');
    expect(
      peers.receiver.spans.filter(({ attributes }) => String(attributes['url.full']).endsWith('/twice')),
    ).toHaveLength(1);
  });
});

describe('the service', () => {
  it.each<{ from: string; env: Record<string, string>; name: string; more?: Record<string, string> }>([
    { from: 'OTEL_SERVICE_NAME', env: { OTEL_SERVICE_NAME: 'by-name' }, name: 'by-name' },
    {
      from: 'OTEL_RESOURCE_ATTRIBUTES',
      env: { OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: 'service.name=by-attribute,zone=b' },
      name: 'by-attribute',
      more: { zone: 'b' },
    },
    { from: 'the nearest package.json', env: { OTEL_SERVICE_NAME: '' }, name: 'by-package' },
  ])('takes its name from $from', async ({ env, name, more }) => {
    const app = join(folder, 'app.cjs');
    copyFileSync(appFile('ending.cjs'), app);
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'by-package' }));
    const options = withHook(peers.receiver.url);
    const path = `/name-${name}`;
    await runApp(app, {
      args: [`http://127.0.0.1:${peers.server.port}${path}`, 'return'],
      flags: options.flags,
      env: { ...options.env, ...env },
    });
    const span = await spanOf(path);
    expect(span.resource).toMatchObject({ 'service.name': name, ...more });
  });

  it('sends the headers of OTEL_EXPORTER_OTLP_HEADERS with its spans', async () => {
    const options = withHook(peers.receiver.url);
    options.env['OTEL_EXPORTER_OTLP_HEADERS'] = 'x-team=river';
    await runApp(appFile('ending.cjs'), {
      args: [`http://127.0.0.1:${peers.server.port}/headers`, 'return'],
      ...options,
    });
    await spanOf('/headers');
    expect(peers.receiver.metadata).toContainEqual(expect.objectContaining({ 'x-team': 'river' }));
  });

  it('sends nothing when OTEL_TRACES_SAMPLER is always_off, and still passes the context on', async () => {
    const echoed: string[] = [];
    const { createServer } = await import('node:http');
    const echo = createServer((request, response) => {
      echoed.push(String(request.headers['traceparent']));
      response.end();
    });
    const port = await new Promise<number>((resolve) => {
      echo.listen(0, '127.0.0.1', () => resolve((echo.address() as { port: number }).port));
    });
    const options = withHook(peers.receiver.url);
    options.env['OTEL_TRACES_SAMPLER'] = 'always_off';
    await runApp(appFile('ending.cjs'), {
      args: [`http://127.0.0.1:${port}/unsampled`, 'return'],
      ...options,
    });
    echo.close();
    expect(echoed).toEqual([expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)]);
    expect(
      peers.receiver.spans.some(({ attributes }) => String(attributes['url.full']).endsWith('/unsampled')),
    ).toBe(false);
  });
});
