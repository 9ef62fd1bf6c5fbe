/** What a call waits for that has no connection yet: how many there are in its pool, and in which phase their calls are. */
import type { Agent, ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Attributes } from '@opentelemetry/api';
import { phaseNow, type Call } from './call.ts';
import { connectionsTo } from './connections-by-host.ts';
import { knownConnection, type Connection } from './connections.ts';
import { openingMarks } from './phases.ts';

export interface Pool {
  /** Connections that carry a call, or are opened for one. */
  inUse: number;
  /** Undefined when there is no limit, or none is known. */
  max: number | undefined;
  /** Calls that wait, this one included. */
  pending: number;
  /** The phase of the call that has held its connection for longest. */
  oldestPhase: string | undefined;
}

export function poolAttributes({ inUse, max, pending, oldestPhase }: Pool): Attributes {
  const attributes: Attributes = { 'sockeye.pool.in_use': inUse, 'sockeye.pool.pending': pending };
  if (max !== undefined) attributes['sockeye.pool.max'] = max;
  if (oldestPhase !== undefined) attributes['sockeye.pool.oldest_phase'] = oldestPhase;
  return attributes;
}

/** The phase of the call that has used the connection for longest. When it is just taken, that is to open, or to send. */
function phaseOn(connection: Connection | undefined): string | undefined {
  if (!connection) return undefined;
  // Only calls use connections.
  const [call] = connection.evidence.users as Iterable<Call>;
  if (call) return phaseNow(call);
  return openingMarks(connection).at(-1)?.phase;
}

/** What an agent of `http` keeps by destination. */
interface AgentLists {
  requests: Record<string, ClientRequest[] | undefined>;
  sockets: Record<string, Socket[] | undefined>;
  maxSockets: number;
}

type Pooled = { agent?: (Agent & AgentLists) | null };

/**
 * The pool of a request that waits in its agent's queue; undefined when the agent has, or opens, a socket for it. One that
 * `isNew` is the last in its queue.
 */
export function agentPool(request: ClientRequest, isNew = false): Pool | undefined {
  const { agent } = request as unknown as Pooled;
  for (const name in agent?.requests) {
    const { [name]: waiting } = agent.requests;
    if (waiting && (isNew ? waiting.at(-1) === request : waiting.includes(request))) {
      const sockets = agent.sockets[name] ?? [];
      return {
        inUse: sockets.length,
        max: Number.isFinite(agent.maxSockets) ? agent.maxSockets : undefined,
        pending: waiting.length,
        // They are listed in the order in which they were taken.
        oldestPhase: phaseOn(sockets[0] && knownConnection(sockets[0])),
      };
    }
  }
  return undefined;
}

/** Of a pool that keeps no lists that can be seen: the connections of this process to the same host. */
export function hostPool(host: string, port: number, pending: number, max: number | undefined): Pool {
  let inUse = 0;
  let oldest: Connection | undefined;
  for (const connection of connectionsTo(host, port)) {
    if (connection.evidence.users.size === 0) continue;
    inUse += 1;
    if (!oldest || usedSinceMs(connection) < usedSinceMs(oldest)) oldest = connection;
  }
  return { inUse, max, pending, oldestPhase: phaseOn(oldest) };
}

function usedSinceMs({ evidence }: Connection): number {
  const [user] = evidence.users;
  return user?.startMs ?? Infinity;
}
