/** What a server sees of requests of every kind, well formed or not: events, errors, listeners, its AsyncLocalStorage, what goes over the wire. */
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');
const net = require('node:net');
const { PassThrough } = require('node:stream');
const { describeError, noteEvents, print, withServer } = require('./observe.cjs');

const storage = new AsyncLocalStorage();
let notes = [];
/** Called when the handler of a client that has left is done. */
let lateDone = () => {};

const answers = {
  '/late': (_request, response) => {
    setTimeout(() => {
      response.end('late');
      setImmediate(lateDone);
    }, 100);
  },
  '/twice': (_request, response) => {
    response.end('a');
    response.end('b', (error) => notes.push(['ended', error?.code]));
    try {
      response.setHeader('x', '1');
    } catch (error) {
      notes.push(describeError(error, 1));
    }
  },
  '/destroyed': (_request, response) => response.destroy(new Error('destroyed')),
  '/cut': (request) => request.socket.destroy(),
  '/timeout': (_request, response) => response.setTimeout(40, () => response.end('timed out')),
  '/piped': (_request, response) => {
    const source = new PassThrough();
    source.pipe(response);
    source.write('x');
    setTimeout(() => source.end('y'), 20);
  },
  '/trailers': (_request, response) => {
    response.writeHead(200, { trailer: 'x-end' });
    response.write('body');
    response.addTrailers({ 'x-end': 'yes' });
    response.end();
  },
  '/informed': (_request, response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('informed');
  },
};
const answer = (request, response) => request.resume().on('end', () => response.end(`to ${request.url}`));

function serve(request, response) {
  const { url, socket } = request;
  const counts = [socket, request, response].map((each) =>
    ['end', 'finish', 'close', 'error', 'timeout'].map((event) => each.listenerCount(event)),
  );
  notes.push([url, storage.getStore() ?? null, ...counts]);
  noteEvents(notes, 'request', request, ['end', 'aborted', 'error', 'close']);
  noteEvents(notes, 'response', response, ['prefinish', 'finish', 'error', 'close', 'timeout', 'pipe']);
  storage.run(`serving ${url}`, () => {
    response.on('close', () => {
      const { remoteAddress = null } = socket;
      const { writableEnded, writableFinished, headersSent } = response;
      const state = {
        remoteAddress,
        writableEnded,
        writableFinished,
        headersSent,
        complete: request.complete,
      };
      notes.push([storage.getStore(), state]);
    });
    (answers[url] ?? answer)(request, response);
  });
}

const get = (url, more = '') => `GET ${url} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const last = 'Connection: close\r\n';
const post = (url, more, body) => `POST ${url} HTTP/1.1\r\nHost: x\r\n${last}${more}\r\n${body}`;
const requests = {
  plain: get('/plain', last),
  pipelined: get('/one') + get('/two') + get('/three', last),
  'of a client that leaves': get('/late'),
  ...Object.fromEntries(Object.keys(answers).map((url) => [url, get(url, last)])),
  'of HTTP 1.0': 'GET /old HTTP/1.0\r\n\r\n',
  'without a host': 'GET /x HTTP/1.1\r\n\r\n',
  'with a body in chunks': post('/chunks', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'),
  'without a body': `HEAD /head HTTP/1.1\r\nHost: x\r\n${last}\r\n`,
  'with a body that does not come': post('/partial', 'Content-Length: 10\r\n', 'abc'),
  'with too many headers': get('/many', `x: ${'y'.repeat(20_000)}\r\n`),
  'that is none': 'NONSENSE\r\n\r\n',
  'with a bad header': get('/bad', 'x y: 1\r\n'),
  'with a bad chunk': post('/bad-chunk', 'Transfer-Encoding: chunked\r\n', 'zz\r\n'),
  'that waits for a word': post('/word', 'Expect: 100-continue\r\nContent-Length: 2\r\n', 'ab'),
  'with an odd expectation': get('/odd', `Expect: nonsense\r\n${last}`),
  CONNECT: 'CONNECT a.test:1 HTTP/1.1\r\nHost: a.test\r\n\r\n',
  upgrade: get('/upgrade', 'Connection: upgrade, close\r\nUpgrade: x\r\n'),
};

/** Sends the text, and gives what came back until the server closed. A client that leaves does so when the server has the request. */
function send(server, port, name, text) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let got = '';
    socket.on('data', (chunk) => (got += chunk)).on('error', ({ code }) => (got += code));
    if (name === 'of a client that leaves') {
      lateDone = () => resolve('left');
      server.once('request', () => socket.destroy());
    } else socket.once('close', () => resolve(got.replaceAll(/Date: .*\r\n/g, '')));
  });
}

/** What only a server that asks for it hears of. */
function listenFor(server) {
  const counts = (socket) => ['data', 'end', 'close', 'error'].map((event) => socket.listenerCount(event));
  const took = (kind, reply) => (request, socket, head) => {
    notes.push([kind, request.url, head.length, counts(socket), Object.keys(socket).toSorted()]);
    socket.end(reply);
  };
  server.on('clientError', (error, socket) => {
    notes.push(describeError(error, 0), error.bytesParsed, error.rawPacket?.length);
    socket.destroy();
  });
  server.on('checkContinue', (request, response) => {
    notes.push(['checkContinue', storage.getStore() ?? null]);
    response.writeContinue();
    serve(request, response);
  });
  server.on('checkExpectation', (_request, response) => response.writeHead(417).end());
  server.on('connect', took('connect', 'HTTP/1.1 200 OK\r\n\r\nthere'));
  server.on('upgrade', took('upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\nthere'));
}

async function main() {
  const limits = { requestTimeout: 300, headersTimeout: 200, connectionsCheckingInterval: 50 };
  const server = http.createServer(limits, serve);
  await withServer(server, async (port) => {
    for (const isListening of [false, true]) {
      if (isListening) listenFor(server);
      for (const [name, text] of Object.entries(requests)) {
        notes = [];
        const got = await send(server, port, name, text);
        // What the server is still told after the client has seen the end.
        await new Promise((resolve) => setTimeout(resolve, 30));
        print(name, isListening, got, ...notes);
      }
    }
  });
}

main();
