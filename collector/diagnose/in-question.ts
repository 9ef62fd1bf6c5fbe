/**
 * The spans whose normal duration a diagnosis asks for: what the give-ups of a trace waited for, and the servers that were
 * given up on. Most spans of most traces are in no question, and what is normal for them need not be looked up. Pure.
 */
import { blockingChain } from './blocking-chain.ts';
import { findGiveUps } from './give-ups.ts';
import { serverOf, type TraceNode, type TraceTree } from './tree.ts';

/** Chains of callers that all gave up ask for the same spans again and again. */
const SEGMENTS_MAX = 100_000;

export function spansInQuestion(tree: TraceTree): Set<TraceNode> {
  const asked = new Set<TraceNode>();
  let segments = 0;
  for (const { node, atMs } of findGiveUps(tree)) {
    if (segments >= SEGMENTS_MAX) break;
    const server = serverOf(node);
    if (server !== null) asked.add(server);
    const chain = blockingChain(node, atMs);
    for (const segment of chain) asked.add(segment.node);
    segments += chain.length;
  }
  return asked;
}
