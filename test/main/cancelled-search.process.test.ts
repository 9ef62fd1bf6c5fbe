/** Searches whose clients hung up, over real sockets into a real store: the collector comes to rest. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { AROUND_NOON, makeRequest } from '../store/make-request.ts';
import { untilQuiet } from '../benchmark/store/watch-process.ts';
import { FREE_PORTS, startCollector } from './collector.ts';

test.skipIf(process.platform !== 'linux')(
  'a search stops when its client hangs up',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sockeye-cancelled-'));
    const collector = await startCollector([...FREE_PORTS, '--data', folder]);
    // Also when the test runs out of time.
    onTestFinished(() => void collector.process.kill('SIGKILL'));
    try {
      const spans = Array.from({ length: 500 }, (_, i) => ({
        trace: (i + 1).toString(16),
        attributes: { text: `${i} `.repeat(2_000) },
      }));
      const sent = await fetch(`${collector.otlpHttp}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: new Uint8Array(makeRequest(...spans)),
      });
      expect(sent.status).toBe(200);
      const search = (query: string, signal?: AbortSignal) => {
        const { fromUnixMs, toUnixMs } = AROUND_NOON;
        const asked = new URLSearchParams({ q: query, from: `${fromUnixMs}`, to: `${toUnixMs}` });
        return fetch(`${collector.web}/api/traces?${asked}`, signal === undefined ? {} : { signal });
      };
      // Minutes of work, more than this test waits for: each pattern reads all of each text, and none matches.
      const slow = Array.from({ length: 50 }, (_, i) => `text~([0-9\\s]?[0-9\\s]){1,100}[x-z]${i}$`).join(
        ' OR ',
      );
      const clients = Array.from({ length: 4 }, () => new AbortController());
      const hungUp = Promise.allSettled(clients.map(({ signal }) => search(slow, signal)));
      // The searches have reached the store when a question asked after them is answered.
      expect((await fetch(`${collector.web}/api/status`)).status).toBe(200);
      for (const client of clients) client.abort();
      expect((await hungUp).map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
      await untilQuiet(collector.process.pid!);
    } finally {
      await collector.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  40_000,
);
