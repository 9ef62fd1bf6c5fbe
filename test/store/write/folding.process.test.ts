/** When spans become a block: sooner while somebody asks for sums, or for traces to diagnose. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ASKED_MS } from '../../../collector/store/sqlite/write/folding.ts';
import { openWriter } from '../../../collector/store/sqlite/write/writer.ts';
import { AT_ONCE, makeRequest, type SentSpan } from '../make-request.ts';

const PATIENCE = { quietMs: 2_000, waitMs: 30_000 };

function startWriter() {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-folding-'));
  vi.useFakeTimers();
  let unfolded = 0;
  const writer = openWriter(folder, (rows) => (unfolded = rows));
  onTestFinished(() => {
    writer.close();
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });
  let sent = 0;
  const append = async (count: number, span: SentSpan) => {
    const spans = Array.from({ length: count }, () => ({ ...span, id: (++sent).toString(16) }));
    const bytes = makeRequest(...spans);
    const appended = writer.append({ bytes, lengths: [bytes.length] });
    await vi.advanceTimersByTimeAsync(1);
    await appended;
  };
  return { writer, append, unfolded: () => unfolded };
}

test('many spans wait for larger blocks until somebody asks for sums, and while nobody does', async () => {
  const { writer, append, unfolded } = startWriter();
  await append(5_000, { trace: 'a' });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(unfolded()).toBe(5_000);

  await Promise.all([writer.settleAll(), vi.advanceTimersByTimeAsync(100)]);
  expect(unfolded()).toBe(0);

  await append(5_000, { trace: 'b' });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(unfolded()).toBe(0);

  await vi.advanceTimersByTimeAsync(ASKED_MS);
  await append(5_000, { trace: 'c' });
  await vi.advanceTimersByTimeAsync(2_000);
  expect(unfolded()).toBe(5_000);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(unfolded()).toBe(0);
});

test('failures are folded for their diagnosis when they may be due, and at once when there is hardly anything', async () => {
  const { writer, append, unfolded } = startWriter();
  await append(10, { trace: 'a', error: 'ETIMEDOUT' });
  writer.settleFailures(PATIENCE);
  expect(unfolded()).toBe(0);

  await append(1_000, { trace: 'b', error: 'ETIMEDOUT' });
  writer.settleFailures(PATIENCE);
  expect(unfolded()).toBe(1_000);
  await vi.advanceTimersByTimeAsync(PATIENCE.quietMs);
  writer.settleFailures(PATIENCE);
  expect(unfolded()).toBe(0);

  await append(1_000, { trace: 'c', error: 'ETIMEDOUT' });
  writer.settleFailures(AT_ONCE);
  expect(unfolded()).toBe(0);
});

test('who asks while a fold that takes long is in hand waits for what came meanwhile, too', async () => {
  const { writer, append, unfolded } = startWriter();
  await append(5_000, { trace: 'a' });
  await vi.advanceTimersByTimeAsync(3_990);
  while (performance.now() < 4_000) await vi.advanceTimersToNextTimerAsync();
  await vi.advanceTimersToNextTimerAsync();
  const spans = Array.from({ length: 5_000 }, (_, index) => ({ trace: 'b', id: (index + 1).toString(16) }));
  const bytes = makeRequest(...spans);
  const appended = writer.append({ bytes, lengths: [bytes.length] });
  await vi.advanceTimersToNextTimerAsync();
  await appended;
  expect(unfolded()).toBe(10_000);

  const left = writer.settleAll().then(unfolded);
  const now = performance.now();
  vi.spyOn(performance, 'now').mockReturnValue(now + 1_000);
  onTestFinished(() => void vi.restoreAllMocks());
  await vi.advanceTimersByTimeAsync(100);
  expect(await left).toBe(0);
});
