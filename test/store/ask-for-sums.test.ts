/** Who asks for sums while the first who did still waits for them. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAsking } from '../../collector/store/sqlite/ask-for-sums.ts';
import { ASKED_MS } from '../../collector/store/sqlite/write/folding.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The writer, as it answers in turn. */
function createWriter() {
  const answers: PromiseWithResolvers<void>[] = [];
  const ask = createAsking(() => {
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  });
  return { answers, ask };
}

test('all who ask wait for what the first waits for, and the writer is told once', async () => {
  const { answers, ask } = createWriter();
  const seen: string[] = [];
  const asked = ['first', 'second'].map((who) => ask().then(() => seen.push(who)));
  await vi.advanceTimersByTimeAsync(100);
  expect(seen).toEqual([]);
  expect(answers).toHaveLength(1);
  answers[0]!.resolve();
  await Promise.all(asked);
  expect(seen).toEqual(['first', 'second']);
  await ask();
  expect(answers).toHaveLength(1);
});

test('it is told again before it forgets', async () => {
  const { answers, ask } = createWriter();
  void ask();
  answers[0]!.resolve();
  vi.advanceTimersByTime(ASKED_MS / 2);
  await ask();
  expect(answers).toHaveLength(1);
  vi.advanceTimersByTime(1);
  void ask();
  expect(answers).toHaveLength(2);
});

test('when it could not be told, the next who asks tries again', async () => {
  const { answers, ask } = createWriter();
  const asked = Promise.allSettled([ask(), ask()]);
  answers[0]!.reject(new Error('the store is closed'));
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  void ask();
  expect(answers).toHaveLength(2);
});
