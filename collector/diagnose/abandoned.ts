/**
 * Abandoned work: what servers went on doing after their caller had given up. Never across a queue (producer to
 * consumer) or links, and never what a span that ended well left running: that was meant to outlive it.
 */
import { isLongByDesign } from './long-by-design.ts';
import type { TraceNode } from './tree.ts';

/** Milliseconds in which at least one server below the call worked for nobody. */
export function abandonedMs(call: TraceNode, atMs: number): number {
  const intervals: { fromMs: number; untilMs: number }[] = [];
  const pending = call.children.map((node) => ({ node, limitMs: Infinity }));
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, limitMs } = next;
    const { kind } = node.span;
    if (kind === 'consumer' || kind === 'producer' || isLongByDesign(node.span)) continue;
    const untilMs = Math.min(node.endMs, limitMs);
    // How long a span that has not ended will go on is not known yet.
    if (kind === 'server' && node.ended && untilMs > atMs) {
      intervals.push({ fromMs: Math.max(node.startMs, atMs), untilMs });
    }
    const endedWell = node.outcome.outcome === 'ok' && node.ended;
    for (const child of node.children) pending.push({ node: child, limitMs: endedWell ? untilMs : limitMs });
  }
  return unionMs(intervals);
}

function unionMs(intervals: { fromMs: number; untilMs: number }[]): number {
  intervals.sort((a, b) => a.fromMs - b.fromMs);
  let totalMs = 0;
  let coveredMs = -Infinity;
  for (const { fromMs, untilMs } of intervals) {
    totalMs += Math.max(0, untilMs - Math.max(fromMs, coveredMs));
    coveredMs = Math.max(coveredMs, untilMs);
  }
  return totalMs;
}
