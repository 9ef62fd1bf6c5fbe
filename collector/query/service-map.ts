/** Turns grouped calls and the services' own statistics into the nodes and edges of the map. */
import type { MapEdge, MapNode, NodeKind, ServiceMap } from '../serve/wire.ts';
import type { TimeRange } from '../store/store.ts';
import { USER_NODE, USER_NODE_OUTSIDE } from './callee.ts';
import type { CallGroup, ServiceStats } from './results.ts';
import { wireRange } from './wire-range.ts';

/** A map beyond this is no map: the busiest edges are shown, and `truncated` says so. */
const EDGES_MAX = 2_000;

export function buildServiceMap(
  range: TimeRange,
  groups: readonly CallGroup[],
  stats: readonly ServiceStats[],
  focus: { readonly node: string; readonly hops: number } | null,
): ServiceMap {
  const userId = userNodeId(groups, stats);
  const reporting = new Set(stats.map(({ service }) => service));
  const nodes = new Map<string, MapNode>();
  for (const service of stats) nodes.set(service.service, serviceNode(service));
  for (const group of groups) {
    addCallee(nodes, group, reporting);
    if (group.from === null) addUser(nodes, userId, group);
    else if (!nodes.has(group.from)) nodes.set(group.from, emptyNode(group.from, 'service', false));
  }
  const edges = groups.map((group) => edgeOf(group, userId));
  const busiest = edges.toSorted((a, b) => b.calls - a.calls).slice(0, EDGES_MAX);
  const near = focus === null ? null : neighbours(focus.node, focus.hops, busiest);
  const isNear = (id: string) => near === null || near.has(id);
  return {
    ...wireRange(range),
    truncated: edges.length > busiest.length,
    nodes: [...nodes.values()].filter((node) => isNear(node.id)),
    edges: busiest.filter((edge) => isNear(edge.from) && isNear(edge.to)),
  };
}

/** Unless a service or peer has that name. */
function userNodeId(groups: readonly CallGroup[], stats: readonly ServiceStats[]): string {
  const taken = new Set([
    ...stats.map((service) => service.service),
    ...groups.flatMap(({ from, to }) => [from, to]),
  ]);
  return taken.has(USER_NODE) ? USER_NODE_OUTSIDE : USER_NODE;
}

function emptyNode(id: string, kind: NodeKind, inferred: boolean): MapNode {
  return { id, kind, inferred, calls: 0, errors: 0, timeouts: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 };
}

function serviceNode({ service, calls, errors, timeouts, p50Ms, p95Ms, p99Ms }: ServiceStats): MapNode {
  return { id: service, kind: 'service', inferred: false, calls, errors, timeouts, p50Ms, p95Ms, p99Ms };
}

/** A callee that sends no spans is known by what its callers saw. */
function addCallee(nodes: Map<string, MapNode>, group: CallGroup, reporting: ReadonlySet<string>): void {
  if (reporting.has(group.to)) return;
  const { kind, inferred } = group.callee;
  const node = nodes.get(group.to) ?? { ...emptyNode(group.to, kind, inferred), ...group.calleeLatency };
  nodes.set(group.to, withCalls(node, group));
}

function addUser(nodes: Map<string, MapNode>, userId: string, group: CallGroup): void {
  const node = nodes.get(userId) ?? { ...emptyNode(userId, 'user', true), ...group.userLatency };
  nodes.set(userId, withCalls(node, group));
}

function withCalls(node: MapNode, { calls, errors, timeouts }: CallGroup): MapNode {
  return {
    ...node,
    calls: node.calls + calls,
    errors: node.errors + errors,
    timeouts: node.timeouts + timeouts,
  };
}

function edgeOf(group: CallGroup, userId: string): MapEdge {
  const { callee: _callee, calleeLatency: _latency, userLatency: _userLatency, ...edge } = group;
  return { ...edge, from: group.from ?? userId };
}

/** Nodes at most `hops` edges away, in either direction. */
function neighbours(node: string, hops: number, edges: readonly MapEdge[]): Set<string> {
  const near = new Set([node]);
  for (let hop = 0; hop < hops; hop++) {
    const reached = edges.flatMap(({ from, to }) => [
      ...(near.has(from) ? [to] : []),
      ...(near.has(to) ? [from] : []),
    ]);
    const before = near.size;
    for (const id of reached) near.add(id);
    if (near.size === before) break;
  }
  return near;
}
