/** Space that retention freed is the disk's again, while spans go on arriving. */
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { databasePath } from '../../collector/store/sqlite/open-database.ts';
import { makeRequest, traceId } from './make-request.ts';
import { folder, open } from './new-folder.ts';

/** Random text, as base64: that of all requests is more than what the file keeps for new blocks. */
const REQUESTS = 20;
const RANDOM_BYTES = 4_500_000;

test('what retention drops is given back to the disk, and what arrives meanwhile is stored', async () => {
  let store = await open();
  const fileBytes = () => statSync(databasePath(folder)).size;
  for (let request = 1; request <= REQUESTS; request++) {
    const filler = randomBytes(RANDOM_BYTES).toString('base64');
    await store.append(makeRequest({ trace: request.toString(16), attributes: { filler } }));
  }
  const { oldestUnixMs } = await store.status();
  // Now all of it is in the file, and none beside it.
  await store.close();
  const grown = fileBytes();
  expect(grown).toBeGreaterThan(REQUESTS * RANDOM_BYTES);
  store = await open();
  await expect.poll(() => Date.now()).toBeGreaterThan(oldestUnixMs!);

  let arrived = 0;
  const over = new AbortController();
  const dropping = store.applyRetention(0, 1e12).finally(() => over.abort());
  while (!over.signal.aborted) await store.append(makeRequest({ trace: `f${++arrived}` }));
  const dropped = await dropping;
  expect(arrived).toBeGreaterThan(1);
  expect(dropped).toBeGreaterThanOrEqual(REQUESTS);
  expect((await store.status()).spans).toBe(REQUESTS + arrived - dropped);
  await store.append(makeRequest({ trace: 'e' }));
  expect(await store.readTrace(traceId('e'))).toHaveLength(1);
  await store.close();
  expect(fileBytes()).toBeLessThan(grown - 15_000_000);
}, 60_000);
