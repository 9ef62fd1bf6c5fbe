/** The bank: somebody else's HTTPS service, without the hook, a new connection for every request. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Slower than anybody waits. */
const creditCheckMs = 4000;

const server = createServer(
  {
    key: readFileSync(new URL('bank-key.pem', import.meta.url)),
    cert: readFileSync(new URL('bank-cert.pem', import.meta.url)),
  },
  (request, response) => {
    request.resume();
    const answer = () => {
      response.setHeader('content-type', 'application/json');
      response.setHeader('connection', 'close');
      response.end('{"authorised":true}');
    };
    setTimeout(answer, request.url === '/credit-checks' ? creditCheckMs : 15);
  },
);

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
