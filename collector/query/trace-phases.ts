/** Where the time of a trace went, by phase: what its entry waited for, moment by moment, each moment once. Pure. */
import { isEdge, waitsOf } from '../diagnose/blocking-chain.ts';
import { readPhases } from '../diagnose/phases.ts';
import type { TraceNode, TraceTree } from '../diagnose/tree.ts';
import { PHASES } from '../diagnose/verdict.ts';
import type { TracePhases } from '../serve/wire.ts';

type Part = TracePhases['parts'][number];
type Interval = { readonly fromMs: number; readonly untilMs: number };

/** `none` is a service's own work. A call whose phases were not measured waits. */
const ORDER: readonly Part['phase'][] = ['none', ...PHASES];

/** Of the trace's first root; the parts add up to its duration. */
export function splitByPhase({ roots, nodes }: TraceTree): Pick<TracePhases, 'durationMs' | 'parts'> {
  const root = roots.find(({ span }) => span.parentSpanId === '') ?? roots[0];
  if (root === undefined) return { durationMs: 0, parts: [] };
  const untilMs = root.ended ? root.endMs : latestMoment(nodes);
  const parts = new Map<Part['phase'], { durationMs: number; open: boolean }>();
  const pending: (Interval & { node: TraceNode })[] = [{ node: root, fromMs: root.startMs, untilMs }];
  for (let window = pending.pop(); window !== undefined; window = pending.pop()) {
    const waits = waitsOf(window.node, window.fromMs, window.untilMs);
    pending.push(...waits);
    for (const own of between(window, waits)) addOwn(parts, window.node, own);
  }
  return {
    durationMs: Math.max(0, untilMs - root.startMs),
    parts: ORDER.flatMap((phase): Part[] => {
      const part = parts.get(phase);
      return part === undefined || part.durationMs <= 0 ? [] : [{ phase, ...part }];
    }),
  };
}

/** Until which something of a trace is known that has not ended. */
function latestMoment(nodes: readonly TraceNode[]): number {
  return nodes.reduce((latest, node) => Math.max(latest, node.ended ? node.endMs : node.startMs), 0);
}

/** What of a window its waits, which come latest first, leave over. */
function between(window: Interval, waits: readonly Interval[]): Interval[] {
  const ends = [window.untilMs, ...waits.map(({ fromMs }) => fromMs)];
  return ends
    .map((untilMs, index) => ({ fromMs: waits[index]?.untilMs ?? window.fromMs, untilMs }))
    .filter(({ fromMs, untilMs }) => untilMs > fromMs);
}

function addOwn(
  parts: Map<Part['phase'], { durationMs: number; open: boolean }>,
  node: TraceNode,
  own: Interval,
): void {
  const add = (phase: Part['phase'], durationMs: number, open: boolean) => {
    const part = parts.get(phase) ?? { durationMs: 0, open: false };
    parts.set(phase, { durationMs: part.durationMs + durationMs, open: part.open || open });
  };
  let leftMs = own.untilMs - own.fromMs;
  const slices = readPhases(node.span);
  for (const { phase, startOffsetMs, durationMs, open } of slices) {
    const fromMs = Math.max(own.fromMs, node.startMs + startOffsetMs);
    const usedMs = Math.min(own.untilMs, node.startMs + startOffsetMs + durationMs) - fromMs;
    if (usedMs <= 0) continue;
    add(phase, usedMs, open);
    leftMs -= usedMs;
  }
  if (leftMs > 0) add(slices.length === 0 && isEdge(node) ? 'wait' : 'none', leftMs, false);
}
