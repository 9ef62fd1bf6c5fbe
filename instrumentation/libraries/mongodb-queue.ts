/** Waiting for a connection of mongodb's pool, which its instrumentation knows nothing of: a command's span begins when it has one. */
import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { libraryTracers } from './library-tracers.ts';

interface Pool {
  availableConnectionCount?: number;
  totalConnectionCount?: number;
  waitQueueSize?: number;
  options?: { maxPoolSize?: number; hostAddress?: { host?: string; port?: number } };
}
type CheckOut = (this: Pool, ...args: unknown[]) => unknown;

/** `exports` are those of any file of mongodb. */
export function watchCheckOut(exports: unknown, name: string): void {
  const { ConnectionPool } = Object(exports) as { ConnectionPool?: { prototype: { checkOut: CheckOut } } };
  if (name !== 'mongodb/lib/cmap/connection_pool.js' || !ConnectionPool) return;
  const { prototype } = ConnectionPool;
  const original = prototype.checkOut;
  prototype.checkOut = function checkOut() {
    let isTaken = false;
    look(this, () => (isTaken = true));
    const result = Reflect.apply(original, this, arguments);
    if (isTaken && result instanceof Promise) noteWait(this, result);
    return result;
  };
}

const look = guard((pool: Pool, taken: () => void) => {
  if (allTaken(pool)) taken();
});

/** Or will be, by those who came before. No maximum is 0. */
function allTaken({ availableConnectionCount, totalConnectionCount, waitQueueSize, options }: Pool): boolean {
  const roomFor = (options?.maxPoolSize || Infinity) - (totalConnectionCount ?? 0);
  return (availableConnectionCount ?? 0) + roomFor <= (waitQueueSize ?? 0);
}

const noteWait = guard(({ options }: Pool, result: Promise<unknown>) => {
  const { host, port } = options?.hostAddress ?? {};
  const attributes: Attributes = { 'db.system.name': 'mongodb' };
  if (host !== undefined) attributes['server.address'] = host;
  if (port !== undefined) attributes['server.port'] = port;
  const tracer = libraryTracers.getTracer('@opentelemetry/instrumentation-mongodb');
  const wait = tracer.startSpan('mongodb-pool.connect', { kind: SpanKind.CLIENT, attributes });
  result.then(
    guard(() => wait.end()),
    guard((error: unknown) => failWait(wait, error)),
  );
});

function failWait(wait: Span, error: unknown): void {
  const { message } = Object(error) as { message?: unknown };
  wait.setStatus({ code: SpanStatusCode.ERROR, message: String(message ?? '') });
  wait.end();
}
