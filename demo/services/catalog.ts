/** Lists products from the database and asks search for related ones. ES module, node:http, fetch, pg. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'pg';

const relatedTimeoutMs = 300;
const db = new Pool({ connectionString: process.env.DB_URL, max: 4, connectionTimeoutMillis: 1500 });

async function related(id: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(relatedTimeoutMs);
    const response = await fetch(`${process.env.SEARCH_URL}/related?id=${id}`, { signal });
    return await response.json();
  } catch {
    return []; // nice to have: the page does without
  }
}

async function sendProduct(id: string, response: ServerResponse): Promise<void> {
  const { rows } = await db.query('select id, name, price_cents from products where id = $1', [Number(id)]);
  response.statusCode = rows[0] ? 200 : 404;
  response.end(JSON.stringify({ product: rows[0] ?? null, related: await related(id) }));
}

/** All products as CSV. For a language without translations it waits, in mid-file, for ones that never come. */
async function sendCsv(language: string | null, response: ServerResponse): Promise<void> {
  const { rows } = await db.query('select id, name, price_cents from products order by id');
  response.setHeader('content-type', 'text/csv');
  const lines = rows.map((row) => `${row.id},${row.name},${row.price_cents}\n`);
  response.write(lines.slice(0, lines.length / 2).join(''));
  if (language === 'eo') return;
  response.end(lines.slice(lines.length / 2).join(''));
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? '/', 'http://catalog');
  const id = /^\/products\/(\d+)$/.exec(url.pathname)?.[1];
  response.setHeader('content-type', 'application/json');
  try {
    if (id) return await sendProduct(id, response);
    if (url.pathname === '/catalog.csv') return await sendCsv(url.searchParams.get('language'), response);
    const { rows } = await db.query('select id, name, price_cents from products order by id limit 20');
    response.end(JSON.stringify(rows));
  } catch (error) {
    response.statusCode = 503;
    response.end(JSON.stringify({ error: String(error) }));
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
