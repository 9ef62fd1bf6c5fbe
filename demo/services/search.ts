/** Finds products: an index in memory, read by gateway and catalog. ES module, node:http. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const deepSearchMs = 900;
const slowRelationsMs = 700;
const productCount = 200;

/** Ids of products whose name contains the words; undefined for a query this index cannot read. */
async function find(words: string, deep: boolean): Promise<number[] | undefined> {
  if (words === '*') return undefined;
  if (deep) await sleep(deepSearchMs);
  const ids = Array.from({ length: productCount }, (_, index) => index + 1);
  return ids.filter((id) => `product ${id}`.includes(words.toLowerCase())).slice(0, 20);
}

/** Ids of products that people bought with this one; one product has far too many. */
async function relatedTo(id: number): Promise<number[]> {
  if (id === 42) await sleep(slowRelationsMs);
  return [1, 2, 3].map((step) => ((id + step * 17) % productCount) + 1);
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://search');
  response.setHeader('content-type', 'application/json');
  if (url.pathname === '/related') {
    response.end(JSON.stringify(await relatedTo(Number(url.searchParams.get('id')))));
    return;
  }
  const ids = await find(url.searchParams.get('q') ?? '', url.searchParams.has('deep'));
  // The bug of this service: a query it cannot read gets no answer at all.
  if (ids) response.end(JSON.stringify(ids));
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
