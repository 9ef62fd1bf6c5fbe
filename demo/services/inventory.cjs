/** Reserves stock in the database and reports on it. CommonJS, node:http, pg. */
'use strict';
const http = require('node:http');
const { setTimeout: sleep } = require('node:timers/promises');
const { Pool } = require('pg');

const db = new Pool({ connectionString: process.env.DB_URL, max: 4, connectionTimeoutMillis: 1500 });

/** The robot that looks at the shelf takes its time. */
const scannerMs = 30;

/** What the stock report asks of the database: one honest, expensive query of some seconds. */
const reportQuery = `
  select count(*) as pairs, sum(a.price_cents % 7 + b.price_cents % 11 + n) as total
  from products a, products b, generate_series(1, 500) as n`;

async function reserve(order) {
  await sleep(scannerMs);
  const changed = await db.query(
    'update products set stock = stock - 1 where id = $1 and stock > 0 returning stock',
    [order.product],
  );
  return { reserved: changed.rowCount === 1 };
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

const server = http.createServer(async (request, response) => {
  response.setHeader('content-type', 'application/json');
  try {
    const answer =
      request.url === '/report'
        ? (await db.query(reportQuery)).rows[0]
        : await reserve(await readJson(request));
    response.end(JSON.stringify(answer));
  } catch (error) {
    response.statusCode = 503;
    response.end(JSON.stringify({ error: String(error) }));
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});
