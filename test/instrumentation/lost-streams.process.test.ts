/** Streams of HTTP/2 that end before their answer: by the peer, whose connection is lost, or by the program, which cancels them. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startReceiver, type Receiver } from './otlp-receiver.ts';
import { appFile, startApp, withHook } from './run-app.ts';

let receiver: Receiver;
let outcomes: unknown[];

const spanOf = (path: string) =>
  receiver.waitFor(
    ({ kind, attributes }) => kind === 'client' && String(attributes['url.full']).endsWith(path),
  );

beforeAll(async () => {
  receiver = await startReceiver();
  const run = async (options: object) => {
    const app = startApp(appFile('lost-streams.cjs'), options);
    const line = await app.line('{');
    if ('flags' in options) await spanOf('/other-protocol');
    app.child.kill('SIGTERM');
    const { stderr } = await app.ended;
    return [JSON.parse(line), stderr];
  };
  outcomes = [await run({}), await run(withHook(receiver.url))];
});

afterAll(() => receiver?.close());

it.each([
  { path: '/goaway', type: 'ERR_HTTP2_SESSION_ERROR', phase: 'wait' },
  { path: '/reset', type: 'ECONNRESET', phase: 'wait' },
  { path: '/end', type: 'ECONNRESET', phase: 'wait' },
  { path: '/cancelled', type: 'ERR_HTTP2_STREAM_ERROR', phase: 'wait' },
  { path: '/closed', type: 'ERR_HTTP2_STREAM_ERROR', phase: 'wait' },
  { path: '/other-protocol', type: 'ERR_HTTP2_ERROR', phase: 'wait' },
  { path: '/half-reset', type: 'ECONNRESET', phase: 'receive' },
  { path: '/half-end', type: 'ECONNRESET', phase: 'receive' },
])(
  'one whose peer ends it, or the connection, failed by that, and nobody gave up ($path)',
  async ({ path, type, phase }) => {
    const { error, attributes } = await spanOf(path);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({ 'error.type': type });
    expect(attributes).toHaveProperty([`sockeye.phase.${phase}_ms`]);
    expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
  },
);

it.each(['/close', '/destroy', '/session', '/session-code', '/unsent'])(
  'one that the program cancels is an abort (%s)',
  async (path) => {
    const { error, attributes } = await spanOf(path);
    expect(error).toBe(true);
    expect(attributes).toMatchObject({ 'sockeye.timeout.timer': 'abort' });
  },
);

it.each([
  '/unread-destroy',
  '/unread-session',
  '/unread-session-code',
  '/unread-reset',
  '/unread-goaway',
  '/unread-late',
])('one whose answer was there, and not read, did not fail by what became of it (%s)', async (path) => {
  const { error, attributes } = await spanOf(path);
  expect(attributes).toMatchObject({ 'http.response.status_code': 200 });
  expect({ error, type: attributes['error.type'], timer: attributes['sockeye.timeout.timer'] }).toEqual({
    error: false,
    type: undefined,
    timer: undefined,
  });
});

it.each(['/unread-late', '/unread-session'])('and was over with its headers (%s)', async (path) => {
  expect((await spanOf(path)).attributes).toMatchObject({ 'sockeye.phase.receive_ms': 0 });
});

it.each(['/late-end', '/late-iterated', '/late-trailers'])(
  'one whose answer is read, and ends late without data, lasts until then (%s)',
  async (path) => {
    expect((await spanOf(path)).attributes['sockeye.phase.receive_ms']).toBeGreaterThan(100);
  },
);

it.each(['/half-iterated', '/half-closed'])(
  'one whose answer the program leaves is no error (%s)',
  async (path) => {
    const { error, attributes } = await spanOf(path);
    expect(error).toBe(false);
    expect(attributes).toMatchObject({ 'http.response.status_code': 200 });
    expect(Object.keys(attributes).filter((key) => key.startsWith('sockeye.timeout.'))).toEqual([]);
  },
);

it('one that a listener of a signal closes was given up by that signal', async () => {
  const { attributes } = await spanOf('/listener-late');
  expect(attributes).toMatchObject({
    'error.type': 'TimeoutError',
    'sockeye.timeout.timer': 'abort_signal',
    'sockeye.timeout.budget_ms': 200,
  });
});

it('one whose session the program ends in a timer was given up by that', async () => {
  const { attributes } = await spanOf('/session-late');
  expect(attributes).toMatchObject({
    'error.type': 'ERR_HTTP2_SESSION_ERROR',
    'sockeye.timeout.timer': 'app',
    'sockeye.timeout.budget_ms': 200,
  });
});

it('the program sees what it sees without the hook', () => {
  expect(outcomes[1]).toEqual(outcomes[0]);
  expect(outcomes[0]).toMatchObject([{ '/reset': ['ECONNRESET', 2] }, '']);
});
