/** A program that replaces inherited methods, or loads `domain`, when objects are in use already: these go by the new ones at once. */
const { EventEmitter, once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const { noteCalls, print, withServer } = require('./observe.cjs');

const answer = (request, response) => response.end('answer');

/** Events that reach an `emit` which was put into a class between two calls of a kept connection. */
async function kept(what, holder) {
  const sockets = [];
  const server = http.createServer(answer).on('connection', (socket) => sockets.push(socket));
  await withServer(server, async (port) => {
    const agent = new http.Agent({ keepAlive: true });
    const call = async () => {
      const request = http.get({ host: '127.0.0.1', port, agent });
      const [response] = await once(request, 'response');
      await once(response.resume(), 'close');
      return request.socket;
    };
    const socket = await call();
    const emitters = { client: socket, connection: sockets[0], server };
    const { calls, undo } = noteCalls(holder, 'emit', emitters);
    print(what, 'kept', (await call()) === socket);
    agent.destroy();
    await once(socket, 'close');
    undo();
    print(what, calls());
  });
}

async function streamed() {
  const server = http2.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const session = http2.connect(`http://127.0.0.1:${server.address().port}`);
  session.request().resume();
  const [stream] = await once(server, 'stream');
  const { calls, undo } = noteCalls(EventEmitter.prototype, 'emit', { stream });
  stream.respond();
  stream.end();
  await once(stream, 'close');
  undo();
  print('http2', calls());
  session.close();
  server.close();
}

/** What is written to an upgraded socket. */
async function upgraded() {
  const server = http.createServer().on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    const { calls, undo } = noteCalls(net.Socket.prototype, '_writeGeneric', { socket });
    socket.end('bye');
    undo();
    print('upgraded', calls());
  });
  await withServer(server, async (port) => {
    const headers = { connection: 'upgrade', upgrade: 'echo' };
    const [, socket] = await once(http.get({ host: '127.0.0.1', port, headers }), 'upgrade');
    await once(socket.resume(), 'close');
  });
}

async function connectTo(port) {
  const socket = net.connect(port, '127.0.0.1');
  await once(socket, 'data');
  return socket;
}

async function inherited() {
  const server = net.createServer((socket) => socket.end('hello'));
  await withServer(server, async (port) => {
    const socket = await connectTo(port);
    const below = Object.create(socket);
    socket.on('own event', (value) => print('inherited', value));
    print(below.emit('own event', 1), below.emit('nobody hears'));
    socket.destroy();
  });
}

/** Last: it cannot be unloaded. */
async function inDomain() {
  const server = net.createServer((socket) => socket.on('error', () => {}).write('hello'));
  await withServer(server, async (port) => {
    const socket = await connectTo(port);
    const domain = require('node:domain').create();
    const failed = once(domain, 'error');
    domain.add(socket);
    socket.destroy(new Error('broken'));
    const [error] = await failed;
    print('domain', error.message, error.domain === domain, error.domainEmitter === socket);
  });
}

void (async () => {
  await kept('net.Socket', net.Socket.prototype);
  await kept('EventEmitter', EventEmitter.prototype);
  await streamed();
  await upgraded();
  const { calls, undo } = noteCalls(EventEmitter.prototype, 'emit', { process });
  process.emit('own event');
  undo();
  print('process', calls());
  await inherited();
  await inDomain();
})();
