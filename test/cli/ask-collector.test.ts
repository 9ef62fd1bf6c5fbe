/** A collector as commands ask it: one that goes silent is given up, one that is slow is not. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { findCollector, readText, SILENT_MS } from '../../collector/cli/ask-collector.ts';

afterEach(() => void vi.useRealTimers());

test('one that takes the connection and says nothing is given up', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const failed = findCollector({ url }, {}).ask('/api/status').catch(String);
    await once(server, 'request');
    vi.advanceTimersByTime(SILENT_MS);
    expect(await failed).toMatch(/got nothing for 30 s at http.*, expected a running collector/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('one that stops in the middle of its answer is given up; one that goes on is read to its end', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const begin = () => {
    let body!: ReadableStreamDefaultController<Uint8Array>;
    const text = readText(new Response(new ReadableStream({ start: (begun) => void (body = begun) })));
    const send = async (piece: string) => {
      body.enqueue(Buffer.from(piece));
      await new Promise(setImmediate);
      vi.advanceTimersByTime(SILENT_MS - 1);
    };
    return { text, send, end: () => body.close() };
  };
  const slow = begin();
  for (const piece of ['a', 'b', 'c']) await slow.send(piece);
  slow.end();
  expect(await slow.text).toBe('abc');
  const stuck = begin();
  const failed = stuck.text.catch(String);
  await stuck.send('a');
  vi.advanceTimersByTime(1);
  expect(await failed).toMatch(/got an answer that broke off \(nothing for 30 s\)/);
});
