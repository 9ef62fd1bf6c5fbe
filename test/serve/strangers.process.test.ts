/** A page on the internet and a rebound name, before a collector that would let its own user purge. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../collector/serve/wire.ts';
import { shopTrace } from './shop-trace.ts';
import { startCollector, type Collector } from './start-collector.ts';

let collector: Collector;
beforeAll(async () => {
  collector = await startCollector('--allow-purge');
  await ask('POST', '/api/import', {}, shopTrace(60_000));
});
afterAll(() => collector?.close());

/** fetch does not let a program set Host. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: object,
): Promise<{ status: number | undefined; body: unknown }> {
  return new Promise((resolve, reject) => {
    const sent = request(collector.url + path, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, body: JSON.parse(text) }));
    });
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function storedSpans(): Promise<number> {
  return ((await ask('GET', '/api/status', {})).body as Status).store.spans;
}

describe.each([
  ['Host', { host: 'rebound.example' }, 'foreign_host'],
  ['Host that begins like ours', { host: '127.0.0.1.rebound.example' }, 'foreign_host'],
  ['Origin', { origin: 'https://evil.example' }, 'foreign_origin'],
  ['Origin without a name', { origin: 'null' }, 'foreign_origin'],
] as const)('a foreign %s', (_what, headers, code) => {
  it.each([
    ['POST', '/api/purge'],
    ['POST', '/api/import'],
    ['PUT', `/api/traces/${'1'.repeat(32)}/pin`],
  ])('is refused for %s %s, and nothing changes', async (method, path) => {
    const answer = await ask(method, path, headers, shopTrace(1_000, '8'.repeat(32)));
    expect(answer).toMatchObject({ status: 403, body: { error: { code } } });
    expect(await storedSpans()).toBe(4);
  });
});

it('who has no foreign Host or Origin may purge here', async () => {
  expect(await ask('POST', '/api/purge', {})).toEqual({ status: 200, body: { spans: 4 } });
  expect(await storedSpans()).toBe(0);
});
