/** What surrounds a program: globals, process, environment, open handles, listeners, warnings, headers on the wire. */
const { EventEmitter } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { inspect } = require('node:util');
const { get, print, withServer } = require('./observe.cjs');

process.on('warning', ({ name, message }) => print('warning', name, message));

/** Names and values, without those of the test and of what is to be told apart. */
const environment = () =>
  Object.entries(process.env).filter(([name]) => !/^(OTEL_|NODE_OPTIONS|SOCKEYE_)/.test(name));

function statics() {
  print('globals', Object.getOwnPropertyNames(globalThis).toSorted());
  print('enumerable globals', Object.keys(globalThis));
  print('environment', environment());
  print('argv', process.argv.slice(2), process.title, process.exitCode, process.argv0);
  print('errors', Error.stackTraceLimit, typeof Error.prepareStackTrace);
  print('defaults', EventEmitter.defaultMaxListeners, http.globalAgent.keepAlive, http.globalAgent.options);
  print(
    'prototypes',
    ...[net.Socket, http.ClientRequest, http.IncomingMessage, http.ServerResponse, http.Server].map(
      ({ name, prototype }) => [name, Object.keys(prototype).toSorted()],
    ),
  );
}

/** What a request carries, as the peer reads it: the order and case of names, and the framing of the body. */
async function headers() {
  const trace = /^(traceparent|tracestate|baggage)$/i;
  const server = http.createServer((request, response) => {
    const pairs = request.rawHeaders.flatMap((name, index, all) =>
      index % 2 === 0 ? [[name, all[index + 1]]] : [],
    );
    response.setHeader('X-Served', 'yes');
    request
      .resume()
      .once('end', () => response.end(JSON.stringify(pairs.filter(([name]) => !trace.test(name)))));
  });
  await withServer(server, async (port) => {
    const where = { host: '127.0.0.1', port };
    const asked = {
      plain: { ...where },
      cased: { ...where, headers: { 'X-Custom-Case': '1', accept: '*/*', HOST: 'other.test' } },
      several: { ...where, headers: { cookie: ['a=1', 'b=2'], 'x-list': ['1', '2'] } },
      array: { ...where, headers: ['Host', 'x.test', 'X-One', '1', 'X-One', '2'] },
      'with a user': { ...where, auth: 'user:pass' },
      'kept alive': { ...where, agent: new http.Agent({ keepAlive: true }) },
    };
    for (const [name, options] of Object.entries(asked)) {
      const { response, text } = await get(options);
      const isDate = (_each, index, all) => all[index] === 'Date' || all[index - 1] === 'Date';
      print(
        'headers',
        name,
        JSON.parse(text),
        response.rawHeaders.filter((...each) => !isDate(...each)),
      );
      options.agent?.destroy();
    }
    const body = (init) =>
      fetch(`http://127.0.0.1:${port}/`, { method: 'POST', ...init }).then((answer) => answer.json());
    print('headers', 'fetch', await body({ body: 'text', headers: { 'X-A': '1' } }));
    print('headers', 'fetch form', await body({ body: new URLSearchParams('a=1') }));
    print('headers', 'fetch stream', await body({ body: new Blob(['abc']).stream(), duplex: 'half' }));
    print(
      'inspected',
      inspect(
        http
          .request({ ...where, path: '/x' })
          .on('error', () => {})
          .destroy(),
      )
        .replaceAll(/\d{4,}/g, 'N')
        .split('\n').length > 50,
    );
  });
}

/** Adds as many listeners as there may be without a warning, to everything that the hook listens to as well. */
async function listeners() {
  const fill = (emitter, counts) => {
    for (const [event, count] of Object.entries(counts)) {
      for (let added = 0; added < count; added += 1) emitter.on(event, () => {});
    }
  };
  // Ten, less those of Node itself and of this program.
  const ofRequest = { socket: 8, finish: 9, close: 10, error: 10, timeout: 10, upgrade: 10 };
  const ofSocket = { lookup: 10, connect: 7, timeout: 7, close: 7, connectionAttempt: 10 };
  const server = http.createServer((request, response) => {
    fill(request, { end: 9, close: 10 });
    fill(response, { prefinish: 10, close: 10 });
    response.end('answer');
  });
  await withServer(server, async (port) => {
    await new Promise((resolve) => {
      const request = http.get({ host: 'localhost', family: 4, port }, (response) => {
        response.resume().once('close', resolve);
        fill(response, { end: 9, close: 9 });
      });
      request.once('socket', (socket) => fill(socket, ofSocket));
      fill(request, ofRequest);
    });
    await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => socket.destroy());
      socket.once('close', resolve);
      fill(socket, { lookup: 10, connect: 8, timeout: 10, close: 9, error: 10 });
    });
  });
  const ofProcess = { exit: 10, beforeExit: 10, SIGTERM: 10, SIGINT: 10, uncaughtExceptionMonitor: 10 };
  fill(process, ofProcess);
  // Warnings come with the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  print(
    'listeners',
    Object.keys(ofProcess).map((event) => process.listeners(event).length > 0),
  );
  for (const event of Object.keys(ofProcess)) process.removeAllListeners(event);
}

/** Without those of the output, and without requests to the system, which are over in a moment. */
async function handles() {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const passing = /^(?:PipeWrap|TTYWrap|WriteWrap|CloseReq|FSReq\w*)$/;
  print(
    'handles',
    process.getActiveResourcesInfo().filter((name) => !passing.test(name)),
  );
}

async function main() {
  statics();
  await handles();
  await headers();
  await handles();
  await listeners();
  await handles();
}

main();
