/**
 * The spans in which a driver gets a connection: one from its pool, or a new one, whose opening the hook tells.
 *
 *     pg-pool.connect  |=============|       waits for a free connection, or gets a new one
 *       pg.connect       |===========|       opens it and logs in
 *         connect        |=====|             the hook's: phases, kernel evidence
 *
 * That a connection was got is no call. That none was got is a failed one, but only one: `error.type` stands on the innermost
 * span that failed.
 */
import { performance } from 'node:perf_hooks';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { isOpen, type Connection } from '../connections.ts';
import { spanOf } from '../context.ts';
import { openingMarks, type Phase } from '../phases.ts';
import { failed, isGivenUp, watchGivingUp } from './giving-up.ts';

interface Connecting {
  /** That it is a part of. */
  parent: Connecting | undefined;
  /** The connection that was opened in it. */
  opening: Connection | undefined;
  /** The last one that was opened in it or below. */
  last: Connection | undefined;
  hasFailedBelow: boolean;
  /** Whether a span below says by which timer. */
  isGivenUpBelow: boolean;
}

const connecting = new WeakMap<Span, Connecting>();

export function isConnecting(name: string, attributes: Attributes): boolean {
  return /(?:^|[.-])connect$/.test(name) && attributes['db.system.name'] !== undefined;
}

/** The connection is opened by what runs in this span. */
export function noteOpening(span: Span | undefined, connection: Connection): void {
  const state = span && connecting.get(span);
  if (state) state.opening = connection;
  for (let each = state; each; each = each.parent) each.last = connection;
}

/** Follows a span until it ends, and adds what its instrumentation does not say. */
export function watchConnecting(name: string, span: Span, within: Context, gaveUp: RegExp | undefined): Span {
  const startMs = performance.now();
  const parent = connecting.get(spanOf(within) ?? span);
  const state: Connecting = {
    parent,
    opening: undefined,
    last: undefined,
    hasFailedBelow: false,
    isGivenUpBelow: false,
  };
  connecting.set(span, state);
  const { setStatus: setStatusAlone, end } = span;
  // What a pool does not spend on opening one is waiting for one that others hold.
  const isInQueue = () => !state.last && name.includes('pool');
  const hasFailedToOpen = () => state.opening !== undefined && !isOpen(state.opening);
  const hasFailedBelow = () => state.hasFailedBelow || hasFailedToOpen();
  const phaseNow = () => (isInQueue() ? 'queue' : state.last && phaseOf(state.last));
  const endedBy = () => state.last?.ownTimer;
  const { setStatus } = watchGivingUp(span, gaveUp, { phaseNow, hasFailedBelow, endedBy });
  span.setStatus = (status) => {
    if (status.code === failed) {
      if (!hasFailedBelow()) span.setAttribute('error.type', '_OTHER');
      // An opening that fails tells of its timer itself.
      const isTold = state.isGivenUpBelow || hasFailedToOpen();
      Reflect.apply(isTold ? setStatusAlone : setStatus, span, [status]);
      if (parent) {
        parent.hasFailedBelow = true;
        parent.isGivenUpBelow ||= isTold || isGivenUp(span);
      }
      return span;
    }
    return Reflect.apply(setStatus, span, [status]);
  };
  span.end = (endTime) => {
    if (isInQueue()) span.setAttribute('sockeye.phase.queue_ms', performance.now() - startMs);
    Reflect.apply(end, span, [endTime]);
  };
  return span;
}

/** Once it is open, the driver has said who it is, and waits for an answer. */
function phaseOf(connection: Connection): Phase | undefined {
  return isOpen(connection) ? 'wait' : openingMarks(connection).at(-1)?.phase;
}
