/**
 * Abandoned work: what servers went on doing after their caller had given up. Never across a queue (producer to
 * consumer) or links, and never what a span that ended well left running: that was meant to outlive it.
 */
import { isLongByDesign } from './long-by-design.ts';
import type { TraceNode } from './tree.ts';

interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Milliseconds in which at least one server below the call worked for nobody. */
export function abandonedMs(call: TraceNode, atMs: number): number {
  /** From the give-up until here there was work without a gap; nearly always that is all there is. */
  let reachMs = atMs;
  const beyond: Interval[] = [];
  /** Where work below a span stops to count, if it does. */
  const limits = new Map<TraceNode, number>();
  const pending = [...call.children];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const { kind } = node.span;
    if (kind === 'consumer' || kind === 'producer' || isLongByDesign(node.span)) continue;
    const limitMs = (node.parent === null ? undefined : limits.get(node.parent)) ?? Infinity;
    const untilMs = Math.min(node.endMs, limitMs);
    // How long a span that has not ended will go on is not known yet.
    if (kind === 'server' && node.ended && untilMs > reachMs) {
      if (node.startMs <= reachMs) reachMs = untilMs;
      else beyond.push({ fromMs: node.startMs, untilMs });
    }
    if (node.children.length === 0) continue;
    if (node.ended && node.outcome.outcome === 'ok') limits.set(node, untilMs);
    else if (limitMs !== Infinity) limits.set(node, limitMs);
    for (const child of node.children) pending.push(child);
  }
  return reachMs - atMs + unionMs(beyond, reachMs);
}

function unionMs(intervals: Interval[], fromMs: number): number {
  intervals.sort((a, b) => a.fromMs - b.fromMs);
  let totalMs = 0;
  let coveredMs = fromMs;
  for (const { fromMs, untilMs } of intervals) {
    totalMs += Math.max(0, untilMs - Math.max(fromMs, coveredMs));
    coveredMs = Math.max(coveredMs, untilMs);
  }
  return totalMs;
}
