/**
 * Says as much in MongoDB's protocol as a driver of the stable API needs to find a server and wait for its answers: Debian has no
 * MongoDB. A `find` is answered, with nothing, after the `waitMs` of its filter.
 */
import { createRequire } from 'node:module';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { TestServer } from './servers.ts';

interface Bson {
  Long: { ZERO: object };
  serialize(document: object): Uint8Array;
  deserialize(bytes: Uint8Array): Record<string, unknown>;
}
const { BSON } = createRequire(new URL('../../../instrumentation/package.json', import.meta.url))(
  'mongodb',
) as { BSON: Bson };

/** Length, id, the id that is answered, and what the message is: little-endian. Flags and the kind of its section follow. */
const headerBytes = 16;
const documentAt = headerBytes + 5;
const message = 2013;

const hello = { isWritablePrimary: true, maxWireVersion: 25, minWireVersion: 0, helloOk: true };
const nothing = { cursor: { firstBatch: [], id: BSON.Long.ZERO, ns: 'shop.products' } };

function answer(request: Buffer, document: object): Buffer {
  const body = BSON.serialize({ ...document, ok: 1 });
  const head = Buffer.alloc(documentAt);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(request.readInt32LE(4), 8);
  head.writeInt32LE(message, 12);
  return Buffer.concat([head, body]);
}

function answerRequest(socket: Socket, request: Buffer): void {
  const { filter, ...command } = BSON.deserialize(request.subarray(documentAt));
  const { waitMs = 0 } = (filter ?? {}) as { waitMs?: number };
  const document = 'hello' in command ? hello : 'find' in command ? nothing : {};
  setTimeout(() => socket.writable && socket.write(answer(request, document)), waitMs);
}

export async function startMongoDbStandIn(): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let waiting = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= headerBytes && waiting.length >= waiting.readInt32LE(0)) {
        const length = waiting.readInt32LE(0);
        answerRequest(socket, waiting.subarray(0, length));
        waiting = waiting.subarray(length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
