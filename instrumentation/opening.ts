/** The span of a connection that no call opened: a raw socket, a driver's, a pool that warms up. */
import { performance } from 'node:perf_hooks';
import type { Attributes, Context } from '@opentelemetry/api';
import { timerOfReason } from './abort-reasons.ts';
import {
  attemptAttributes,
  failureAttributes,
  openingAttributes,
  peerAttributes,
  phaseAttributes,
} from './call-attributes.ts';
import { isOpen, type Connection } from './connections.ts';
import { withoutEndedSpan } from './context.ts';
import { describeFailure, isOfSystem } from './failures.ts';
import { evidenceAttributes, isSlow } from './kernel/evidence.ts';
import { peerAttributesOf } from './libraries/peers.ts';
import { measurePhases, openingMarks } from './phases.ts';
import type { Recorder } from './recorder.ts';
import { isDeadlineOf } from './running-timer.ts';
import { strainAttributes } from './strain/monitor.ts';
import { isInStore } from './undici-store.ts';

/** Records a connection that is open now, or closed before it was. Local sockets have no phases worth a span. */
export function recordOpening(recorder: Recorder, connection: Connection): void {
  const { host, port, path, startedMs, startId, socket, idleTimer, attempts, evidence } = connection;
  if (path !== undefined || host === undefined) return;
  const endMs = performance.now();
  const times = measurePhases(startedMs, openingMarks(connection), endMs);
  // Once open, `send` has been entered and nothing more is known.
  if (isOpen(connection)) times.pop();
  const attributes: Attributes = { ...peerAttributesOf(connection), 'server.address': host };
  if (port !== undefined && !Number.isNaN(port)) attributes['server.port'] = port;
  Object.assign(attributes, peerAttributes(connection), phaseAttributes(times), attemptAttributes(attempts));
  if (!isOpen(connection) || isSlow(startedMs, endMs)) {
    Object.assign(
      attributes,
      openingAttributes(connection),
      strainAttributes(startedMs, endMs),
      evidenceAttributes(evidence, socket, { isOwn: true, isShared: false, wasTried: attempts.length > 0 }),
    );
  }
  let errorMessage: string | undefined;
  if (!isOpen(connection)) {
    const error =
      socket.errored ?? new DOMException('The socket was closed before it was connected', 'AbortError');
    const opening = { startMs: startedMs, startId };
    // What the last of several addresses met, Node may hear of in a timer of its own.
    const ownTimer = isOfSystem(error) ? undefined : connection.ownTimer;
    const failure = describeFailure(error, {
      endedHere: socket.errored === null || ownTimer !== undefined,
      neverConnected: false,
      undiciBudgetsMs: {},
      ownTimer: ownTimer && isDeadlineOf(ownTimer, opening) ? ownTimer : undefined,
      timerOfReason: (reason) => timerOfReason(reason, opening),
      idleTimer: idleTimer && { timer: 'socket_timeout', budgetMs: idleTimer.budgetMs },
    });
    Object.assign(attributes, failureAttributes(failure, times, endMs - startedMs));
    errorMessage = failure.message;
  }
  const span = recorder.startSpan({
    name: 'connect',
    // To keep one in store calls nobody: as a call it would thin out the share of those that fail.
    kind: isOpen(connection) && isInStore(connection) ? 'internal' : 'client',
    startMs: startedMs,
    parent: parentOf(connection),
    attributes,
  });
  span.end({ endMs, attributes: {}, ...(errorMessage === undefined ? {} : { errorMessage }) });
}

/** The program's own connection belongs to the span it was opened in, however long it takes; one in store must not extend a trace that is over. */
function parentOf(connection: Connection): Context {
  return isInStore(connection) ? withoutEndedSpan(connection.context) : connection.context;
}
