/**
 * The other side of the measured service, in a process of its own: what it calls, and who calls it.
 *
 * Both speak HTTP/1.1 by hand over kept connections, so that they cost little and the service is always the one that is
 * waited for. Messages: `{ port, requests, connections }` starts a load, answered by rate and latencies.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Load {
  port: number;
  requests: number;
  connections: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  failed: number;
}

const body = JSON.stringify({ items: Array.from({ length: 8 }, (_, id) => ({ id, name: `item ${id}` })) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);
const request = Buffer.from('GET /orders/7 HTTP/1.1\r\nhost: service.test\r\nuser-agent: bench\r\n\r\n');
const headEnd = '\r\n\r\n';

/** Answers every request; none of them has a body. */
function startBackend(): Promise<number> {
  const server = createServer((socket) => {
    let rest = '';
    socket.setNoDelay(true).on('error', () => {});
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1');
      for (let end = rest.indexOf(headEnd); end !== -1; end = rest.indexOf(headEnd)) {
        rest = rest.slice(end + headEnd.length);
        socket.write(answer);
      }
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** Sends requests one after the other on one connection until there are none left. */
function drive(
  port: number,
  take: () => boolean,
  done: (latencyMs: number, ok: boolean) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1');
    let received = '';
    let sentMs = 0;
    const send = () => {
      if (!take()) return socket.end(resolve);
      received = '';
      sentMs = performance.now();
      return socket.write(request);
    };
    socket.setNoDelay(true).on('connect', send).on('error', reject);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      // The service's answer ends with the backend's, whole or in chunks.
      if (!received.includes(body) || (received.includes('chunked') && !received.endsWith('0\r\n\r\n')))
        return;
      done(performance.now() - sentMs, received.startsWith('HTTP/1.1 200'));
      send();
    });
    socket.on('close', () => reject(new Error('the service closed a connection')));
  });
}

async function run({ port, requests, connections }: Load): Promise<LoadResult> {
  let left = requests;
  let failed = 0;
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const take = () => left-- > 0;
  const done = (latencyMs: number, ok: boolean) => {
    latenciesMs.push(latencyMs);
    if (!ok) failed += 1;
  };
  await Promise.all(Array.from({ length: connections }, () => drive(port, take, done)));
  const elapsedMs = performance.now() - startMs;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(share * (latenciesMs.length - 1))] ?? 0;
  return { requestsPerSecond: (requests / elapsedMs) * 1000, p50Ms: at(0.5), p99Ms: at(0.99), failed };
}

const backendPort = await startBackend();
process.on('message', (load: Load) => void run(load).then((result) => process.send?.(result)));
process.on('disconnect', () => process.exit());
process.send?.({ backendPort });
