/** Lists of large traces, each written in a thread while its client takes it; and clients that leave. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FREE_PORTS, startCollector } from '../../main/collector.ts';

const TRACES = 14;
const SPANS = 2_500;

let folder: string;
let collector: Awaited<ReturnType<typeof startCollector>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sockeye-serve-'));
  collector = await startCollector([...FREE_PORTS, '--data', folder]);
  const timestamp = (Date.now() - 60_000) * 1000;
  for (let trace = 1; trace <= TRACES; trace++) {
    const spans = Array.from({ length: SPANS }, (_, index) => ({
      traceId: `f${trace.toString(16).padStart(31, '0')}`,
      id: (index + 1).toString(16),
      name: 'step',
      timestamp,
      duration: 1000,
      localEndpoint: { serviceName: 'batch' },
      tags: { note: `${trace} ${index} `.padEnd(220, 'x') },
    }));
    const answer = await fetch(`${collector.web}/zipkin/api/v2/spans`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(spans),
    });
    if (answer.status !== 202) throw new Error(await answer.text());
  }
});
afterAll(async () => {
  await collector.stop();
  await rm(folder, { recursive: true, force: true });
});

const LISTS = [
  '/zipkin/api/v2/traces?limit=100',
  '/jaeger/api/traces?service=batch',
  `/jaeger/api/v3/traces?query.startTimeMin=${new Date(Date.now() - 3_600_000).toISOString()}&query.startTimeMax=${new Date(Date.now() + 600_000).toISOString()}`,
];

it.each(LISTS)('%s is all of them, one after the other', async (path) => {
  const answer = await fetch(collector.web + path);
  expect(answer.status).toBe(200);
  const text = await answer.text();
  expect(() => JSON.parse(text)).not.toThrow();
  expect(text.match(/"note"/g)).toHaveLength(TRACES * SPANS);
});

it('goes on for others when clients leave in the middle', async () => {
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const leaving = new AbortController();
        const { body } = await fetch(collector.web + LISTS[index % LISTS.length]!, {
          signal: leaving.signal,
        });
        await body?.getReader().read();
        leaving.abort();
      }),
    );
  }
  const answer = await fetch(`${collector.web}/zipkin/api/v2/traces?limit=1`);
  const [first] = (await answer.json()) as object[][];
  expect([answer.status, first?.length]).toEqual([200, SPANS]);
});

it('says nothing of clients that left, and of listeners that were too many', async () => {
  expect((await collector.stop()).stderr).not.toMatch(/Error|Warning|went away/);
});
