/** What a span says of a call, or of a connection's opening: the attributes of its phases, its failure, and its peer. */
import { performance } from 'node:perf_hooks';
import type { Attributes } from '@opentelemetry/api';
import { peerOf, type Attempt, type Connection } from './connections.ts';
import type { Failure } from './failures.ts';
import type { PhaseTime } from './phases.ts';
import { knownSidecar } from './sidecar.ts';
import { waitedForThreadMs } from './strain/lookups.ts';

export function phaseAttributes(times: PhaseTime[]): Attributes {
  return Object.fromEntries(times.map(({ phase, durationMs }) => [`sockeye.phase.${phase}_ms`, durationMs]));
}

export function failureAttributes(
  { type, timeout }: Failure,
  times: PhaseTime[],
  elapsedMs: number,
): Attributes {
  const attributes: Attributes = { 'error.type': type };
  if (!timeout) return attributes;
  const open = times.at(-1);
  if (open) attributes['sockeye.timeout.phase'] = open.phase;
  attributes['sockeye.timeout.timer'] = timeout.timer;
  attributes['sockeye.timeout.elapsed_ms'] = elapsedMs;
  if (timeout.budgetMs !== undefined) attributes['sockeye.timeout.budget_ms'] = timeout.budgetMs;
  return attributes;
}

/** What hides the peer of a connection, and what may have held up its opening, if that `isPart` of what is told. */
export function openingAttributes({ lookup }: Connection, isPart = true): Attributes {
  const attributes: Attributes = {};
  const queuedMs = lookup && isPart ? Math.round(waitedForThreadMs(lookup)) : 0;
  if (queuedMs > 0) attributes['sockeye.process.dns_queue_ms'] = queuedMs;
  const sidecar = knownSidecar();
  if (sidecar !== undefined) attributes['sockeye.sidecar'] = sidecar;
  return attributes;
}

export function peerAttributes(connection: Connection): Attributes {
  if (connection.path !== undefined)
    return { 'network.transport': 'unix', 'network.peer.address': connection.path };
  const peer = peerOf(connection);
  return peer ? { 'network.peer.address': peer.address, 'network.peer.port': peer.port } : {};
}

/** Only when several addresses were tried: `10.0.0.1:443 timeout 250ms`, one string an attempt, with its retransmits if known. */
export function attemptAttributes(attempts: readonly Attempt[]): Attributes {
  if (attempts.length < 2) return {};
  const nowMs = performance.now();
  return {
    'sockeye.connect.attempts': attempts.map(({ address, port, startedMs, endedMs, result, retransmits }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      const outcome = `${host}:${port} ${result ?? 'open'} ${Math.round((endedMs ?? nowMs) - startedMs)}ms`;
      return retransmits === undefined ? outcome : `${outcome} retransmits=${retransmits}`;
    }),
  };
}
