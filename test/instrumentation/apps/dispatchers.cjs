/**
 * Calls through what undici has besides `fetch` and `request`, and through agents of `http` that go by a proxy. Arguments: the
 * ports of a plain server, an HTTPS server and a proxy. Prints how each ended, as one line of JSON. Stays until it is killed.
 */
const http = require('node:http');
const https = require('node:https');
const { Writable } = require('node:stream');
const undici = require('undici');

const [plainPort, securePort, proxyPort] = process.argv.slice(2);
const plain = `http://127.0.0.1:${plainPort}`;
const proxy = `http://localhost:${proxyPort}`;

const codeOf = (calling) => calling.catch((error) => error.code);
const textOf = async (calling) => (await calling).body.text();
const streamed = (dispatcher, path) =>
  codeOf(
    dispatcher
      .stream({ path, method: 'GET' }, () => new Writable({ write: (_chunk, _encoding, done) => done() }))
      .then(() => 'streamed'),
  );
const piped = (dispatcher, path) =>
  new Promise((resolve) => {
    const duplex = dispatcher.pipeline({ path, method: 'POST' }, ({ body }) => body);
    duplex.on('end', () => resolve('piped')).on('error', ({ code }) => resolve(code));
    duplex.end('body');
    duplex.resume();
  });
const got = ({ get }, url, agent) =>
  new Promise((resolve) => {
    get(url, { agent }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on(
      'error',
      ({ code }) => resolve(code),
    );
  });

async function main() {
  const pool = new undici.Pool(plain, { connections: 1 });
  const client = new undici.Client(plain);
  const retrying = new undici.RetryAgent(new undici.Agent(), { minTimeout: 1, maxRetries: 1 });
  const impatient = new undici.Agent({ headersTimeout: 1000 });
  // More than the kernels of both sides hold.
  const large = Buffer.alloc(30 << 20);
  const secure = `https://127.0.0.1:${securePort}`;
  const tunnels = new https.Agent({ keepAlive: true, proxyEnv: { HTTPS_PROXY: proxy } });
  const forwards = new http.Agent({ proxyEnv: { HTTP_PROXY: proxy } });
  const outcomes = {
    pool: await Promise.all([streamed(pool, '/held-stream'), streamed(pool, '/queued-stream')]),
    client: await textOf(client.request({ path: '/client', method: 'GET' })),
    pipeline: await piped(client, '/pipeline'),
    balanced: await textOf(new undici.BalancedPool([plain]).request({ path: '/balanced', method: 'GET' })),
    retried: await codeOf(textOf(undici.request(`${plain}/broken`, { dispatcher: retrying }))),
    late: await codeOf(textOf(undici.request(`${plain}/hang`, { headersTimeout: 1000 }))),
    lateClient: await codeOf(textOf(undici.request(`${plain}/hang-client`, { dispatcher: impatient }))),
    deaf: await codeOf(
      textOf(undici.request(`${plain}/deaf`, { method: 'POST', body: large, dispatcher: impatient })),
    ),
    announced: await codeOf(textOf(undici.request(`${plain}/announced`, { headersTimeout: 1000 }))),
    tunnelled: [await got(https, `${secure}/tunnel`, tunnels), await got(https, `${secure}/again`, tunnels)],
    forwarded: await got(http, `${plain}/forwarded`, forwards),
  };
  console.log(JSON.stringify(outcomes));
}

setInterval(() => {}, 1000);
main();
