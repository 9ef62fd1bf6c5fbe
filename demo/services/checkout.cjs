/** Turns a basket into an order: inventory, gift card, payment, parcel. CommonJS, node:http and fetch. */
'use strict';
const http = require('node:http');

const reservationTimeoutMs = 600;
const paymentTimeoutMs = 1000;
const parcelTimeoutMs = 2500;

// Two sockets are plenty for a quiet day.
const inventoryAgent = new http.Agent({ keepAlive: true, maxSockets: 2 });

/** Posts JSON by node:http; resolves with the parsed answer, rejects with what went wrong. */
function post(url, body, options) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { ...options, method: 'POST' }, async (response) => {
      try {
        const chunks = [];
        for await (const chunk of response) chunks.push(chunk);
        if (response.statusCode >= 400) reject(new Error(`${url} answered ${response.statusCode}`));
        else resolve(JSON.parse(Buffer.concat(chunks).toString()));
      } catch (error) {
        reject(error);
      }
    });
    request.on('timeout', () => request.destroy(new Error(`${url} timed out after ${options.timeout} ms`)));
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

async function charge(order) {
  const path = order.instalments ? '/instalments' : '/charges';
  const response = await fetch(process.env.PAYMENTS_URL + path, {
    method: 'POST',
    body: JSON.stringify(order),
    signal: AbortSignal.timeout(paymentTimeoutMs),
  });
  if (!response.ok) throw new Error(`payments answered ${response.status}`);
  return response.json();
}

async function placeOrder(order) {
  const agent = inventoryAgent;
  const signal = AbortSignal.timeout(reservationTimeoutMs);
  await post(process.env.INVENTORY_URL + '/reservations', order, { agent, signal });
  // The gift cards' service was switched off and its name removed; this line was forgotten.
  if (order.giftCard) await fetch(`http://giftcards.shop.test/cards/${order.giftCard}`);
  await charge(order);
  return post(process.env.SHIPPING_URL + '/parcels', order, { agent: false, timeout: parcelTimeoutMs });
}

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('content-type', 'application/json');
  try {
    response.end(JSON.stringify(await placeOrder(JSON.parse(Buffer.concat(chunks).toString()))));
  } catch (error) {
    response.statusCode = 503;
    response.end(JSON.stringify({ error: String(error) }));
  }
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${server.address().port}`);
});
