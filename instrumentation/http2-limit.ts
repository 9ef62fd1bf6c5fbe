/**
 * Streams that wait because the peer allows no more of them at once: Node has sent nothing of them, and tells nobody.
 *
 * nghttp2 lets them go in the order in which they came, one for each stream that closes.
 */
import type { ClientHttp2Session } from 'node:http2';
import { performance } from 'node:perf_hooks';
import { noteWait, phaseNow, type Call } from './call.ts';
import type { Connection } from './connections.ts';
import { poolAttributes } from './pool.ts';

export interface Waiting {
  call: Call;
  /** Whether the program has handed over all there is to send. */
  isSent: boolean;
}

const bySession = new WeakMap<ClientHttp2Session, Waiting[]>();

/** Whether a new stream of the session has to wait; if so, it is looked after. */
export function waitsForStream(
  session: ClientHttp2Session,
  connection: Connection,
  waiting: Waiting,
): boolean {
  const { users } = connection.evidence;
  // Asking for the settings costs more than all the rest.
  const max = users.size < 2 ? undefined : session.remoteSettings?.maxConcurrentStreams;
  if (max === undefined || users.size <= max) return false;
  const list = bySession.get(session) ?? [];
  bySession.set(session, list);
  list.push(waiting);
  const { call } = waiting;
  call.queued = true;
  call.socketMs = undefined;
  call.readPool = () => {
    const [oldest] = users as Iterable<Call>;
    const isOther = oldest !== undefined && oldest !== call;
    return poolAttributes({
      inUse: Math.min(max, users.size),
      max,
      pending: list.length,
      oldestPhase: isOther ? phaseNow(oldest) : undefined,
    });
  };
  return true;
}

/** A stream of the session has closed: the next one is sent, unless this one waited itself. */
export function streamClosed(session: ClientHttp2Session | undefined, call: Call | undefined): void {
  const list = session && bySession.get(session);
  if (!list) return;
  const index = list.findIndex((waiting) => waiting.call === call);
  if (index !== -1) {
    list.splice(index, 1);
    return;
  }
  const next = list.shift();
  if (!next) return;
  noteWait(next.call);
  next.call.isShared = true;
  next.call.socketMs = performance.now();
  if (next.isSent) next.call.sentMs = next.call.socketMs;
}
