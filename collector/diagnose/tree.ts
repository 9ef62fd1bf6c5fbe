/**
 * Puts the spans of a trace together, however messy they are: parents that are missing, several roots, cycles,
 * duplicates, ends before starts, spans that have not ended.
 *
 * Children that outlive their parent or start after it are kept as they are: they are the evidence.
 */
import {
  isSharedServer,
  serviceOf,
  SHARED_PARENT_KEY,
  shownName,
  textAttribute,
  type Span,
} from '../span.ts';
import { shiftClocks } from './clock-skew.ts';
import { spanOutcome, type SpanOutcome } from './outcome.ts';
import { judgeAwaitedStreams } from './awaited-streams.ts';

export interface TraceNode {
  readonly span: Span;
  readonly service: string;
  outcome: SpanOutcome;
  readonly ended: boolean;
  parent: TraceNode | null;
  readonly children: TraceNode[];
  /** Milliseconds from the trace's first start, on the root's clock: `skewMs` has been added. */
  startMs: number;
  /** Infinity while the span has not ended. */
  endMs: number;
  skewMs: number;
}

export interface TraceTree {
  /** Parents before their children. */
  readonly nodes: readonly TraceNode[];
  readonly byId: ReadonlyMap<string, TraceNode>;
  /** By start. */
  readonly roots: readonly TraceNode[];
  /** What the milliseconds count from. */
  readonly startUnixNano: bigint;
  /** One root, every parent present, nothing pending, calls to instrumented peers paired. */
  readonly complete: boolean;
}

export function buildTraceTree(spans: readonly Span[]): TraceTree {
  const sentStartUnixNano = firstStart(spans);
  const all = spans.map((span) => makeNode(span, sentStartUnixNano));
  const { kept, byId, sharedServers } = dropDuplicates(all);
  // What hangs below a shared id was called by the server.
  const callers = new Map(sharedServers);
  for (const node of kept) if (isSharedServer(node.span)) callers.set(node.span.parentSpanId, node);
  let missingParents = 0;
  for (const node of kept) {
    const { spanId, parentSpanId, attributes } = node.span;
    if (sharedServers.get(spanId) === node) node.parent = byId.get(spanId) ?? null;
    else if (parentSpanId !== '') {
      const caller = callers.get(parentSpanId);
      node.parent = (caller === node ? null : caller) ?? byId.get(parentSpanId) ?? null;
      if (node.parent !== null) continue;
      missingParents++;
      // The call that shared its id never came; who made it is known all the same.
      const callersId = caller === node ? textAttribute(attributes, SHARED_PARENT_KEY) : null;
      if (callersId !== null) node.parent = callers.get(callersId) ?? byId.get(callersId) ?? null;
    }
  }
  for (const node of kept) node.parent?.children.push(node);
  const roots = kept.filter((node) => node.parent === null);
  const nodes = parentsFirst(roots);
  if (nodes.length < kept.length) addCycles(kept, roots, nodes);
  judgeAwaitedStreams(nodes);
  shiftClocks(nodes);
  const startUnixNano = sentStartUnixNano + countFromFirst(nodes);
  roots.sort((a, b) => a.startMs - b.startMs);
  const complete =
    roots.length === 1 &&
    missingParents === 0 &&
    nodes.every((node) => node.ended && !node.span.attributes.has('sockeye.pending.span_id')) &&
    callsArePaired(nodes);
  return { nodes, byId, roots, startUnixNano, complete };
}

/** Spans without a start would put everything else decades later. */
function firstStart(spans: readonly Span[]): bigint {
  let first = 0n;
  let about = Infinity;
  for (const { startUnixNano } of spans) {
    // Comparing numbers is cheaper; those of moments that are near are equal.
    const number = Number(startUnixNano);
    if (number === 0 || number > about) continue;
    if (number < about || startUnixNano < first) first = startUnixNano;
    about = number;
  }
  return first;
}

/** A clock that was behind made the first start too early: gives how many nanoseconds too early. */
function countFromFirst(nodes: readonly TraceNode[]): bigint {
  let firstMs = Infinity;
  for (const { span, startMs } of nodes) if (span.startUnixNano > 0n) firstMs = Math.min(firstMs, startMs);
  if (firstMs === 0 || firstMs === Infinity) return 0n;
  for (const node of nodes) {
    if (node.span.startUnixNano === 0n) continue;
    node.startMs -= firstMs;
    node.endMs -= firstMs;
  }
  return BigInt(Math.round(firstMs * 1e6));
}

