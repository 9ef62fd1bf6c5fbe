/** The path of a trace, or of several, over the map: which of its edges are drawn, which are not, and where its timeout started. Pure. */
import type { Diagnosis, ServiceMap, TraceEdges } from '../../collector/serve/wire.ts';
import type { DrawnTrace } from './drawn.ts';
import { edgeKey } from './layout.ts';
import { formatSelection } from './walk.ts';

export interface TracePath extends DrawnTrace {
  /** Of the trace's edges, how many are on the map. */
  readonly found: number;
  readonly total: number;
}

export function findTracePath(
  map: ServiceMap,
  trace: Pick<TraceEdges, 'edges'>,
  diagnosis: Diagnosis | null,
): TracePath {
  const user = map.nodes.find((node) => node.kind === 'user')?.id;
  const onMap = new Map(map.edges.map((edge) => [edgeKey(edge), edge]));
  const path = new Set<string>();
  for (const { from, to } of trace.edges) {
    const caller = from ?? user;
    if (caller !== undefined && onMap.has(edgeKey({ from: caller, to })))
      path.add(edgeKey({ from: caller, to }));
  }
  const origin = diagnosis?.verdicts[0]?.origin.edge;
  const edge = origin === undefined ? undefined : onMap.get(origin);
  const node = map.nodes.find(({ id }) => id === origin);
  return {
    path,
    origin: edge ? formatSelection({ edge }) : node ? formatSelection({ node: node.id }) : null,
    found: path.size,
    total: trace.edges.length,
  };
}
