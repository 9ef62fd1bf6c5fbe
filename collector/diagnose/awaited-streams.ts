/**
 * A stream's own end by a timer is no give-up, for nobody need have waited for it. Where its caller failed with it,
 * somebody did: a streaming RPC that reached its deadline before it said anything is a call like any other.
 */
import { passingOnMs, SAME_MOMENT_MS } from './give-ups.ts';
import { awaitedStreamOutcome } from './outcome.ts';
import type { TraceNode } from './tree.ts';

/** Takes parents before their children: a stream that is awaited makes the one that its server called awaited. */
export function judgeAwaitedStreams(nodes: readonly TraceNode[]): void {
  for (const node of nodes) {
    const { parent, span } = node;
    // Only streams say that they failed and are judged well.
    if (parent === null || span.status.code !== 'error' || node.outcome.outcome !== 'ok') continue;
    if (failedWith(parent, node)) node.outcome = awaitedStreamOutcome(span);
  }
}

function failedWith(parent: TraceNode, stream: TraceNode): boolean {
  const { outcome } = parent.outcome;
  if ((outcome !== 'error' && outcome !== 'timeout') || !parent.ended || !stream.ended) return false;
  const laterMs = parent.endMs - stream.endMs;
  return laterMs >= -SAME_MOMENT_MS && laterMs <= passingOnMs(parent.endMs - parent.startMs);
}