function makeNode(span: Span, startUnixNano: bigint): TraceNode {
  const startMs = span.startUnixNano > 0n ? Number(span.startUnixNano - startUnixNano) / 1e6 : 0;
  const ended = span.endUnixNano !== 0n;
  const durationMs = Math.max(0, Number(span.endUnixNano - span.startUnixNano) / 1e6);
  return {
    span,
    service: serviceOf(span),
    outcome: spanOutcome(span),
    ended,
    parent: null,
    children: [],
    startMs,
    endMs: ended ? startMs + durationMs : Infinity,
    skewMs: 0,
  };
}

/**
 * Of two spans with one id, the later version stays. A client and a server span that share an id (Zipkin's way)
 * both stay: the server's becomes the child of the client's.
 */
function dropDuplicates(all: readonly TraceNode[]) {
  const byId = new Map<string, TraceNode>();
  const sharedServers = new Map<string, TraceNode>();
  for (const node of all) {
    const { spanId, kind } = node.span;
    const known = byId.get(spanId);
    if (known === undefined) byId.set(spanId, node);
    else if (kind === 'server' && known.span.kind === 'client') sharedServers.set(spanId, node);
    else if (kind === 'client' && known.span.kind === 'server') {
      sharedServers.set(spanId, known);
      byId.set(spanId, node);
    } else if (!known.ended || (node.ended && node.endMs > known.endMs)) byId.set(spanId, node);
  }
  return { kept: [...byId.values(), ...sharedServers.values()], byId, sharedServers };
}

function parentsFirst(roots: readonly TraceNode[]): TraceNode[] {
  const nodes = [...roots];
  // Grows while it is walked: each node brings its children.
  for (const node of nodes) for (const child of node.children) nodes.push(child);
  return nodes;
}

/** What no root leads to hangs below a span that is its own ancestor: that becomes a root. */
function addCycles(kept: readonly TraceNode[], roots: TraceNode[], nodes: TraceNode[]): void {
  const reached = new Set(nodes);
  for (const start of kept) {
    if (reached.has(start)) continue;
    const onPath = new Set<TraceNode>();
    let node = start;
    while (node.parent !== null && !onPath.has(node)) {
      onPath.add(node);
      node = node.parent;
    }
    node.parent?.children.splice(node.parent.children.indexOf(node), 1);
    node.parent = null;
    roots.push(node);
    for (const below of parentsFirst([node])) {
      reached.add(below);
      nodes.push(below);
    }
  }
}

const NEVER_ARRIVED = new Set(['queue', 'dns', 'connect', 'tls']);

/** A peer is instrumented when another call to the same address has its server span in this trace. */
function callsArePaired(nodes: readonly TraceNode[]): boolean {
  const calls = nodes.filter(({ span }) => span.kind === 'client');
  const unpaired = new Set<string>();
  for (const call of calls) {
    if (serverOf(call) !== null || NEVER_ARRIVED.has(call.outcome.giveUp?.phase ?? '')) continue;
    const address = peerLabel(call.span);
    if (address !== null) unpaired.add(address);
  }
  // Mostly there is none, and the addresses of the others need not be read.
  return (
    unpaired.size === 0 ||
    calls.every((call) => serverOf(call) === null || !unpaired.has(peerLabel(call.span) ?? ''))
  );
}

/** The server's side of a call, when its span is here. */
export function serverOf(call: TraceNode): TraceNode | null {
  return call.children.find((child) => child.span.kind === 'server') ?? null;
}

/** Where a call went, as its caller wrote it: `payments:8443`; null when the span does not say. */
export function peerLabel(span: Span): string | null {
  const { host, port } = peerAddress(span);
  return host === null || port === null ? host : `${host}:${port}`;
}

export const IP_ADDRESS = /^\d+(?:\.\d+){3}$|:/;

export function peerAddress({ attributes }: Span): { host: string | null; port: string | null } {
  return {
    host: firstOf(attributes, 'server.address', 'net.peer.name', 'network.peer.address', 'net.peer.ip'),
    port: firstOf(attributes, 'server.port', 'net.peer.port', 'network.peer.port'),
  };
}

function firstOf(attributes: Span['attributes'], ...keys: string[]): string | null {
  for (const key of keys) {
    const value = attributes.get(key);
    if (typeof value === 'string' && value !== '') return shownName(value);
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return String(value);
  }
  return null;
}
