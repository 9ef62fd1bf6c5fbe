/** A process of its own that appends to a store and says which appends were acknowledged, until it is killed. */
import { openStore } from '../../collector/store/sqlite/open-store.ts';
import { makeRequest } from './make-request.ts';

const AT_ONCE = 8;

const store = await openStore({ folder: process.argv[2]! });
let last = 0;

async function appendForever(): Promise<never> {
  for (;;) {
    const id = (++last).toString(16);
    const { stored } = await store.append(
      makeRequest({ trace: id, attributes: { filler: 'x'.repeat(500) } }),
    );
    if (stored === 1) process.stdout.write(`${id}\n`);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, appendForever));
