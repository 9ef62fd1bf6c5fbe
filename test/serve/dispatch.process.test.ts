/** Answers in pieces over a real connection: who is cut off for taking nothing, and who is not. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { serveRequest, type Site } from '../../collector/serve/dispatch.ts';
import { createGuard } from '../../collector/serve/guard.ts';

const opened: (Server | Socket)[] = [];
afterEach(() => {
  for (const one of opened.splice(0).toReversed()) {
    if ('closeAllConnections' in one) one.close().closeAllConnections();
    else one.destroy();
  }
});

/** A client that has asked for the pieces and reads nothing yet. */
async function ask(makePieces: (request: IncomingMessage) => AsyncIterable<Uint8Array>): Promise<Socket> {
  const site: Site = {
    guard: createGuard({ host: '127.0.0.1', origins: [], token: null, names: [] }),
    routes: [
      {
        method: 'GET',
        path: '/pieces',
        summary: '',
        gives: {},
        handle: ({ request }) => ({ type: 'text/plain', pieces: makePieces(request) }),
      },
    ],
    readPage: async () => new Map(),
    clientStalledMs: 20,
  };
  const server = createServer((request, response) => void serveRequest(site, request, response));
  opened.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  opened.push(socket);
  socket.write('GET /pieces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

it('a client that took everything is not cut off while the next piece is long in coming', async () => {
  const socket = await ask(async function* ({ socket: served }) {
    for (const piece of ['first', 'second']) {
      yield Buffer.from(piece);
      await once(served, 'timeout');
    }
    yield Buffer.from('third');
  });
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 200 .*first\r\n.*second\r\n.*third\r\n0\r\n\r\n$/s);
});

it('a client that stops taking is cut off, also after a wait that was not its own', async () => {
  const left = Promise.withResolvers<number>();
  const socket = await ask(async function* ({ socket: served }) {
    let sent = 0;
    try {
      yield Buffer.from('first');
      await once(served, 'timeout');
      for (; ; sent++) yield Buffer.alloc(1024 * 1024, 'x');
    } finally {
      left.resolve(sent);
    }
  });
  expect(await left.promise).toBeGreaterThan(0);
  expect(await readAll(socket).catch(() => 'reset')).not.toMatch(/\r\n0\r\n\r\n$/);
});
