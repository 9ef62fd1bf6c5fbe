/**
 * What a command of mongodb waits for before it has a connection, when its span begins: a server that can take it, and a connection
 * of that server's pool.
 */
import { SpanKind, type Attributes } from '@opentelemetry/api';
import { guard } from '../guard.ts';
import { libraryTracers } from './library-tracers.ts';
import { fail } from './started-span.ts';

interface Pool {
  availableConnectionCount?: number;
  totalConnectionCount?: number;
  waitQueueSize?: number;
  options?: { maxPoolSize?: number; hostAddress?: { host?: string; port?: number } };
}
interface Topology {
  waitQueue?: { length?: number };
  s?: { seedlist?: { host?: string; port?: number }[] };
}
type SelectServer = (this: Topology, ...args: unknown[]) => unknown;
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

/** The same, for the wait for a server. */
export function watchSelection(exports: unknown, name: string): void {
  const { Topology } = Object(exports) as { Topology?: { prototype: { selectServer: SelectServer } } };
  if (name !== 'mongodb/lib/sdam/topology.js' || !Topology) return;
  const { prototype } = Topology;
  const original = prototype.selectServer;
  prototype.selectServer = function selectServer() {
    const waitedBefore = this.waitQueue?.length ?? 0;
    const result = Reflect.apply(original, this, arguments);
    const isWaiting = (this.waitQueue?.length ?? 0) > waitedBefore;
    if (isWaiting && result instanceof Promise) noteSelection(this, result);
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
  followWait('mongodb-pool.connect', options?.hostAddress, result);
});

const noteSelection = guard(({ s }: Topology, result: Promise<unknown>) => {
  const [seed, ...others] = s?.seedlist ?? [];
  // Any of several would have done.
  followWait('mongodb.connect', others.length === 0 ? seed : undefined, result);
});

function followWait(
  name: string,
  { host, port }: { host?: string; port?: number } = {},
  result: Promise<unknown>,
): void {
  const attributes: Attributes = { 'db.system.name': 'mongodb' };
  if (host !== undefined) attributes['server.address'] = host;
  if (port !== undefined) attributes['server.port'] = port;
  const tracer = libraryTracers.getTracer('@opentelemetry/instrumentation-mongodb');
  const wait = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
  result.then(
    guard(() => wait.end()),
    (error: unknown) => fail(wait, error),
  );
}
