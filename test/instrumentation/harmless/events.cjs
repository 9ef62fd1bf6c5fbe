/** The events of requests, answers, sockets and servers, and their order, when calls go well and when they do not. */
const http = require('node:http');
const { noteEvents, print, withServer } = require('./observe.cjs');

const requestEvents = [
  'socket',
  'finish',
  'response',
  'information',
  'continue',
  'upgrade',
  'timeout',
  'abort',
  'error',
  'close',
  'prefinish',
];
const answerEvents = ['end', 'aborted', 'error', 'close'];
const socketEvents = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connect',
  'ready',
  'timeout',
  'end',
  'error',
  'close',
  'free',
];

const answers = {
  '/plain': (_request, response) => response.end('plain'),
  '/chunks': (_request, response) => {
    response.write('one');
    setTimeout(() => response.end('two'), 20);
  },
  '/headers-only': (_request, response) => response.writeHead(204).end(),
  '/early': (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('after a hint');
  },
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('a part', () => response.destroy());
  },
  '/hang': () => {},
  '/no-answer': (request) => request.socket.destroy(),
};

/** Makes a call and gives the events of both sides, in order on each: how they interleave is the kernel's affair. */
function call(server, port, { path, prepare, ...options }) {
  const client = [];
  const serving = [];
  server.once('request', (request, response) => {
    noteEvents(serving, 'request', request, ['end', 'aborted', 'error', 'close']);
    noteEvents(serving, 'response', response, ['prefinish', 'finish', 'error', 'close']);
  });
  return new Promise((resolve) => {
    const request = http.request({ host: '127.0.0.1', port, path, ...options });
    noteEvents(client, 'request', request, requestEvents);
    request.on('socket', (socket) => noteEvents(client, 'socket', socket, socketEvents));
    request.on('response', (response) => {
      noteEvents(client, 'answer', response, answerEvents);
      response.on('data', (chunk) => client.push(`answer data ${chunk}`));
    });
    request.on('error', () => {});
    request.on('close', () => setTimeout(() => resolve({ client, serving }), 50));
    (prepare ?? ((each) => each.end()))(request);
  });
}

const calls = {
  'a plain one': { path: '/plain' },
  'on a reused connection': {
    path: '/plain',
    agent: new http.Agent({ keepAlive: true, maxSockets: 1 }),
    times: 2,
  },
  'with a body': { path: '/chunks', method: 'POST', prepare: (request) => request.end('body') },
  'with a streamed body': {
    path: '/chunks',
    method: 'PUT',
    prepare(request) {
      request.write('one');
      setTimeout(() => request.end('two'), 20);
    },
  },
  'without a body in the answer': { path: '/headers-only' },
  'with early hints': { path: '/early' },
  'with a name to look up': { path: '/plain', host: 'localhost', family: 4 },
  'without an agent': { path: '/plain', agent: false },
  'cut short': { path: '/cut' },
  'not answered': { path: '/no-answer' },
  'given up by a time-out': {
    path: '/hang',
    timeout: 50,
    prepare: (request) => request.on('timeout', () => request.destroy()).end(),
  },
  'given up by a signal': { path: '/hang', signal: AbortSignal.timeout(400) },
  'destroyed before it was sent': { path: '/plain', prepare: (request) => request.destroy() },
  'destroyed with an error': {
    path: '/hang',
    prepare: (request) => request.end(() => request.destroy(new Error('enough'))),
  },
  refused: { path: '/', port: 2 },
  'of a name that does not exist': {
    path: '/',
    lookup: (_host, _options, done) => done(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })),
    host: 'nowhere.test',
  },
};

async function main() {
  const server = http.createServer((request, response) => answers[request.url](request, response));
  await withServer(server, async (port) => {
    for (const [name, { times = 1, port: otherPort = port, ...options }] of Object.entries(calls)) {
      for (let round = 0; round < times; round += 1) {
        const { client, serving } = await call(server, otherPort, options);
        print(name, 'client', client);
        print(name, 'server', serving);
        server.removeAllListeners('request');
        server.on('request', (request, response) => answers[request.url](request, response));
      }
    }
  });
}

main();
