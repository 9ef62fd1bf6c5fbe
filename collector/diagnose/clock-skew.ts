/**
 * Clocks of different hosts differ. The only thing that orders them is causality:
 *
 *     client send ≤ server receive ≤ server send ≤ client receive
 *
 * Each process gets the smallest shift that all of its calls in the trace allow, relative to its caller's clock;
 * none where the clocks are consistent as they are. A server that recorded when its client left gives the shift
 * exactly. Processes of one host, those in its containers too, read one clock, and are not shifted against each other,
 * unless their times contradict that: cloned machines may share one `host.id`.
 */
import { numberAttribute, textAttribute, type Resource } from '../span.ts';
import type { TraceNode } from './tree.ts';

/** What a shift may be: lo wins where the two contradict, since no answer comes before its question. */
interface Bounds {
  readonly isOneHost: boolean;
  lo: number;
  hi: number;
  exact: number | null;
}

/** A request may lie with a stopped server for hours; one that seems to have lain longer was read off another clock. */
const CLOCKS_APART_MS = 86_400_000;
/** On one host, no call begins that much after what it caused. */
const ONE_CLOCK_TOLERANCE_MS = 50;
/** Less is how exactly clocks are read, not a difference between them. */
const SHIFT_MS_MIN = 1;

/** Adds each node's shift to its times. Nodes come parents first. */
export function shiftClocks(nodes: readonly TraceNode[]): void {
  const processOf = numberProcesses(nodes);
  const boundsOf = new Map<number, Bounds>();
  const crossings = nodes.map((child) => {
    const { parent } = child;
    if (parent === null || parent.span.resource === child.span.resource) return null;
    const from = processOf.get(parent.span.resource) ?? 0;
    const to = processOf.get(child.span.resource) ?? 0;
    if (from === to) return null;
    const pair = from * processOf.size + to;
    let bounds = boundsOf.get(pair);
    if (bounds === undefined) {
      bounds = { isOneHost: areOfOneHost(parent, child), lo: -Infinity, hi: Infinity, exact: null };
      boundsOf.set(pair, bounds);
    }
    tighten(bounds, parent, child);
    return bounds;
  });
  if (boundsOf.size === 0) return;
  const hostSkews = new Map<string, number>();
  nodes.forEach((node, index) => {
    const bounds = crossings[index] ?? null;
    const callersMs = node.parent?.skewMs ?? 0;
    const host = hostIdOf(node.span.resource);
    const hostMs = host === null ? callersMs : (hostSkews.get(host) ?? callersMs);
    node.skewMs = callersMs + (bounds === null ? 0 : shiftMs(bounds, hostMs - callersMs));
    if (host !== null && !hostSkews.has(host)) hostSkews.set(host, node.skewMs);
    node.startMs += node.skewMs;
    node.endMs += node.skewMs;
  });
}

/** Resources of one process, which several senders may describe, get one number. */
function numberProcesses(nodes: readonly TraceNode[]): ReadonlyMap<Resource, number> {
  const numbers = new Map<string, number>();
  const processOf = new Map<Resource, number>();
  for (const node of nodes) {
    if (processOf.has(node.span.resource)) continue;
    const name = processName(node.span.resource, node.service);
    const number = numbers.get(name) ?? numbers.size;
    numbers.set(name, number);
    processOf.set(node.span.resource, number);
  }
  return processOf;
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
  const areApart = child.startMs - parent.endMs > CLOCKS_APART_MS;
  // Only an answered call has an end that comes after its server's.
  const answered = parent.outcome.giveUp === null && child.ended;
  if ((answered || areApart) && child.endMs - child.startMs <= clientMs) {
    bounds.hi = Math.min(bounds.hi, parent.endMs - child.endMs);
  } else if (areApart) bounds.hi = Math.min(bounds.hi, parent.startMs - child.startMs);
}

/** Where the caller's own clock contradicts that of their host, whoever it called has the host's, if that allows it. */
function shiftMs({ isOneHost, lo, hi, exact }: Bounds, toHostsMs: number): number {
  if (isOneHost && lo <= ONE_CLOCK_TOLERANCE_MS && hi >= -CLOCKS_APART_MS) {
    return toHostsMs < 0 && toHostsMs >= lo - ONE_CLOCK_TOLERANCE_MS ? toHostsMs : 0;
  }
  const wanted = exact ?? 0;
  const shift = Math.max(lo, Math.min(hi, wanted));
  return Number.isFinite(shift) && Math.abs(shift) >= SHIFT_MS_MIN ? shift : 0;
}

/** The same resources are in many traces. */
const processNames = new WeakMap<Resource, string>();

/** The process, or as much of its identity as it told. */
function processName(resource: Resource, service: string): string {
  let name = processNames.get(resource);
  if (name === undefined) {
    const { attributes } = resource;
    const instance =
      textAttribute(attributes, 'service.instance.id') ??
      `${textAttribute(attributes, 'host.name') ?? ''} ${numberAttribute(attributes, 'process.pid') ?? ''}`;
    processNames.set(resource, (name = `${service}\n${instance}`));
  }
  return name;
}

/** Whether the times of both are read off one clock, so that they can be compared as they are. */
export function isSameClock(one: TraceNode, other: TraceNode): boolean {
  return one.skewMs === other.skewMs && areOfOneHost(one, other);
}

function areOfOneHost(one: TraceNode, other: TraceNode): boolean {
  const hostId = hostIdOf(one.span.resource);
  return hostId !== null && hostId === hostIdOf(other.span.resource);
}

function hostIdOf({ attributes }: Resource): string | null {
  return textAttribute(attributes, 'host.id') || null;
}
