/**
 * What a give-up waited for, moment by moment: the window from the start of a span to its give-up, cut into
 * segments, each one span's own work or one call's edge (the client's time less its server's).
 *
 *     shop        |====================X      gave up here
 *       shop>a     |=========|                waited for until it ended
 *         a          |=====|
 *       shop>b                |===========|   open at the give-up
 *
 *     shop        ▓           ▓
 *     shop>a       ▓▓      ▓▓▓
 *     a              ▓▓▓▓▓▓
 *     shop>b                   ▓▓▓▓▓▓▓▓
 *
 * Walked backwards from the give-up: at any moment the span waits for the child that was open then, the one that
 * began first where several were. A deep or late child that was merely open too is passed by.
 */
import { isLongByDesign } from './long-by-design.ts';
import type { TraceNode } from './tree.ts';

export interface Segment {
  readonly node: TraceNode;
  /** `edge`: of a call, what its server did not use. `own`: of any span, what nothing below used. */
  readonly type: 'own' | 'edge';
  readonly usedMs: number;
  /** It was going on when the caller gave up. */
  readonly open: boolean;
  /** The whole span's share of the window, what was below it included. */
  readonly windowMs: number;
}

/** Top down. Covers `[node.startMs, atMs]` exactly once. */
export function blockingChain(node: TraceNode, atMs: number): Segment[] {
  const segments: Segment[] = [];
  const pending: { node: TraceNode; fromMs: number; untilMs: number }[] = [
    { node, fromMs: node.startMs, untilMs: atMs },
  ];
  for (let window = pending.pop(); window !== undefined; window = pending.pop()) {
    const { node, fromMs, untilMs } = window;
    const waits = waitsOf(node, fromMs, untilMs);
    let usedMs = untilMs - fromMs;
    for (const wait of waits) {
      usedMs -= wait.untilMs - wait.fromMs;
      pending.push(wait);
    }
    const type = isEdge(node) ? 'edge' : 'own';
    const open = untilMs === atMs && waits[0]?.untilMs !== untilMs;
    segments.push({ node, type, usedMs: Math.max(0, usedMs), open, windowMs: untilMs - fromMs });
  }
  return segments;
}

/** The children a span waited for between two moments, latest first, without overlap. */
export function waitsOf(node: TraceNode, fromMs: number, untilMs: number) {
  const children = node.children.filter((child) => child.startMs < untilMs && blocks(node, child));
  if (children.length > 1) children.sort((a, b) => b.endMs - a.endMs || a.startMs - b.startMs);
  const waits: { node: TraceNode; fromMs: number; untilMs: number }[] = [];
  let cursorMs = untilMs;
  let next = 0;
  while (cursorMs > fromMs) {
    let first: TraceNode | undefined;
    for (; next < children.length && (children[next]?.endMs ?? 0) >= cursorMs; next++) {
      const child = children[next];
      if (child && child.startMs < cursorMs && child.startMs < (first?.startMs ?? Infinity)) first = child;
    }
    if (first === undefined) {
      const endMs = children[next]?.endMs;
      if (endMs === undefined || endMs <= fromMs) break;
      cursorMs = endMs;
      continue;
    }
    const startMs = Math.max(first.startMs, fromMs);
    waits.push({ node: first, fromMs: startMs, untilMs: cursorMs });
    cursorMs = startMs;
  }
  return waits;
}

/**
 * Consumers and streams run beside their parent, unless the stream gave up or is the other side of the same call; the
 * steps of a connection are its own call's phases.
 */
function blocks(parent: TraceNode, child: TraceNode): boolean {
  const { kind } = child.span;
  if (kind === 'consumer') return false;
  if (kind === 'server' && parent.span.kind === 'client') return true;
  if (child.outcome.giveUp === null && isLongByDesign(child.span)) return false;
  return parent.span.kind !== 'client' || kind !== 'internal' || !isConnectionStep(child);
}

/** Spans that instrumentations of sockets make below a call. */
export function isConnectionStep(node: TraceNode): boolean {
  return /^(?:dns\.lookup|tcp\.connect|tls\.connect|http\.(?:dns|connect|tls))/.test(node.span.name);
}

/** A call with calls of its own below is a wrapper (a client library's span), and what it uses is its own work. */
export function isEdge(node: TraceNode): boolean {
  const { kind } = node.span;
  if (kind !== 'client' && kind !== 'producer') return false;
  return !node.children.some((child) => child.span.kind === 'client');
}
