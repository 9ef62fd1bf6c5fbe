/** When the call of an answer ends that the program never reads: a real server and client, spans kept in memory. */
import { Agent, createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchHttpClient } from '../../instrumentation/http-client.ts';
import { rootContext } from '../../instrumentation/context.ts';
import type { SpanEnd } from '../../instrumentation/recorder.ts';
import { watchUnread } from '../../instrumentation/unread.ts';

const limitMs = 200;
const agent = new Agent({ keepAlive: true });
const ended = new Map<string, SpanEnd & { startMs: number }>();
let heard: () => void = () => {};
let server: Server;

beforeAll(async () => {
  watchHttpClient(
    {
      startSpan: ({ parent, startMs, attributes }) => ({
        context: parent,
        end(end) {
          ended.set(new URL(String(attributes['url.full'])).pathname, { ...end, startMs });
          heard();
        },
      }),
      extract: () => rootContext,
      inject: () => {},
      flush: () => Promise.resolve(),
    },
    watchUnread(limitMs),
  );
  server = createServer((request, response) => {
    if (request.url === '/slow') {
      response.write('begun');
      setTimeout(() => response.end('done'), limitMs * 2);
    } else response.end('answer');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

function ask(path: string): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, resolve).on('error', reject);
  });
}

async function endOf(path: string): Promise<SpanEnd & { startMs: number }> {
  for (;;) {
    const end = ended.get(path);
    if (end) return end;
    await new Promise<void>((resolve) => (heard = resolve));
  }
}

it('a call whose answer is kept and not read was over with its headers', async () => {
  const answer = await ask('/kept');
  const end = await endOf('/kept');
  expect(answer.readableFlowing).toBe(null);
  expect(answer.destroyed).toBe(false);
  expect(end.errorMessage).toBeUndefined();
  expect(end.attributes['sockeye.phase.receive_ms']).toBe(0);
  // It is told when the limit is over.
  expect(performance.now() - end.endMs).toBeGreaterThanOrEqual(limitMs - 1);
});

it('one that is read, however slowly, lasts until its last byte', async () => {
  const answer = await ask('/slow');
  answer.resume();
  const end = await endOf('/slow');
  expect(answer.complete).toBe(true);
  expect(end.endMs - end.startMs).toBeGreaterThan(limitMs);
});
