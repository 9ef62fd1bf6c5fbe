/** Peers on loopback that fail in one way each, for real: no mocks, only servers that leave something out. */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { appFile, startApp } from './run-app.ts';

export interface Fault {
  port: number;
  close(): void;
}

/** `sockets` are those that its end is to end. */
async function listen(server: Server, sockets: Iterable<Socket>): Promise<Fault> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** Accepts TCP and never says a word: no ServerHello, no answer. A deaf one does not even read what it is sent. */
export async function startSilentServer({ isDeaf = false } = {}): Promise<Fault> {
  const sockets = new Set<Socket>();
  const server = createServer({ pauseOnConnect: isDeaf }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    if (!isDeaf) socket.resume();
  });
  return listen(server, sockets);
}

/** For programs under test: the certificate of the HTTPS server, as NODE_EXTRA_CA_CERTS. Made for 127.0.0.1 and nothing else. */
export const certificateFile = fileURLToPath(new URL('tls/certificate.pem', import.meta.url));

/** Starts an HTTP or HTTPS server: `/stall…` sends half a body, `/hang…` nothing, `/late…` a late answer, anything else a short one. */
export async function startHttpServer(scheme: 'http' | 'https' = 'http'): Promise<Fault> {
  const answer: RequestListener = (request, response) => {
    if (request.url?.startsWith('/hang')) return;
    if (request.url?.startsWith('/late')) {
      setTimeout(() => response.end('answer'), 1100);
      return;
    }
    if (request.url?.startsWith('/stall')) {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half ');
      return;
    }
    response.end('answer');
  };
  const server = scheme === 'http' ? createHttpServer(answer) : createHttpsServer(tlsOptions(), answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function tlsOptions(): { key: Buffer; cert: Buffer } {
  return { key: readFileSync(new URL('tls/key.pem', import.meta.url)), cert: readFileSync(certificateFile) };
}

/** A PostgreSQL server as far as agreeing to TLS, which it then speaks; it answers nothing else. */
export async function startPostgresTls(): Promise<Fault> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    // The request for TLS is eight bytes.
    socket.once('data', () => {
      socket.write('S');
      new TLSSocket(socket, { isServer: true, ...tlsOptions() }).on('error', () => {}).resume();
    });
  });
  return listen(server, sockets);
}

/** A port of loopback where nobody listens: below those that systems hand out, and not among those that `fetch` refuses. */
export const closedPort = 2;

/** A DNS server that answers nothing, or `NXDOMAIN` to everything. */
export async function startDnsServer(answers: 'nothing' | 'nxdomain'): Promise<Fault> {
  const socket = createSocket('udp4');
  if (answers === 'nxdomain') {
    socket.on('message', (query, from) => {
      const reply = Buffer.from(query);
      reply.writeUInt16BE(0x8183, 2); // a response, recursion available, code 3: no such name
      socket.send(reply, from.port, from.address);
    });
  }
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { port: socket.address().port, close: () => socket.close() };
}

/**
 * A listener whose queue of connections not yet accepted is full: the kernel drops every further SYN, silently.
 * Proven before it is handed out: the last connection tried has not come about.
 */
export async function startFullListener(): Promise<Fault> {
  const app = startApp(appFile('full-listener.cjs'));
  const port = Number((await app.line('port ')).slice(5));
  app.child.kill('SIGSTOP');
  const parked: Socket[] = [];
  const close = () => {
    for (const socket of parked) socket.destroy();
    app.child.kill('SIGKILL');
  };
  for (let tries = 0; tries < 16; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    parked.push(socket);
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.setTimeout(400, () => resolve(false));
    });
    if (!connected) return { port, close };
  }
  close();
  throw new Error('the queue of a stopped listener with backlog 1 took 16 connections and is still not full');
}
