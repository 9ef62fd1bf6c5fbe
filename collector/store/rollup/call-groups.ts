/** Puts the cells of edges together as the map draws them: outcome and latency are the caller's. */
import type { Callee } from '../../query/callee.ts';
import type { CallGroup } from '../../query/results.ts';
import type { MapEdge } from '../../serve/wire.ts';
import { addCell, emptyCell, TIMEOUT_PHASES, type Cell } from './cell.ts';
import { addSketch, emptySketch, latencyOfSketch, totalOf, type Sketch } from './sketch.ts';

export interface EdgeCell {
  /** Null: from outside. */
  readonly from: string | null;
  readonly callee: Callee;
  readonly edgeKind: MapEdge['kind'];
  readonly cell: Cell;
}

interface Edge extends EdgeCell {
  readonly cell: Cell;
}

/** Cells of one caller and callee are added up, whatever they were counted under. */
export function groupCells(cells: Iterable<EdgeCell>): CallGroup[] {
  const edges = new Map<string, Edge>();
  const callees = new Map<string, Sketch>();
  const user = emptySketch();
  for (const { from, callee, edgeKind, cell } of cells) {
    const identity = JSON.stringify([from, callee.id]);
    let edge = edges.get(identity);
    if (edge === undefined) edges.set(identity, (edge = { from, callee, edgeKind, cell: emptyCell() }));
    addCell(edge.cell, cell);
    let ofCallee = callees.get(callee.id);
    if (ofCallee === undefined) callees.set(callee.id, (ofCallee = emptySketch()));
    addSketch(ofCallee, cell.latency);
    if (from === null) addSketch(user, cell.latency);
  }
  const userLatency = latencyOfSketch(user);
  const calleeLatencies = new Map([...callees].map(([id, sketch]) => [id, latencyOfSketch(sketch)]));
  return [...edges.values()].map((edge) => ({
    ...asGroup(edge),
    calleeLatency: calleeLatencies.get(edge.callee.id) ?? userLatency,
    userLatency: edge.from === null ? userLatency : null,
  }));
}

function asGroup({ from, callee, edgeKind, cell }: Edge): Omit<CallGroup, 'calleeLatency' | 'userLatency'> {
  const { serverLatency } = cell;
  const answered = serverLatency !== null && totalOf(serverLatency) > 0;
  const phases = [...(cell.timeoutPhases ?? [])].flatMap((count, index) =>
    count > 0 ? [[TIMEOUT_PHASES[index]!, count] as const] : [],
  );
  return {
    from,
    to: callee.id,
    kind: edgeKind,
    callee: { kind: callee.kind, inferred: callee.inferred },
    calls: cell.calls,
    errors: cell.errors,
    timeouts: cell.timeouts,
    timeoutPhases: Object.fromEntries(phases),
    neverArrived: cell.neverArrived,
    retries: cell.retries,
    ...latencyOfSketch(cell.latency),
    serverP95Ms: answered ? latencyOfSketch(serverLatency).p95Ms : null,
    budgetsMs: [...(cell.budgets?.keys() ?? [])].toSorted((a, b) => a - b),
  };
}
