/** The benchmarks of the store run, small, and the sizes they print hold. Never how fast: machines differ. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** They wait until the collector has nothing left to do, on whatever machine: at the same time, for they mostly wait. */
const timeout = 300_000;
/** Generous: with few spans, what a store takes when it is empty counts too. */
const BYTES_PER_SPAN_MAX = 1_500;
const positive = expect.toSatisfy((value: number) => value > 0);

async function bench(name: string, ...flags: string[]): Promise<unknown> {
  const script = join(import.meta.dirname, name);
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--json', ...flags]);
  return JSON.parse(stdout);
}

test.concurrent('bench:ingest measures the bare server and the collector', { timeout }, async () => {
  const { modes } = (await bench(
    'ingest.bench.ts',
    '--modes',
    'usual',
    '--spans',
    '20000',
    '--rounds',
    '1',
  )) as {
    modes: Record<string, { receivers: { collector: { bytesPerSpan: number } } }>;
  };
  const received = { spansPerS: positive, cpuUsPerSpan: positive, p50Ms: positive, p99Ms: positive };
  expect(modes).toMatchObject({
    usual: {
      load: { spans: 20_000, spansPerRequest: 512 },
      receivers: { bare: received, collector: { ...received, peakBytes: positive, retries: 0 } },
      ratios: { rate: positive, cpu: positive },
    },
  });
  expect(modes['usual']!.receivers.collector.bytesPerSpan).toBeLessThan(BYTES_PER_SPAN_MAX);
});

test.concurrent(
  'bench:query asks each kind warm and cold, and checks what it gets',
  { timeout },
  async () => {
    const { sizes } = (await bench(
      'query.bench.ts',
      '--spans',
      '3000',
      '--samples',
      '3',
      '--live',
      '2000',
      '--starts',
      '2',
    )) as {
      sizes: Record<string, { loaded: object; queries: Record<string, unknown> }>;
    };
    const { loaded, queries } = sizes['3000']!;
    expect(loaded).toMatchObject({ spans: expect.toSatisfy((spans: number) => spans >= 2_700) });
    expect(Object.keys(queries)).toContain('rare attribute = value');
    for (const times of Object.values(queries)) {
      expect(times).toMatchObject({
        warm: { count: 3, p99Ms: positive, cpuMs: expect.any(Number) },
        cold: { count: 2, p99Ms: positive },
      });
    }
  },
);
