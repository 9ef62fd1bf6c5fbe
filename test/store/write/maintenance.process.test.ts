/** The store is tidied up also while something is written again and again. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { diagnosisToSave } from '../../../collector/query/diagnosis-to-save.ts';
import { databasePath } from '../../../collector/store/sqlite/open-database.ts';
import { openWriter } from '../../../collector/store/sqlite/write/writer.ts';
import { makeVerdict } from '../../query/make-verdict.ts';
import { makeRequest, traceId } from '../make-request.ts';

test('the log is cut off although verdicts are saved every second', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sockeye-maintenance-'));
  vi.useFakeTimers();
  const writer = openWriter(folder);
  onTestFinished(() => {
    writer.close();
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });
  const bytes = makeRequest({ trace: 'a', error: 'ETIMEDOUT' });
  const appended = writer.append({ bytes, lengths: [bytes.length] });
  await vi.advanceTimersByTimeAsync(5_000);
  await appended;

  const diagnosis = { traceId: traceId('a'), complete: true, verdicts: [makeVerdict()] };
  const logBytes: number[] = [];
  for (let second = 0; second < 6; second++) {
    writer.saveDiagnoses([{ ...diagnosisToSave(diagnosis, []), spanCount: 1 }]);
    logBytes.push(statSync(`${databasePath(folder)}-wal`).size);
    await vi.advanceTimersByTimeAsync(1_000);
    logBytes.push(statSync(`${databasePath(folder)}-wal`).size);
  }
  expect(Math.max(...logBytes)).toBeGreaterThan(0);
  expect(logBytes).toContain(0);
});
