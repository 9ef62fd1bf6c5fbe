/** How an HTTP port closes: what is in progress ends, what is only kept open is not waited for. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { TlsFiles } from '../../collector/config.ts';
import { createHttpServer, openHttpPort } from '../../collector/receive/http-port.ts';
import { LOCALHOST_TLS } from './localhost-tls.ts';

/** Longer than a test may take: a close that waits for it fails. */
const NEVER_MS = 600_000;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function open(handle: RequestListener, graceMs: number = NEVER_MS, tls: TlsFiles | null = null) {
  const server = createHttpServer(tls, { keepAliveTimeout: NEVER_MS }, handle);
  const port = await openHttpPort(server, { host: '127.0.0.1', port: 0 }, graceMs);
  const dial = async (): Promise<Socket> => {
    const socket = connect(Number(port.address.split(':')[1]), '127.0.0.1');
    sockets.push(socket);
    await Promise.all([once(socket, 'connect'), once(server, 'connection')]);
    return socket;
  };
  return { server, port, dial };
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n';

test('the address names the port that was picked', async () => {
  const { port } = await open(() => {});
  expect(port.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  await port.close();
});

test('a connection that has not asked anything is not waited for', async () => {
  const { port, dial } = await open(() => {});
  const socket = await dial();
  await Promise.all([port.close(), once(socket, 'close')]);
  expect(socket.destroyed).toBe(true);
});

test('a connection kept after its answer is not waited for', async () => {
  const { port, dial } = await open((_request, response) => response.end('answer'));
  const socket = await dial();
  socket.write(REQUEST);
  await once(socket, 'data');
  await Promise.all([port.close(), once(socket, 'close')]);
  expect(socket.destroyed).toBe(true);
});

test('a request in progress is answered, and its connection is not kept then', async () => {
  const { server, port, dial } = await open((_request, response) => {
    response.write('begun ');
    server.once('closing', () => response.end('done'));
  });
  const socket = await dial();
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.write(REQUEST);
  await once(socket, 'data');
  const closed = Promise.all([port.close(), once(socket, 'close')]);
  server.emit('closing');
  await closed;
  expect(received).toContain('begun ');
  expect(received).toContain('done');
});

test('a request that does not end is cut after the grace', async () => {
  const { port, dial } = await open((_request, response) => response.write('begun'), 1);
  const socket = await dial();
  socket.write(REQUEST);
  await once(socket, 'data');
  await Promise.all([port.close(), once(socket, 'close')]);
  expect(socket.destroyed).toBe(true);
});

test('a connection that begins no TLS is cut after the grace', async () => {
  const { port, dial } = await open(() => {}, 1, LOCALHOST_TLS);
  const socket = await dial();
  await Promise.all([port.close(), once(socket, 'close')]);
  expect(socket.destroyed).toBe(true);
});
