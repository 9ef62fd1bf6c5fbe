/** Puts the cells of edges together as the map draws them: outcome and latency are the caller's. */
import type { Callee } from '../../query/callee.ts';
import type { CallGroup, Latency } from '../../query/results.ts';
import type { MapEdge } from '../../serve/wire.ts';
import { addCell, emptyCell, TIMEOUT_PHASES, type Cell } from './cell.ts';
import { SketchSum } from './sketch-sum.ts';
import { latencyOfSketch, totalOf, type Sketch } from './sketch.ts';

export interface EdgeCell {
  /** Null: from outside. */
  readonly from: string | null;
  readonly callee: Callee;
  readonly edgeKind: MapEdge['kind'];
  readonly cell: Cell;
}

/** Whatever its cells were counted under, they are of one caller and callee. */
interface Edge extends Omit<EdgeCell, 'cell'> {
  readonly cells: Cell[];
}

const sum = new SketchSum();

/** Cells of one caller and callee are added up. */
export function groupCells(cells: Iterable<EdgeCell>): CallGroup[] {
  const edges = new Map<string, Edge>();
  const callees = new Map<string, Sketch[]>();
  const user: Sketch[] = [];
  for (const { from, callee, edgeKind, cell } of cells) {
    const identity = JSON.stringify([from, callee.id]);
    let edge = edges.get(identity);
    if (edge === undefined) edges.set(identity, (edge = { from, callee, edgeKind, cells: [] }));
    edge.cells.push(cell);
    let ofCallee = callees.get(callee.id);
    if (ofCallee === undefined) callees.set(callee.id, (ofCallee = []));
    ofCallee.push(cell.latency);
    if (from === null) user.push(cell.latency);
  }
  const userLatency = latencyOfAll(user);
  const calleeLatencies = new Map([...callees].map(([id, sketches]) => [id, latencyOfAll(sketches)]));
  return [...edges.values()].map((edge) => ({
    ...asGroup(edge, sumOf(edge.cells)),
    calleeLatency: calleeLatencies.get(edge.callee.id) ?? userLatency,
    userLatency: edge.from === null ? userLatency : null,
  }));
}

/** Not to be changed: of one cell it is that cell. */
function sumOf(cells: readonly Cell[]): Cell {
  if (cells.length === 1) return cells[0]!;
  const whole = emptyCell();
  for (const cell of cells) addCell(whole, cell);
  return whole;
}

function latencyOfAll(sketches: readonly Sketch[]): Latency {
  sum.clear();
  for (const sketch of sketches) sum.addSketch(sketch);
  return latencyOfSketch(sum.sketch());
}

function asGroup(
  { from, callee, edgeKind }: Edge,
  cell: Cell,
): Omit<CallGroup, 'calleeLatency' | 'userLatency'> {
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
