/** A service whose routes each do one thing to the URL in `?to=`; prints its port. */
const http = require('node:http');
const net = require('node:net');
const { trace } = require('@opentelemetry/api');

const agent = new http.Agent({ keepAlive: true });

const get = (url, options = {}) =>
  new Promise((resolve, reject) => {
    http
      .get(url, { agent, ...options }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });

let release;

const routes = {
  http: (to) => get(to),
  fetch: async (to) => (await fetch(to)).text(),
  manual: (to) =>
    trace.getTracer('own').startActiveSpan('own work', (span) => get(to).finally(() => span.end())),
  /** Calls out from the events of the request's body, as every body parser does, and once more from those of the answer. */
  'after-body': (to, request) =>
    new Promise((resolve) => {
      request.resume().once('end', () => {
        http.get(to, { agent }, (first) => {
          first.resume().once('end', () => {
            http.get(`${to}-again`, { agent }, (second) =>
              second.resume().once('end', () => resolve('twice')),
            );
          });
        });
      });
    }),
  /** Headers as an array, which Node turns into text before any channel fires. */
  'array-headers': (to) => get(to, { headers: ['Host', new URL(to).host, 'Accept', '*/*'] }),
  'custom-lookup': (to) =>
    get(to, {
      agent: undefined,
      lookup: (_host, _options, done) =>
        done(null, [
          { address: '127.0.0.2', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ]),
    }),
  unread: async (to) => String((await fetch(to)).status),
  /** Read neither the body nor keep the answer: undici notices when it is collected, Node when the server closes. */
  forgotten: async (to) => {
    await fetch(to);
    gc();
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    return 'forgotten';
  },
  'forgotten-http': (to) => new Promise((resolve) => http.get(to, { agent }, () => resolve('forgotten'))),
  'thrown-away': (to) =>
    new Promise((resolve) => {
      http.get(to, (response) => {
        response.destroy();
        response.once('close', () => resolve('closed'));
      });
    }),
  upgrade: (to) =>
    new Promise((resolve) => {
      const request = http.get(to, { headers: { connection: 'upgrade', upgrade: 'echo' } });
      request.once('upgrade', (_response, socket) => {
        socket.destroy();
        resolve('upgraded');
      });
    }),
  socket: (to) =>
    new Promise((resolve) => {
      const { hostname, port } = new URL(to);
      const socket = net.connect({ host: hostname, port: Number(port) }, () => {
        socket.destroy();
        resolve('connected');
      });
    }),
  'npm-undici': async (to) => {
    const { request } = require('undici');
    return (await request(to)).body.text();
  },
  'undici-timer': (to) =>
    require('undici')
      .request(to, { headersTimeout: 300 })
      .catch((error) => error.code),
  /** The one connection of the pool is taken by an answer that never ends: the second fetch waits until it is given up. */
  'full-pool': async (to) => {
    const undici = require('undici');
    const usual = undici.getGlobalDispatcher();
    undici.setGlobalDispatcher(new undici.Agent({ connections: 1, pipelining: 1 }));
    const holding = new AbortController();
    await fetch(new URL('/endless', to), { signal: holding.signal });
    const outcome = await fetch(to, { signal: AbortSignal.timeout(300) }).catch((error) => error.name);
    holding.abort();
    undici.setGlobalDispatcher(usual);
    return outcome;
  },
  /** Answers although the call that it made was given up. */
  'given-up': (to) => fetch(to, { signal: AbortSignal.timeout(300) }).catch((error) => error.name),
  /** The same, but goes on until `/release` is asked for. */
  'given-up-held': async (to) => {
    const released = new Promise((resolve) => (release = resolve));
    await routes['given-up'](to);
    await released;
    return 'released';
  },
  release: () => {
    release();
    return 'done';
  },
  failing: () => {
    throw new Error('a fault of the service itself');
  },
};

const server = http.createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://service');
  if (pathname === '/late') {
    // Goes on with its work although the client has left.
    response.once('close', () => setTimeout(() => response.end('too late'), 100));
    response.flushHeaders();
    return;
  }
  if (pathname === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end('data: 1\n\n');
    return;
  }
  try {
    response.end(await routes[pathname.slice(1)](searchParams.get('to'), request));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
