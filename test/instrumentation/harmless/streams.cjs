/** Streams of HTTP/2, TLS and raw sockets: their events in order, their errors, and what can be read of them in the end. */
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const { join } = require('node:path');
const tls = require('node:tls');
const { describeError, noteEvents, print, withServer } = require('./observe.cjs');

const pem = (name) => readFileSync(join(__dirname, '../tls', name));
const closedPort = 2;
const ends = ['end', 'finish', 'timeout', 'aborted', 'error', 'close'];
const streamEvents = ['ready', 'headers', 'response', 'trailers', 'wantTrailers', 'prefinish', ...ends];
const sessionEvents = ['connect', 'stream', 'goaway', 'localSettings', 'remoteSettings', ...ends];
const socketEvents = ['lookup', 'connectionAttempt', 'connectionAttemptFailed', 'connect', 'ready', ...ends];
const tlsEvents = [...socketEvents, 'secureConnect'];

/** A closed socket, as far as it does not differ from run to run. */
const facts = (socket) => {
  const { remoteAddress, remoteFamily, bytesRead, bytesWritten, destroyed, readyState, timeout } = socket;
  const keys = Object.keys(socket).toSorted();
  return { remoteAddress, remoteFamily, bytesRead, bytesWritten, destroyed, readyState, timeout, keys };
};

const answers = {
  '/plain': (stream) => stream.end('plain'),
  '/echo': (stream) => stream.pipe(stream),
  '/trailers': (stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
    stream.end('with trailers');
  },
  '/hint': (stream) => {
    stream.additionalHeaders({ ':status': 103 });
    stream.respond({ ':status': 204 }, { endStream: true });
  },
  '/reset': (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  '/half': (stream) => {
    stream.respond();
    stream.write('half', () => setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), 30));
  },
  '/none': () => {},
};

const later = (act) => (stream) => setTimeout(() => act(stream), 30);
const asked = [
  { path: '/plain' },
  { path: '/echo', body: 'body' },
  { path: '/trailers' },
  { path: '/hint' },
  { path: '/reset' },
  { path: '/half' },
  { path: '/none', act: later((stream) => stream.close()) },
  { path: '/none', act: later((stream) => stream.destroy(new Error('enough'))) },
  { path: '/none', act: (stream) => stream.destroy() },
  {
    path: '/none',
    act: (stream) => stream.setTimeout(40, () => stream.close(http2.constants.NGHTTP2_CANCEL)),
  },
  { path: '/none', signalMs: 60 },
];

async function ask(session, { path, body, act = () => {}, signalMs }) {
  const notes = [];
  const signal = signalMs && AbortSignal.timeout(signalMs);
  const stream = session.request({ ':path': path, ':method': body ? 'POST' : 'GET' }, { signal });
  noteEvents(notes, 'stream', stream, streamEvents);
  stream.on('error', (error) => notes.push(describeError(error, 1)));
  stream.on('data', (chunk) => notes.push(`data ${chunk}`));
  stream.end(body);
  act(stream);
  await new Promise((resolve) => stream.once('close', resolve));
  print('http2', path, notes, stream.rstCode, stream.destroyed, Object.keys(stream).toSorted());
}

async function overHttp2() {
  const served = [];
  const server = http2.createServer().on('stream', (stream, headers) => {
    const path = headers[':path'];
    served.push([path]);
    noteEvents(served.at(-1), 'served', stream, streamEvents);
    answers[path](stream);
  });
  await withServer(server, async (port) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const notes = [];
    noteEvents(notes, 'session', session, sessionEvents);
    for (const each of asked) await ask(session, each);
    session.close();
    await once(session, 'close');
    const [error] = await once(session.request(), 'error');
    print('http2 closed', describeError(error, 1));
    print('http2 session', notes);
  });
  for (const each of served) print(...each);
  const lost = http2.connect(`http://127.0.0.1:${closedPort}`);
  const notes = [];
  noteEvents(notes, 'session', lost, sessionEvents);
  const stream = lost.request();
  noteEvents(notes, 'stream', stream, streamEvents);
  for (const each of [lost, stream]) each.on('error', (error) => notes.push(describeError(error, 1)));
  await Promise.all([lost, stream].map((each) => new Promise((resolve) => each.once('close', resolve))));
  print('http2 refused', notes);
}

/** Follows a socket until it is closed. */
async function follow(name, socket, events) {
  const notes = [];
  noteEvents(notes, 'socket', socket, events);
  socket.on('error', (error) => notes.push(describeError(error, 1)));
  socket.on('data', (chunk) => notes.push(`data ${chunk}`));
  await new Promise((resolve) => socket.once('close', resolve));
  print(name, notes, facts(socket));
}

async function overTls() {
  const keys = { key: pem('key.pem'), cert: pem('certificate.pem') };
  const server = tls.createServer(keys, (socket) => socket.on('error', () => {}).end('hello'));
  server.on('tlsClientError', () => {});
  await withServer(server, async (port) => {
    const ways = [{ rejectUnauthorized: false }, {}, { rejectUnauthorized: false, maxVersion: 'TLSv1.2' }];
    for (const options of ways) {
      await follow('tls', tls.connect({ port, host: '127.0.0.1', ...options }), tlsEvents);
    }
    const below = net.connect(port, '127.0.0.1');
    await once(below, 'connect');
    await follow('tls above', tls.connect({ socket: below, rejectUnauthorized: false }), tlsEvents);
  });
}

async function sockets() {
  const open = new Set();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('data', (chunk) => socket.write(chunk));
    socket.on('end', () => socket.end('bye'));
  });
  server.closeAllConnections = () => open.forEach((socket) => socket.destroy());
  const lookup = (_host, { all }, done) => {
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 },
    ];
    return all ? done(null, addresses) : done(null, '127.0.0.1', 4);
  };
  await withServer(server, async (port) => {
    const here = { port, host: '127.0.0.1' };
    const two = { port, host: 'two.test', lookup };
    const ways = {
      plain: here,
      'half open': { ...here, allowHalfOpen: true },
      'with a name': { port, host: 'localhost', family: 4 },
      'with two addresses': two,
      'with one of two addresses': { ...two, autoSelectFamily: false },
      refused: { ...here, port: closedPort },
      'refused by both': { ...two, port: closedPort },
      'with options': { ...here, noDelay: true, keepAlive: true },
      'reading into a buffer': { ...here, onread: { buffer: Buffer.alloc(99), callback: () => true } },
      'timed out': { ...here, timeout: 50 },
      aborted: { ...here, signal: AbortSignal.abort() },
    };
    for (const [name, options] of Object.entries(ways)) {
      const socket = net.connect(options);
      if (name === 'timed out') socket.once('timeout', () => socket.destroy());
      else if (name !== 'aborted') socket.write('ping', () => socket.end());
      await follow(`net ${name}`, socket, socketEvents);
    }
  });
}

overHttp2().then(overTls).then(sockets);
