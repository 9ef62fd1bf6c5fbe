/** Steps of a web framework that begin when the client has left: each ends, with what it does or with the request. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.close());

/** Asks a server for a path, leaves when its first step has begun, and gives it some time: the spans of the request. */
async function leave(framework: string, path: string) {
  const { flags, env } = withHook(receiver.url);
  const app = startApp(appFile('left-frameworks.cjs'), {
    flags,
    args: [framework],
    env: { ...env, OTEL_SERVICE_NAME: `${framework} ${path}` },
  });
  const client = connect(Number((await app.line('port ')).slice(5)), '127.0.0.1');
  client.write(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`);
  await app.line('reached');
  client.destroy();
  await app.line(path.slice(1));
  const isOfApp = ({ resource }: { resource: object }) =>
    (resource as Record<string, unknown>)['service.name'] === `${framework} ${path}`;
  if (path === '/answered') await receiver.waitFor((span) => span.kind === 'server' && isOfApp(span));
  app.child.kill('SIGTERM');
  await app.ended;
  return receiver.spans.filter(isOfApp);
}

const frameworks = [
  { framework: 'express', handler: 'request handler' },
  { framework: 'fastify', handler: 'handler - fastify' },
  { framework: 'koa', handler: 'router - /:name' },
];

it.each(frameworks)(
  'a handler of $framework that answers nobody has a span until it does',
  async ({ framework, handler }) => {
    const spans = await leave(framework, '/answered');
    const step = spans.find(({ name }) => name === handler);
    const server = spans.find(({ kind }) => kind === 'server');
    expect(step).toMatchObject({ kind: 'internal', error: false });
    // It began when the client had left, and its answer ends the request.
    expect(step!.startMs + step!.durationMs).toBeGreaterThan(
      server!.startMs + Number(server!.attributes['sockeye.client.left_ms']),
    );
  },
);

it('a handler of express that hangs ends with its request, the moment the client left', async () => {
  const spans = await leave('express', '/hangs');
  expect(spans.find(({ name }) => name === 'request handler')).toMatchObject({ durationMs: 0 });
  const server = spans.find(({ kind }) => kind === 'server');
  expect(server!.durationMs).toBeCloseTo(Number(server!.attributes['sockeye.client.left_ms']), 3);
});
