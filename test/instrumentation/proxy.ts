/** An HTTP proxy on loopback: forwards absolute URLs and opens tunnels; a silent one accepts and answers no CONNECT. */
import { createServer, request } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Fault } from './faults.ts';

export async function startProxy({ isSilent = false } = {}): Promise<Fault> {
  const tunnels = new Set<Socket>();
  const server = createServer((incoming, outgoing) => {
    const { url, method, headers } = incoming;
    const onwards = request(url!, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    onwards.on('error', () => outgoing.destroy());
    incoming.pipe(onwards);
  });
  server.on('connect', ({ url }, socket: Socket) => {
    tunnels.add(socket);
    socket.on('error', () => {});
    if (isSilent) return;
    const { hostname, port } = new URL(`http://${url}`);
    const onwards = connect(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onwards.pipe(socket).pipe(onwards);
    });
    tunnels.add(onwards.on('error', () => socket.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of tunnels) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}
