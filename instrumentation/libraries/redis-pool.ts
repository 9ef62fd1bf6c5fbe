/**
 * Waiting for a client of redis' pool, which its instrumentation knows nothing of.
 *
 * The pool runs what waited where another's command has ended, in the context of that one. Here each goes on in its own, and has
 * a span of the wait. Where the pool opens a client for it, that is a part of the wait.
 */
import { context, SpanKind, trace, type Attributes, type Span } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { libraryTracers } from './library-tracers.ts';
import { fail } from './started-span.ts';

interface Options {
  url?: string;
  socket?: { host?: string; port?: number };
}
interface Pool {
  _self: object;
  isOpen?: boolean;
  isClosing?: boolean;
  idleClients?: number;
}
type Run = (this: unknown, ...args: unknown[]) => unknown;
type Execute = (this: Pool, run: Run, ...rest: unknown[]) => unknown;
type Create = (this: unknown, options?: Options, ...rest: unknown[]) => Pool;

const addresses = new WeakMap<object, Attributes>();

/** `exports` are those of any file of the client. */
export function watchClientPool(exports: unknown, name: string): void {
  const { RedisClientPool: Pool } = Object(exports) as {
    RedisClientPool?: { create: Create; prototype: { execute: Execute } };
  };
  if (!name.endsWith('/dist/lib/client/pool.js') || !Pool) return;
  const { create } = Pool;
  Pool.create = function (options) {
    const pool = Reflect.apply(create, this, arguments) as Pool;
    noteAddress(pool, options);
    return pool;
  };
  const { execute: original } = Pool.prototype;
  Pool.prototype.execute = function execute(run, ...rest) {
    const within = context.active();
    let wait: Span | undefined;
    if (typeof run === 'function') startWait(this, (started) => (wait = started));
    const started = wait;
    if (!started) return Reflect.apply(original, this, [run, ...rest]);
    const resumed: Run = function () {
      started.end();
      return context.with(within, () => Reflect.apply(run, this, arguments));
    };
    const result = context.with(trace.setSpan(within, started), () =>
      Reflect.apply(original, this, [resumed, ...rest]),
    ) as Promise<unknown>;
    // The program gets the derived promise: whether it handles a rejection is its own affair still.
    return result.then(undefined, (error: unknown) => {
      fail(started, error);
      throw error;
    });
  };
}

const noteAddress = guard((pool: Pool, { url, socket }: Options = {}) => {
  const { hostname, port } = url === undefined ? { hostname: undefined, port: '' } : new URL(url);
  addresses.set(pool._self, {
    'server.address': socket?.host ?? hostname ?? 'localhost',
    'server.port': socket?.port ?? (Number(port) || 6379),
  });
});

/** None of one that has a client in store, or takes no commands. */
const startWait = guard((pool: Pool, started: (wait: Span) => void) => {
  if (!pool.isOpen || pool.isClosing || pool.idleClients !== 0) return;
  const attributes: Attributes = { 'db.system.name': 'redis', ...addresses.get(pool._self) };
  const tracer = libraryTracers.getTracer('@opentelemetry/instrumentation-redis');
  started(tracer.startSpan('redis-pool.connect', { kind: SpanKind.CLIENT, attributes }));
});
