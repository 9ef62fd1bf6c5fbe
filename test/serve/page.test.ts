import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerFile, chooseEncoding, isPagePath, loadPage, pageFile } from '../../collector/serve/page.ts';

const script = Buffer.from('console.log("upstream");'.repeat(200));

describe('a file of the page', () => {
  const asset = pageFile('text/javascript; charset=utf-8', script, true);

  it('is compressed as the browser asks, once', async () => {
    const br = await answerFile(asset, { 'accept-encoding': 'gzip, deflate, br' });
    expect(br.headers?.['content-encoding']).toBe('br');
    expect(brotliDecompressSync(br.body)).toEqual(script);
    const gzip = await answerFile(asset, { 'accept-encoding': 'gzip' });
    expect(gunzipSync(gzip.body)).toEqual(script);
    expect((await answerFile(asset, { 'accept-encoding': 'br' })).body).toBe(br.body);
    const plain = await answerFile(asset, {});
    expect(plain.body).toBe(script);
    expect(plain.headers).not.toHaveProperty('content-encoding');
  });

  it('is not compressed when it is small or compressed already', async () => {
    for (const file of [
      pageFile('text/css', Buffer.alloc(1023, 97), true),
      pageFile('image/png', script, true),
    ])
      expect((await answerFile(file, { 'accept-encoding': 'br' })).headers).not.toHaveProperty(
        'content-encoding',
      );
    const file = pageFile('text/css', Buffer.alloc(1024, 97), true);
    expect((await answerFile(file, { 'accept-encoding': 'br' })).headers).toHaveProperty('content-encoding');
  });

  it('is not sent again to who has it', async () => {
    for (const tag of [asset.etag, `W/${asset.etag}`, `"other", ${asset.etag}`, '*']) {
      const answer = await answerFile(asset, { 'if-none-match': tag });
      expect([answer.status, answer.body]).toEqual([304, '']);
    }
    expect((await answerFile(asset, { 'if-none-match': '"other"' })).status).toBeUndefined();
  });

  it('is kept for ever when its name holds its hash, and asked for again otherwise', async () => {
    expect((await answerFile(asset, {})).headers?.['cache-control']).toContain('immutable');
    expect((await answerFile(pageFile('text/html', script, false), {})).headers?.['cache-control']).toBe(
      'no-cache',
    );
  });
});

it.each([
  ['gzip, deflate, br, zstd', 'br'],
  ['gzip;q=1.0', 'gzip'],
  ['BR', 'br'],
  ['br;q=0, gzip', 'gzip'],
  ['*', 'br'],
  ['*, br;q=0', 'gzip'],
  ['identity', null],
  ['', null],
  ['gzip;q=0.000', null],
])('Accept-Encoding %j chooses %j', (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding);
});

it('the views of the page are known, and nothing else is taken for one', () => {
  for (const path of ['/', '/map', '/timeouts', '/timeouts/abc', '/search', '/trace/0af7', '/latency'])
    expect([path, isPagePath(path)]).toEqual([path, true]);
  for (const path of ['/maps', '/trace', '/trace/', '/trace/a/b', '/index', '/api', '/map/'])
    expect([path, isPagePath(path)]).toEqual([path, false]);
});

describe('the folder of the built page', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sockeye-page-'));
    await mkdir(join(folder, 'dist/assets'), { recursive: true });
    await writeFile(join(folder, 'dist/index.html'), '<!doctype html>');
    await writeFile(join(folder, 'dist/assets/main-1a2b.js'), script);
    await writeFile(join(folder, 'dist/.built'), '');
    await writeFile(join(folder, 'secret.html'), 'outside');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is read whole, and what has no type of the web is left out', async () => {
    const page = await loadPage(join(folder, 'dist'));
    expect([...page.keys()].toSorted()).toEqual(['/assets/main-1a2b.js', '/index.html']);
    expect(page.get('/assets/main-1a2b.js')?.cacheControl).toContain('immutable');
  });

  it('has its icon where browsers look for one', async () => {
    const icon = join(folder, 'dist/assets/icon-1a2b.svg');
    await writeFile(icon, '<svg/>');
    const page = await loadPage(join(folder, 'dist'));
    await rm(icon);
    expect(page.get('/favicon.ico')).toMatchObject({
      type: 'image/svg+xml',
      bytes: Buffer.from('<svg/>'),
      cacheControl: 'no-cache',
    });
  });

  it('counts as missing without an index.html', async () => {
    expect((await loadPage(join(folder, 'dist/assets'))).size).toBe(0);
    expect((await loadPage(join(folder, 'none'))).size).toBe(0);
  });
});
