/** The web port itself, over a real store in this process: page files, limits, refusals, and what goes wrong. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Sources } from '../../collector/serve/sources.ts';
import { startApi, type Api } from './start-api.ts';

/** Of a group of tests that share one. */
let plain: Api | undefined;
const opened: Api[] = [];
async function open(...options: Parameters<typeof startApi>): Promise<Api> {
  const api = await startApi(...options);
  opened.push(api);
  return api;
}
afterEach(async () => {
  for (const api of opened.splice(0)) await api.close();
  vi.restoreAllMocks();
});

/** Sends bytes as they are, and reads until the other side closes. */
async function exchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
  // Not ended: the server gives up on a client that has left.
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('the page', () => {
  let folder = '';
  const script = 'console.log("upstream");'.repeat(100);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sockeye-dist-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>Sockeye</title>');
    await writeFile(join(folder, 'assets/main-1a2b.js'), script);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is one document for every view, and its assets are kept by browsers', async () => {
    const { url } = await open({ pageFolder: folder });
    for (const path of ['/', '/map?from=now-1h', '/trace/abc?span=1', '/timeouts/x', '/search', '/latency']) {
      const response = await fetch(url + path);
      expect([path, response.status, await response.text()]).toEqual([
        path,
        200,
        expect.stringContaining('<title>'),
      ]);
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
      expect(response.headers.get('cache-control')).toBe('no-cache');
    }
    const asset = await fetch(`${url}/assets/main-1a2b.js`, { headers: { 'accept-encoding': 'br' } });
    expect(await asset.text()).toBe(script);
    expect(asset.headers.get('content-encoding')).toBe('br');
    expect(asset.headers.get('cache-control')).toContain('immutable');
    const again = await fetch(`${url}/assets/main-1a2b.js`, {
      headers: { 'if-none-match': asset.headers.get('etag')! },
    });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('is found at the paths of the API too', async () => {
    const { url } = await open({ pageFolder: folder });
    const moved: [path: string, location: string][] = [
      ['/traces', '/search'],
      ['/traces/', '/search'],
      ['/traces?q=status%3Aerror', '/search?q=status%3Aerror'],
      ['/traces/0AF7?span=1', '/trace/0AF7?span=1'],
      ['/traces/%2f%2fexample.org', '/trace/%2F%2Fexample.org'],
    ];
    for (const [path, location] of moved) {
      const { status, headers } = await fetch(url + path, { redirect: 'manual' });
      expect([path, status, headers.get('location')]).toEqual([path, 308, location]);
    }
    for (const path of ['/traces//example.org', '/traces/a/b', '/tracesx'])
      expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
    expect((await fetch(`${url}/traces/a`, { method: 'POST' })).status).toBe(405);
  });

  it('gives no file outside its folder', async () => {
    const { url } = await open({ pageFolder: join(folder, 'assets') });
    for (const path of ['/../index.html', '/%2e%2e/index.html', '/..%2findex.html', '/assets/../index.html'])
      expect(
        await exchange(url, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      ).toMatch(/^HTTP\/1.1 404 /);
  });

  it('that is not built says how to build it, and is found once it is', async () => {
    const later = join(folder, 'later');
    const { url } = await open({ pageFolder: later });
    const missing = await fetch(`${url}/map`);
    expect([missing.status, await missing.text()]).toEqual([503, expect.stringContaining('npm run build')]);
    await mkdir(later);
    await writeFile(join(later, 'index.html'), 'built');
    expect(await (await fetch(`${url}/map`)).text()).toBe('built');
  });
});

describe('methods', () => {
  let url = '';
  beforeAll(async () => ({ url } = plain = await startApi()));
  afterAll(() => plain?.close());

  it('HEAD has the headers of GET and no body', async () => {
    const [get, head] = [
      await fetch(`${url}/api/status`),
      await fetch(`${url}/api/status`, { method: 'HEAD' }),
    ];
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    expect((await fetch(`${url}/api/live`, { method: 'HEAD' })).status).toBe(200);
  });

  it('OPTIONS tells what a path allows', async () => {
    const response = await fetch(`${url}/api/import`, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'POST, OPTIONS']);
  });
});

