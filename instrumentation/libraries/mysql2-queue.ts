/**
 * Waiting for a connection of mysql2's pool, which its instrumentation knows nothing of.
 *
 * The pool calls whoever waited where another gives its connection back, in the context of that one: the query would be
 * in a trace that it has nothing to do with. Here each goes on in its own, and has a span of the wait, be it for another's
 * connection or for a new one; and one of a pool that turned it away.
 */
import { Socket } from 'node:net';
import {
  context,
  SpanKind,
  SpanStatusCode,
  type Attributes,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { connectionOf } from '../connections.ts';
import { guard } from '../guard.ts';
import { noteOpening } from './connecting.ts';
import { libraryTracers } from './library-tracers.ts';

interface Pool {
  _connectionQueue?: { length: number };
  _allConnections?: { length: number; peekBack?(): { stream?: unknown } | undefined };
  config?: { connectionConfig?: { host?: string; port?: number | string; database?: string } };
}
type Done = (error: { message?: string } | null, connection: unknown) => unknown;
type GetConnection = (this: Pool, done: Done, ...rest: unknown[]) => unknown;

/** The class of pools, in the newer versions and in the older ones. */
const files = ['mysql2/lib/base/pool.js', 'mysql2/lib/pool.js'];

/** In whose context each goes on that the hook has put in place of a caller's own. */
const contexts = new WeakMap<Done, Context>();

/** `exports` are those of any file of mysql2. */
export function watchQueue(exports: unknown, name: string): void {
  const { prototype } = Object(exports) as { prototype?: { getConnection?: GetConnection } };
  if (!files.includes(name) || !prototype || !Object.hasOwn(prototype, 'getConnection')) return;
  const original = prototype.getConnection!;
  prototype.getConnection = function getConnection(done) {
    if (typeof done !== 'function') return Reflect.apply(original, this, arguments);
    // Who waits for a connection that dies asks again, by way of whoever had it.
    const own = contexts.get(done);
    if (own) return context.with(own, () => Reflect.apply(original, this, arguments));
    const active = context.active();
    const { waiting, opened } = countsOf(this);
    let wait: Span | undefined;
    const begin = () => startWait(this, (started) => (wait = started));
    const resumed: Done = function (this: unknown, error) {
      if (error && !wait) context.with(active, begin);
      if (wait) endWait(wait, error);
      return context.with(active, () => Reflect.apply(done, this, arguments));
    };
    contexts.set(resumed, active);
    const result = Reflect.apply(original, this, [resumed]);
    const now = countsOf(this);
    if (now.waiting > waiting || now.opened > opened) begin();
    if (now.opened > opened) noteOpened(this, wait);
    return result;
  };
}

const countsOf = ({ _connectionQueue, _allConnections }: Pool) => ({
  waiting: _connectionQueue?.length ?? 0,
  opened: _allConnections?.length ?? 0,
});

const startWait = guard(({ config }: Pool, started: (wait: Span) => void) => {
  const { host, port, database } = config?.connectionConfig ?? {};
  const attributes: Attributes = { 'db.system.name': 'mysql' };
  if (host !== undefined) attributes['server.address'] = host;
  if (port !== undefined) attributes['server.port'] = Number(port);
  if (database) attributes['db.namespace'] = database;
  const tracer = libraryTracers.getTracer('@sockeye/instrumentation');
  started(tracer.startSpan('mysql2-pool.connect', { kind: SpanKind.CLIENT, attributes }));
});

/** Which fails by itself where it does not open, and else may never be let in. */
const noteOpened = guard(({ _allConnections }: Pool, wait: Span | undefined) => {
  const stream = _allConnections?.peekBack?.()?.stream;
  if (stream instanceof Socket) noteOpening(wait, connectionOf(stream));
});

const endWait = guard((wait: Span, error: Parameters<Done>[0]) => {
  if (error) wait.setStatus({ code: SpanStatusCode.ERROR, message: String(error.message ?? '') });
  wait.end();
});
