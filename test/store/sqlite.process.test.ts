/** The contract suite on SQLite. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { checkStoreContract } from './contract/check-contract.ts';
import type { Backend } from './contract/tested-store.ts';

function createBackend(): Backend {
  let folder = '';
  return {
    async open() {
      folder = await mkdtemp(join(tmpdir(), 'sockeye-store-'));
      return openStore({ folder });
    },
    async reopen(store) {
      await store.close();
      return openStore({ folder });
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

checkStoreContract('SQLite', createBackend());
