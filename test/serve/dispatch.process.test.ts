/** Answers in pieces over a real connection: who is cut off for taking too little, and who is not. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { serveRequest, type Site } from '../../collector/serve/dispatch.ts';
import { createGuard } from '../../collector/serve/guard.ts';

const opened: (Server | Socket)[] = [];
/** Only the looks at clients are made here; all else goes on by itself. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
const aMinutePasses = (): void => void vi.advanceTimersByTime(65_000);
afterEach(() => {
  vi.useRealTimers();
  for (const one of opened.splice(0).toReversed()) {
    if ('closeAllConnections' in one) one.close().closeAllConnections();
    else one.destroy();
  }
});

/** A client that has asked for the pieces, or for an answer as a whole, and reads nothing yet. */
async function ask(
  make: (request: IncomingMessage, signal: AbortSignal) => AsyncIterable<Uint8Array> | Uint8Array | string,
  method = 'GET',
): Promise<Socket> {
  const site: Site = {
    guard: createGuard({ host: '127.0.0.1', origins: [], token: null, names: [] }),
    routes: [
      {
        method: 'GET',
        path: '/',
        summary: '',
        gives: {},
        handle({ request, signal }) {
          const made = make(request, signal);
          const type = 'text/plain';
          const isWhole = typeof made === 'string' || made instanceof Uint8Array;
          return isWhole ? { type, body: made } : { type, pieces: made };
        },
      },
    ],
    readPage: async () => new Map(),
  };
  const server = createServer((request, response) => void serveRequest(site, request, response));
  opened.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  opened.push(socket);
  socket.write(`${method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return socket;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
}

it('a client that took everything is not cut off while the next piece is long in coming', async () => {
  const socket = await ask(async function* ({ socket: served }) {
    for (const piece of ['first', 'second', 'third']) {
      yield Buffer.from(piece);
      await expect.poll(() => served.writableLength, { interval: 5 }).toBe(0);
      aMinutePasses();
    }
  });
  expect(await readAll(socket)).toMatch(/^HTTP\/1.1 200 .*first\r\n.*second\r\n.*third\r\n0\r\n\r\n$/s);
});

it.each(['stops taking', 'goes on taking, a little at a time'])(
  'a client that %s is cut off',
  async (how) => {
    const served = Promise.withResolvers<Socket>();
    const left = Promise.withResolvers<number>();
    const socket = await ask(async function* (request) {
      let sent = 0;
      served.resolve(request.socket);
      try {
        for (; ; sent++) yield Buffer.alloc(128 * 1024, 'x');
      } finally {
        left.resolve(sent);
      }
    });
    const server = await served.promise;
    await expect.poll(() => server.writableLength, { interval: 5 }).toBeGreaterThan(0);
    for (let look = 0; look < 13; look++) {
      if (how !== 'stops taking') socket.read(32 * 1024);
      vi.advanceTimersByTime(5_000);
      await new Promise(setImmediate);
    }
    expect(await left.promise).toBeGreaterThan(0);
    expect(await readAll(socket).catch(() => 'reset')).not.toMatch(/\r\n0\r\n\r\n$/);
  },
);

it('a client that takes nothing of a whole answer is cut off too', async () => {
  const served = Promise.withResolvers<Socket>();
  const socket = await ask((request) => {
    served.resolve(request.socket);
    return Buffer.alloc(16 * 1024 * 1024, 'x');
  });
  const server = await served.promise;
  const closed = once(server, 'close');
  await expect.poll(() => server.writableLength, { interval: 5 }).toBeGreaterThan(0);
  aMinutePasses();
  await closed;
  expect((await readAll(socket).catch(() => 'reset')).length).toBeLessThan(16 * 1024 * 1024);
});

it('a client that takes a whole answer slowly, but enough of it in a minute, gets it', async () => {
  const body = randomBytes(48 * 1024 * 1024);
  const socket = await ask(() => body);
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const taken: Buffer[] = [];
  for (let look = 0; look < 15; look++) {
    vi.advanceTimersByTime(5_000);
    for (let bytes = 0; bytes < 2 * 1024 * 1024; bytes += taken.at(-1)!.length) {
      taken.push((await chunks.next()).value as Buffer);
    }
  }
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) taken.push(next.value);
  expect(Buffer.concat(taken).subarray(-body.length).equals(body)).toBe(true);
});

it.each([64 * 1024, 64 * 1024 + 1, 200_000])(
  'how long a whole answer of %d letters is, is said in bytes, to HEAD too',
  async (letters) => {
    const body = 'é'.repeat(letters);
    const head = await readAll(await ask(() => body, 'HEAD'));
    expect(head).toContain(`\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`);
    expect(head).not.toContain('transfer-encoding');
    expect(head).toMatch(/\r\n\r\n$/);
    const withoutDate = (text: string) => text.replace(/^Date: .*$/m, '');
    const got = await readAll(await ask(() => body));
    expect(withoutDate(got) === withoutDate(head) + body).toBe(true);
  },
);

it('a client that takes a whole answer gets it, and is looked at no more', async () => {
  const body = Buffer.alloc(16 * 1024 * 1024, 'x');
  const socket = await ask(() => body);
  expect((await readAll(socket)).endsWith(body.toString())).toBe(true);
  await expect.poll(() => vi.getTimerCount(), { interval: 5 }).toBe(0);
});

it.each(['a whole answer', 'an answer in pieces'])(
  'who has %s is not taken for one that left',
  async (kind) => {
    const served = Promise.withResolvers<{ closed: Promise<unknown>; signal: AbortSignal }>();
    const socket = await ask((request, signal) => {
      served.resolve({ closed: once(request.socket, 'close'), signal });
      return kind === 'a whole answer' ? 'all' : Readable.from([Buffer.from('all')]);
    });
    expect(await readAll(socket)).toContain('all');
    const { closed, signal } = await served.promise;
    await closed;
    expect(signal.aborted).toBe(false);
  },
);

it('who leaves before the end of an answer is known to have left', async () => {
  const served = Promise.withResolvers<AbortSignal>();
  const socket = await ask(async function* (_, signal) {
    served.resolve(signal);
    for (;;) yield Buffer.alloc(128 * 1024, 'x');
  });
  const signal = await served.promise;
  socket.destroy();
  await expect.poll(() => signal.aborted, { interval: 5 }).toBe(true);
});
