/** A new folder for each test of a file that imports this, with the stores that it opens, which end with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import type { Store } from '../../collector/store/store.ts';

export let folder: string;
const stores: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sockeye-store-'));
});
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

export async function open(at = folder): Promise<Store> {
  const store = await openStore({ folder: at });
  stores.push(store);
  return store;
}
