/**
 * Which spans of a trace took as long as they did because somebody gave up: when a timer fired is not how long work
 * normally takes. Pure; on plain numbers, because what is normal is counted from rows, and judged on trees.
 *
 *     checkout>payments  |=====X             its own timer decided
 *       payments         |==============|    ended when what it waited for …
 *         payments>bank   |============X     … was given up
 *
 * A server that went on without anybody who waited, and ended in its own time, is not among them.
 */
import type { SpanKind } from '../span.ts';
import type { Outcome } from './outcome.ts';

export interface TimedSpan {
  /** Its place in the list; -1 without one. */
  readonly parent: number;
  readonly kind: SpanKind;
  readonly outcome: Outcome;
  /** A call that gave up, or was turned away; not one that was cancelled. */
  readonly gaveUp: boolean;
  readonly startMs: number;
  readonly endMs: number;
}

/** Waiting for what was given up decided a span's duration when it was this share of it. */
const DECIDING_SHARE = 0.5;
/** Ends closer than this are one moment. */
const SAME_MOMENT_MS = 5;
/** A server whose time differs no more from its caller's ended because that left. */
const LEFT_SLACK_MS = 50;
const LEFT_SLACK_SHARE = 0.05;

/** By place in the list. */
export function decidedByGiveUp(spans: readonly TimedSpan[]): boolean[] {
  const decided = spans.map(() => false);
  const waited = new Map<number, Waited>();
  const pending: number[] = [];
  const addWait = (child: TimedSpan): void => {
    const parent = spans[child.parent];
    if (parent === undefined) return;
    const wait = waitFor(child, parent);
    if (wait === null) return;
    const known = waited.get(child.parent) ?? { waits: [], sumMs: 0, isEnough: false };
    waited.set(child.parent, known);
    if (known.isEnough) return;
    known.waits.push(wait);
    known.sumMs += lengthMs(wait);
    const enoughMs = DECIDING_SHARE * durationMs(parent);
    if (known.sumMs < enoughMs) return;
    known.waits = joined(known.waits);
    known.sumMs = known.waits.reduce((sum, each) => sum + lengthMs(each), 0);
    known.isEnough = known.sumMs >= enoughMs;
    if (known.isEnough) pending.push(child.parent);
  };
  for (const [index, span] of spans.entries()) {
    const parent = spans[span.parent];
    if (span.gaveUp || span.outcome === 'timeout' || endedAsCallerLeft(span, parent)) pending.push(index);
    if (wasLeft(span, parent)) addWait(span);
  }
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (decided[index] === true) continue;
    decided[index] = true;
    const span = spans[index]!;
    // What was left is counted already.
    if (!wasLeft(span, spans[span.parent])) addWait(span);
  }
  return decided;
}

/** On the parent's clock. */
interface Wait {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When the parent waited for the child. Clocks of a call's two sides differ: there only durations are compared. */
function waitFor(child: TimedSpan, parent: TimedSpan): Wait | null {
  const { kind } = child;
  // Nobody waits for a message to be consumed, nor, who ended well, for what it left running.
  if (kind === 'consumer' || (parent.outcome === 'ok' && outlives(child, parent))) return null;
  const fromMs = kind === 'server' ? parent.startMs : Math.max(child.startMs, parent.startMs);
  const toMs = Math.min(kind === 'server' ? fromMs + durationMs(child) : child.endMs, parent.endMs);
  return toMs > fromMs ? { fromMs, toMs } : null;
}

/** What a span waited for in vain, so far. */
interface Waited {
  waits: Wait[];
  /** Not more than this; joined when it seems to be enough. */
  sumMs: number;
  isEnough: boolean;
}

/** What was waited for at the same time counts once. */
function joined(waits: readonly Wait[]): Wait[] {
  const apart: Wait[] = [];
  for (const { fromMs, toMs } of waits.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = apart.at(-1);
    if (last === undefined || fromMs > last.toMs) apart.push({ fromMs, toMs });
    else if (toMs > last.toMs) apart[apart.length - 1] = { fromMs: last.fromMs, toMs };
  }
  return apart;
}

const lengthMs = ({ fromMs, toMs }: Wait) => toMs - fromMs;

/** The parent failed and left it: by a timer of its own, which cancels a call or not. */
function wasLeft(child: TimedSpan, parent: TimedSpan | undefined): boolean {
  if (parent === undefined || parent.outcome === 'ok' || child.kind !== 'client') return false;
  return child.outcome === 'cancelled' || outlives(child, parent);
}

function outlives(child: TimedSpan, parent: TimedSpan): boolean {
  return child.kind === 'server'
    ? durationMs(child) > durationMs(parent) + SAME_MOMENT_MS
    : child.endMs > parent.endMs + SAME_MOMENT_MS;
}

function endedAsCallerLeft(span: TimedSpan, caller: TimedSpan | undefined): boolean {
  if (span.kind !== 'server' || caller?.kind !== 'client') return false;
  if (caller.outcome !== 'timeout' && caller.outcome !== 'cancelled') return false;
  const waitedMs = durationMs(caller);
  return Math.abs(durationMs(span) - waitedMs) <= Math.max(LEFT_SLACK_MS, LEFT_SLACK_SHARE * waitedMs);
}

function durationMs({ startMs, endMs }: TimedSpan): number {
  return Math.max(0, endMs - startMs);
}
