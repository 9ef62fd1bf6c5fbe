/** The shop's front door: passes requests on, each with a timer of its own, and says 504 when it fires. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** First match wins. `timeoutMs` is a socket timeout: silence, before or within the answer. */
const routes: { path: RegExp; backend: string | undefined; timeoutMs: number }[] = [
  { path: /^\/orders$/, backend: process.env.CHECKOUT_URL, timeoutMs: 4000 },
  { path: /^\/search/, backend: process.env.SEARCH_URL, timeoutMs: 500 },
  { path: /^\/report$/, backend: process.env.INVENTORY_URL, timeoutMs: 8000 },
  { path: /^\/(products|catalog\.csv)/, backend: process.env.CATALOG_URL, timeoutMs: 2000 },
];

function fail(response: ServerResponse, status: number, error: string): void {
  // A body that has begun can only be cut off.
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

function forward(incoming: IncomingMessage, response: ServerResponse): void {
  const route = routes.find(({ path }) => path.test(incoming.url ?? ''));
  if (!route) return fail(response, 404, 'no such page');
  let timedOut = false;
  const request = httpRequest(
    `${route.backend}${incoming.url}`,
    { method: incoming.method, timeout: route.timeoutMs },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, {
        'content-type': answer.headers['content-type'] ?? 'text/plain',
      });
      answer.pipe(response);
      answer.on('error', () => fail(response, 502, 'the answer was cut short'));
    },
  );
  request.on('timeout', () => {
    timedOut = true;
    request.destroy(new Error(`no answer within ${route.timeoutMs} ms`));
  });
  request.on('error', (error) => fail(response, timedOut ? 504 : 502, error.message));
  incoming.pipe(request);
}

const server = createServer(forward);
server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
