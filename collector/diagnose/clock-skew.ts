/**
 * Clocks of different hosts differ. The only thing that orders them is causality:
 *
 *     client send ≤ server receive ≤ server send ≤ client receive
 *
 * Each process gets the smallest shift that all of its calls in the trace allow, relative to its caller's clock;
 * none where the clocks are consistent as they are. A server that recorded when its client left gives the shift
 * exactly.
 */
import { numberAttribute, textAttribute, type Resource } from '../span.ts';
import type { TraceNode } from './tree.ts';

/** What a shift may be: lo wins where the two contradict, since no answer comes before its question. */
interface Bounds {
  lo: number;
  hi: number;
  exact: number | null;
}

/** Adds each node's shift to its times. Nodes come parents first. */
export function shiftClocks(nodes: readonly TraceNode[]): void {
  const processes = new Map<Resource, string>();
  const processOf = (node: TraceNode) => {
    let process = processes.get(node.span.resource);
    if (process === undefined) {
      process = processName(node);
      processes.set(node.span.resource, process);
    }
    return process;
  };
  const boundsOf = new Map<string, Bounds>();
  const crossings = new Map<TraceNode, Bounds>();
  for (const child of nodes) {
    const { parent } = child;
    if (parent === null || parent.span.resource === child.span.resource) continue;
    const from = processOf(parent);
    const to = processOf(child);
    if (from === to) continue;
    const pair = `${from}\n${to}`;
    let bounds = boundsOf.get(pair);
    if (bounds === undefined) boundsOf.set(pair, (bounds = { lo: -Infinity, hi: Infinity, exact: null }));
    tighten(bounds, parent, child);
    crossings.set(child, bounds);
  }
  if (boundsOf.size === 0) return;
  for (const node of nodes) {
    const bounds = crossings.get(node);
    node.skewMs = (node.parent?.skewMs ?? 0) + (bounds === undefined ? 0 : shiftMs(bounds));
    node.startMs += node.skewMs;
    node.endMs += node.skewMs;
  }
}

function tighten(bounds: Bounds, parent: TraceNode, child: TraceNode): void {
  bounds.lo = Math.max(bounds.lo, parent.startMs - child.startMs);
  if (parent.span.kind !== 'client' || child.span.kind !== 'server' || !parent.ended) return;
  const clientMs = parent.endMs - parent.startMs;
  const leftMs = numberAttribute(child.span.attributes, 'sockeye.client.left_ms');
  if (leftMs !== null && leftMs >= 0 && leftMs <= clientMs) {
    bounds.exact = parent.endMs - leftMs - child.startMs;
    return;
  }
  // Only an answered call has an end that comes after its server's.
  const answered = parent.outcome.giveUp === null && child.ended;
  if (answered && child.endMs - child.startMs <= clientMs) {
    bounds.hi = Math.min(bounds.hi, parent.endMs - child.endMs);
  }
}

function shiftMs({ lo, hi, exact }: Bounds): number {
  const wanted = exact ?? 0;
  const shift = Math.max(lo, Math.min(hi, wanted));
  return Number.isFinite(shift) ? shift : 0;
}

/** One clock: the process, or as much of its identity as it told. */
function processName(node: TraceNode): string {
  const { attributes } = node.span.resource;
  const instance =
    textAttribute(attributes, 'service.instance.id') ??
    `${textAttribute(attributes, 'host.name') ?? ''} ${numberAttribute(attributes, 'process.pid') ?? ''}`;
  return `${node.service}\n${instance}`;
}
