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
  /** By steps of a service's own work that did not fail, as a framework records them: what called them. */
  const callers = new Map<TraceNode, TraceNode | null>();
  let lastFailureMs: Map<TraceNode, number> | undefined;
  for (const node of nodes) {
    const { parent, span } = node;
    const caller = parent !== null && callers.has(parent) ? callers.get(parent)! : parent;
    if (isOwnStep(node) && !hasFailed(node)) callers.set(node, caller);
    // Only streams say that they failed and are judged well.
    if (node.outcome.outcome !== 'ok' || span.status.code !== 'error') continue;
    if (caller === null || !failedSoonAfter(caller, node)) continue;
    lastFailureMs ??= lastFailuresBelow(nodes);
    // What failed after the stream is why its caller failed.
    if ((lastFailureMs.get(caller) ?? -Infinity) > node.endMs) continue;
    const outcome = awaitedStreamOutcome(span);
    // One that was cancelled is what the failure did, not what it came from.
    if (outcome.outcome === 'timeout') node.outcome = outcome;
  }
}

/** Not a call: work of the service that its parent is of. */
function isOwnStep({ parent, service, span }: TraceNode): boolean {
  return span.kind === 'internal' && parent?.service === service;
}

/**
 * When the last of each span's calls failed, those of its own steps included, streams apart. A step that failed passes on what
 * failed in it, and is none.
 */
function lastFailuresBelow(nodes: readonly TraceNode[]): Map<TraceNode, number> {
  const lastMs = new Map<TraceNode, number>();
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]!;
    if (node.parent === null) continue;
    const failedMs = isOwnStep(node) ? lastMs.get(node) : failedAtMs(node);
    if (failedMs !== undefined)
      lastMs.set(node.parent, Math.max(failedMs, lastMs.get(node.parent) ?? failedMs));
  }
  return lastMs;
}

function failedAtMs(node: TraceNode): number | undefined {
  return node.ended && hasFailed(node) ? node.endMs : undefined;
}

function failedSoonAfter(parent: TraceNode, stream: TraceNode): boolean {
  if (!hasFailed(parent) || !stream.ended) return false;
  const laterMs = parent.endMs - stream.endMs;
  return laterMs >= -SAME_MOMENT_MS && laterMs <= PASSED_ON_WITHIN_MS;
}

function hasFailed({ outcome: { outcome } }: TraceNode): boolean {
  return outcome === 'error' || outcome === 'timeout';
}
