/** Jobs are done one after the other, a step at a time. */
import { expect, test } from 'vitest';
import { Jobs, type Steps } from '../../../collector/store/sqlite/write/jobs.ts';

function* work(name: string, steps: number, log: string[]): Steps<string> {
  for (let step = 1; step <= steps; step++) {
    log.push(`${name}${step}`);
    yield step / (steps + 1);
  }
  return name;
}

test('a job begins when the one before is done, and answers at its end', async () => {
  const jobs = new Jobs();
  const log: string[] = [];
  const results = [jobs.add(() => work('a', 2, log)), jobs.add(() => work('b', 1, log))];
  jobs.step();
  expect(log).toEqual(['a1']);
  expect(jobs.progress).toBeCloseTo(1 / 3);
  const urgent = jobs.add(() => work('c', 1, log), 'first');
  jobs.finish();
  expect(log).toEqual(['a1', 'a2', 'c1', 'b1']);
  expect(await Promise.all([...results, urgent])).toEqual(['a', 'b', 'c']);
  expect(jobs).toMatchObject({ isBusy: false, progress: 1 });
  jobs.step();
});

test('a job that fails says so to who asked for it, and the next begins', async () => {
  const jobs = new Jobs();
  // oxlint-disable-next-line require-yield
  const failing = jobs.add(function* (): Steps<void> {
    throw new Error('broken');
  });
  const next = jobs.add(() => work('a', 1, []));
  jobs.finish();
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('a');
});

test('what is cancelled is never continued', async () => {
  const jobs = new Jobs();
  const log: string[] = [];
  const both = [jobs.add(() => work('a', 2, log)), jobs.add(() => work('b', 1, log))];
  jobs.step();
  jobs.cancel(new Error('purged'));
  jobs.finish();
  expect(log).toEqual(['a1']);
  for (const job of both) await expect(job).rejects.toThrow('purged');
});
