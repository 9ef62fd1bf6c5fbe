/** Whose memory a gRPC message lies in, and what becomes of it when the message was taken. */
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readMessage } from '../../collector/receive/grpc-message.ts';

/** Sends a message in so many pieces; resolves with it as it was taken, and as it is afterwards. */
async function take(
  message: Buffer,
  pieces: number,
  compressed = 0,
): Promise<{ taken: Buffer; left: number }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    const result = new Promise<{ taken: Buffer; left: number }>((resolve, reject) => {
      server.on('stream', (stream) => {
        const room = { reserve: () => {}, release: () => {} };
        readMessage(
          stream,
          'gzip',
          { room, bytesMax: 1_000_000 },
          {
            take: (given) => {
              const taken = Buffer.from(given);
              setImmediate(() => resolve({ taken, left: given.length }));
            },
            refuse: reject,
          },
        );
      });
    });
    const head = Buffer.alloc(5, compressed);
    head.writeUInt32BE(message.length, 1);
    const frame = Buffer.concat([head, message]);
    const stream = session.request({ ':method': 'POST' });
    const size = Math.ceil(frame.length / pieces);
    for (let at = 0; at < frame.length; at += size) {
      stream.write(frame.subarray(at, at + size));
      // So that each is a frame of its own.
      await new Promise(setImmediate);
    }
    stream.end();
    return await result;
  } finally {
    session.destroy();
    server.close();
  }
}

test('one that came in a piece shares memory with others, which stays', async () => {
  const message = Buffer.alloc(10_000, 'a');
  expect(await take(message, 1)).toEqual({ taken: message, left: message.length });
});

test.each([
  ['came in many pieces', Buffer.alloc(100_000, 'b'), 9, 0],
  ['was compressed', gzipSync(Buffer.alloc(100_000, 'b')), 1, 1],
])('the memory of one that %s is given back', async (_what, bytes, pieces, compressed) => {
  expect(await take(bytes, pieces, compressed)).toEqual({ taken: Buffer.alloc(100_000, 'b'), left: 0 });
});

test('small ones lie in the pool of Node, which stays', async () => {
  const message = Buffer.from('a small message');
  expect(await take(message, 5)).toEqual({ taken: message, left: message.length });
});

test('a head that comes byte by byte is a head', async () => {
  expect(await take(Buffer.from('abc'), 8)).toMatchObject({ taken: Buffer.from('abc') });
});
