/** The service in the middle: makes, for each path, the call that fails in the way the path says. */
import http from 'node:http';
import https from 'node:https';

const { PAYMENTS_PORT, FULL_PORT, CLOSED_PORT, MUTE_PORT } = process.env;
const payments = `http://payments.shop.test:${PAYMENTS_PORT}`;

/** Resolves with the body's length; rejects with the error of the request or of its body. */
function get(url, options = {}) {
  const { request } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const call = request(url, options, (response) => {
      let bytes = 0;
      response.on('data', (chunk) => (bytes += chunk.length));
      response.on('end', () => resolve(bytes));
      response.on('error', reject);
    });
    call.on('timeout', () => call.destroy(new Error('timed out')));
    call.on('error', reject);
    call.end();
  });
}

async function waitForSocket() {
  const agent = new http.Agent({ maxSockets: 1 });
  const holder = get(`${payments}/late`, { agent });
  await Promise.all([holder, get(`${payments}/pay`, { agent, signal: AbortSignal.timeout(600) })]);
}

const calls = {
  '/well': () => get(`${payments}/pay`),
  '/syn-unanswered': () => get(`http://full.shop.test:${FULL_PORT}/`, { timeout: 1500 }),
  '/refused': () => get(`http://closed.shop.test:${CLOSED_PORT}/`),
  '/tls-stalled': () => get(`https://mute.shop.test:${MUTE_PORT}/`, { signal: AbortSignal.timeout(800) }),
  '/never-answered': () => get(`${payments}/never`, { agent: false, timeout: 800 }),
  '/body-stalled': () => get(`${payments}/half`, { agent: false, timeout: 800 }),
  '/pool-wait': waitForSocket,
  '/dns-unknown': () => fetch('http://nobody.shop.test/'),
  '/dns-silent': () => get('http://silent.shop.test/', { timeout: 800 }),
  '/aborted': () => fetch(`${payments}/never`, { signal: AbortSignal.timeout(700) }),
};

const server = http.createServer(async (request, response) => {
  try {
    await calls[request.url]();
    response.end('ordered');
  } catch (error) {
    response.statusCode = 503;
    response.end(String(error));
  }
});

server.listen(0, '127.0.0.1', () => console.log(`listening on port ${server.address().port}`));
