/** Charges cards at the bank. ES module, node:http, node:https. */
import { createServer } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';

const authorisationTimeoutMs = 700;
// Longer than anybody who calls this service is willing to wait.
const creditCheckTimeoutMs = 3000;

function askBank(path: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', signal: AbortSignal.timeout(timeoutMs) };
    const request = httpsRequest(`${process.env.BANK_URL}${path}`, options, (response) => {
      response.resume();
      response.on('end', resolve);
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end('{}');
  });
}

const server = createServer((request, response) => {
  request.resume();
  request.on('end', async () => {
    response.setHeader('content-type', 'application/json');
    try {
      if (request.url === '/instalments') await askBank('/credit-checks', creditCheckTimeoutMs);
      await askBank('/authorisations', authorisationTimeoutMs);
      response.end('{"charged":true}');
    } catch (error) {
      response.statusCode = 502;
      response.end(JSON.stringify({ error: String(error) }));
    }
  });
});

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});
