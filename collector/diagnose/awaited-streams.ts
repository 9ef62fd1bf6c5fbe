/**
 * A stream's own end by a timer is no give-up, for nobody need have waited for it. Where its caller failed by it,
 * somebody did: a streaming RPC that reached its deadline before it said anything is a call like any other.
 */
import { SAME_MOMENT_MS } from './give-ups.ts';
import { awaitedStreamOutcome } from './outcome.ts';
import type { TraceNode } from './tree.ts';

/** So soon after the stream its caller fails: it only writes its answer. */
const PASSED_ON_WITHIN_MS = 100;

/** Takes parents before their children: a stream that is awaited makes the one that its server called awaited. */
export function judgeAwaitedStreams(nodes: readonly TraceNode[]): void {
  /** When the last of a failed span's calls failed, streams apart. */
  const lastFailureMs = new Map<TraceNode, number>();
  for (const node of nodes) {
    const { parent, span } = node;
    // Only streams say that they failed and are judged well.
    if (node.outcome.outcome !== 'ok' || parent === null || !failedSoonAfter(parent, node)) continue;
    if (span.status.code !== 'error') continue;
    if (!lastFailureMs.has(parent)) lastFailureMs.set(parent, lastFailureBelow(parent));
    // What failed after the stream is why its caller failed.
    if (lastFailureMs.get(parent)! > node.endMs) continue;
    const outcome = awaitedStreamOutcome(span);
    // One that was cancelled is what the failure did, not what it came from.
    if (outcome.outcome === 'timeout') node.outcome = outcome;
  }
}

function failedSoonAfter(parent: TraceNode, stream: TraceNode): boolean {
  if (!hasFailed(parent) || !stream.ended) return false;
  const laterMs = parent.endMs - stream.endMs;
  return laterMs >= -SAME_MOMENT_MS && laterMs <= PASSED_ON_WITHIN_MS;
}

function lastFailureBelow(parent: TraceNode): number {
  let lastMs = -Infinity;
  for (const child of parent.children) {
    if (child.ended && hasFailed(child)) lastMs = Math.max(lastMs, child.endMs);
  }
  return lastMs;
}

function hasFailed({ outcome: { outcome } }: TraceNode): boolean {
  return outcome === 'error' || outcome === 'timeout';
}
