/**
 * Abandoned work: what servers went on doing after their caller had given up. Never across a queue (producer to
 * consumer) or links, and never what a span that ended well left running: that was meant to outlive it.
 */
import { SAME_MOMENT_MS } from './give-ups.ts';
import { isLongByDesign } from './long-by-design.ts';
import type { TraceNode } from './tree.ts';

interface Interval {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Milliseconds in which at least one server below the call worked for nobody; 0 for a moment, which it takes to hear of the give-up. */
export function abandonedMs(call: TraceNode, atMs: number): number {
  /** From the give-up until here there was work without a gap; nearly always that is all there is. */
  let reachMs = atMs;
  const beyond: Interval[] = [];
  // Two stacks that move together: a span, and where work below its parent stops to count.
  const pending = [...call.children];
  const limits = pending.map(() => Infinity);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const limitMs = limits.pop() ?? Infinity;
    const { kind } = node.span;
    if (kind === 'consumer' || kind === 'producer' || isLongByDesign(node.span)) continue;
    const untilMs = Math.min(node.endMs, limitMs);
    // How long a span that has not ended will go on is not known yet.
    if (kind === 'server' && node.ended && untilMs > reachMs) {
      if (node.startMs <= reachMs) reachMs = untilMs;
      else beyond.push({ fromMs: node.startMs, untilMs });
    }
    const endedWell = node.ended && node.outcome.outcome === 'ok';
    for (const child of node.children) {
      pending.push(child);
      limits.push(endedWell ? untilMs : limitMs);
    }
  }
  const abandonedMs = reachMs - atMs + unionMs(beyond, reachMs);
  return abandonedMs <= SAME_MOMENT_MS ? 0 : abandonedMs;
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