describe('what is no request', () => {
  let url = '';
  beforeAll(async () => ({ url } = plain = await startApi()));
  afterAll(() => plain?.close());

  it.each([
    ['garbage', 'HELLO\r\n\r\n', 400],
    [
      'a head that is too large',
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`,
      431,
    ],
    ['a URL that is too long', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    [
      'another server’s URL',
      'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
      400,
    ],
    ['a path without its slash', 'GET api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', 400],
    ['a tunnel', 'CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', ''],
  ])('%s is refused and the next one is answered', async (_, text, status) => {
    expect((await exchange(url, text)).slice(0, 12)).toBe(status === '' ? '' : `HTTP/1.1 ${status}`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('who may ask', () => {
  it('with a token, only who has it, on every path', async () => {
    const { url } = await open({ token: 'river' });
    for (const path of ['/', '/healthz', '/api/status', '/help/help.css']) {
      const response = await fetch(url + path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer, Basic /);
    }
    for (const authorization of ['Bearer river', `Basic ${btoa('me:river')}`])
      expect((await fetch(`${url}/api/status`, { headers: { authorization } })).status).toBe(200);
  });

  it('a configured origin may read and write, and its preflight is answered without the token', async () => {
    const origin = 'http://app.example';
    const { url } = await open({ token: 'river', corsOrigins: [origin] });
    const preflight = await fetch(`${url}/api/import`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([
      204,
      'authorization',
    ]);
    const headers = { origin, authorization: 'Bearer river' };
    const answer = await fetch(`${url}/api/import`, {
      method: 'POST',
      headers,
      body: '{"resourceSpans":[]}',
    });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
    const other = await fetch(`${url}/api/status`, {
      headers: { ...headers, origin: 'http://evil.example' },
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('a name given with the options is accepted', async () => {
    const { url } = await open({ names: ['traces.example'] });
    const ask = (host: string) =>
      exchange(url, `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(await ask('traces.example')).toMatch(/^HTTP\/1.1 200 /);
    expect(await ask('other.example')).toMatch(/^HTTP\/1.1 403 /);
  });
});

it('speaks TLS when it has a certificate', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sockeye-tls-'));
  try {
    const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-keyout', keyFile, '-out', certFile];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject],
      {
        stdio: 'ignore',
      },
    );
    const [key, cert] = [await readFile(keyFile), await readFile(certFile)];
    const { url } = await open({ tls: { cert, key, clientCa: null } });
    const status = await new Promise((resolve, reject) => {
      const secureUrl = url.replace('http:', 'https:');
      httpsRequest(
        `${secureUrl}/healthz`,
        { ca: cert, servername: 'localhost', agent: false },
        (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('what goes wrong inside', () => {
  const failing = (searchTraces: Sources['query']['searchTraces']) =>
    ({ query: { searchTraces } as Sources['query'] }) satisfies Partial<Sources>;

  it('a client that goes away cancels its search', async () => {
    const started = Promise.withResolvers<void>();
    const cancelled = Promise.withResolvers<void>();
    const { url } = await open(
      {},
      failing((_, signal) => {
        started.resolve();
        return new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            cancelled.resolve();
            reject(new Error('stopped'));
          });
        });
      }),
    );
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const controller = new AbortController();
    const asked = fetch(`${url}/api/traces`, { signal: controller.signal }).catch(
      (error: Error) => error.name,
    );
    await started.promise;
    controller.abort();
    await cancelled.promise;
    expect(await asked).toBe('AbortError');
  });

  it('an error that nobody foresaw is logged, told without its text, and the port lives', async () => {
    const { url } = await open(
      {},
      failing(() => Promise.reject(new Error('secret path /data'))),
    );
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const response = await fetch(`${url}/api/traces`);
    const text = await response.text();
    expect([response.status, text]).toEqual([500, expect.stringContaining('"code":"internal"')]);
    expect(text).not.toContain('secret');
    expect(log).toHaveBeenCalledOnce();
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('live streams', () => {
  it('are bounded in number, and a place is free when one ends', async () => {
    const { url } = await open();
    const controllers = Array.from({ length: 64 }, () => new AbortController());
    const streams = await Promise.all(controllers.map(({ signal }) => fetch(`${url}/api/live`, { signal })));
    expect(streams.map(({ status }) => status)).toEqual(streams.map(() => 200));
    expect((await fetch(`${url}/api/live`)).status).toBe(503);
    controllers[0]?.abort();
    await vi.waitFor(async () => {
      const controller = new AbortController();
      const { status } = await fetch(`${url}/api/live`, { signal: controller.signal });
      controller.abort();
      expect(status).toBe(200);
    });
    for (const controller of controllers) controller.abort();
  });

  it('that are not read are dropped, and the others go on', async () => {
    // A few events are more than what the kernel and the stream's own limit hold together; one is read in time.
    const { url } = await open({}, { version: 'x'.repeat(4 * 1024 * 1024) });
    const [stuck, read] = [await fetch(`${url}/api/live`), await fetch(`${url}/api/live`)];
    let events = 0;
    for await (const chunk of read.body!.pipeThrough(new TextDecoderStream())) {
      events += chunk.split('event: status').length - 1;
      if (events === 3) break;
    }
    await expect(stuck.text()).rejects.toThrow('terminated');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('end when the port closes', async () => {
    const api = await startApi();
    const response = await fetch(`${api.url}/api/live`);
    const text = response.text();
    await api.close();
    expect(await text).toMatch(/^retry: 2000\n\nevent: status\ndata: \{/);
  });
});
