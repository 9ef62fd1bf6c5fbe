/** How the gRPC port closes: who says nothing, or never hangs up, is not waited for longer than the grace. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import type { TlsFiles } from '../../collector/config.ts';
import { createIntake } from '../../collector/receive/intake.ts';
import { startOtlpGrpc } from '../../collector/receive/otlp-grpc.ts';
import type { Store } from '../../collector/store/store.ts';
import { LOCALHOST_TLS } from './localhost-tls.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** Nothing is sent that would be stored. */
async function open(tls: TlsFiles | null, graceMs: number) {
  const log = (): void => {};
  const intake = createIntake({ store: {} as Store, maxQueueBytes: 1, log });
  const shared = { intake, token: null, maxRequestBytes: 1, log };
  const port = await startOtlpGrpc({ address: '127.0.0.1:0', tls, graceMs, ...shared });
  const number = Number(port.address.split(':')[1]);
  /** Keeps its end open, whatever the other does. */
  const dial = async (): Promise<Socket> => {
    const socket = connect({ port: number, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket.on('error', () => {}));
    await once(socket, 'connect');
    return socket;
  };
  return { port, number, dial };
}

test('a connection that begins no TLS is cut after the grace', async () => {
  const { port, number, dial } = await open(LOCALHOST_TLS, 1);
  await dial();
  // Connections are accepted in turn.
  const next = connectTls({
    port: number,
    host: '127.0.0.1',
    ca: LOCALHOST_TLS.cert,
    servername: 'localhost',
  });
  sockets.push(next.on('error', () => {}));
  await once(next, 'secureConnect');
  await expect(port.close()).resolves.toBeUndefined();
});

test('a connection that says nothing, and never hangs up, is cut after the grace', async () => {
  const { port, dial } = await open(null, 1);
  const socket = await dial();
  await once(socket, 'data');
  await expect(port.close()).resolves.toBeUndefined();
});

test('a client that is idle is told, and hangs up before the grace is over', async () => {
  const { port } = await open(null, 600_000);
  const session = connectHttp2(`http://${port.address}`);
  await once(session, 'remoteSettings');
  await Promise.all([port.close(), once(session, 'close')]);
  expect(session.destroyed).toBe(true);
});
