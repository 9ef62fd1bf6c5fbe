/** When the span of a request ends whose client left: a real server, and spans kept in memory. */
import { createServer, get, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rootContext } from '../../instrumentation/context.ts';
import { watchHttpServer } from '../../instrumentation/http-server.ts';
import type { SpanEnd } from '../../instrumentation/recorder.ts';

const leftLimitMs = 200;

interface Ended extends SpanEnd {
  startMs: number;
}
const ended = new Map<string, Ended[]>();
let heard: () => void = () => {};

const hung: ServerResponse[] = [];
const answer: RequestListener = (request, response) => {
  response.flushHeaders();
  if (request.url === '/at-once') response.once('close', () => setImmediate(() => response.end()));
  else hung.push(response);
};

let server: Server;

beforeAll(async () => {
  watchHttpServer(
    {
      startSpan: ({ parent, startMs, attributes }) => ({
        context: parent,
        end(end) {
          const path = String(attributes['url.path']);
          ended.set(path, [...(ended.get(path) ?? []), { ...end, startMs }]);
          heard();
        },
      }),
      extract: () => rootContext,
      inject: () => {},
      flush: () => Promise.resolve(),
    },
    leftLimitMs,
  );
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Asks for a path and leaves as soon as the headers are there. */
function askAndLeave(path: string): Promise<void> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path }, (response) => {
      response.on('error', () => {});
      request.destroy();
      resolve();
    });
  });
}

/** The ends of the span of a path, once there is one. */
async function endsOf(path: string): Promise<Ended[]> {
  for (;;) {
    const ends = ended.get(path);
    if (ends) return ends;
    await new Promise<void>((resolve) => (heard = resolve));
  }
}

it('a handler that ends its response soon after the client left has a span until then', async () => {
  await askAndLeave('/at-once');
  const [end] = await endsOf('/at-once');
  expect(end!.endMs - end!.startMs).toBeGreaterThan(Number(end!.attributes['sockeye.client.left_ms']));
});

it('a handler that hangs has a span until the moment the client left, each in its turn', async () => {
  await askAndLeave('/hangs-first');
  const first = endsOf('/hangs-first');
  await askAndLeave('/hangs-next');
  for (const [end] of [await first, await endsOf('/hangs-next')]) {
    expect(end!.endMs - end!.startMs).toBe(end!.attributes['sockeye.client.left_ms']);
    // It is told when the limit is over, not when the client left.
    expect(performance.now() - end!.endMs).toBeGreaterThanOrEqual(leftLimitMs);
  }
});

it('a response that is ended after that changes nothing', async () => {
  await askAndLeave('/ends-late');
  await endsOf('/ends-late');
  for (const response of hung) response.end();
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended.get('/ends-late')).toHaveLength(1);
});
