/** What looks wrong with a span though it is shown as it was sent. Pure. */
import { FUTURE_ODD_MS, NAME_BYTES_ODD } from '../decode/walk-request.ts';
import type { TraceNode, TraceTree } from '../diagnose/tree.ts';
import { isSharedServer, type Attributes, type AttributeValue, type Resource, type Span } from '../span.ts';

/** One for a trace: what its spans share is looked at once. */
export function createFlawFinder(tree: TraceTree, nowUnixMs: number) {
  const brokenResources = new Map<Resource, boolean>();
  const isBroken = (resource: Resource): boolean => {
    let broken = brokenResources.get(resource);
    if (broken === undefined) brokenResources.set(resource, (broken = isReplaced(resource.attributes)));
    return broken;
  };

  /** `node` is null for a span whose id another one has that was taken for the tree. */
  return (span: Span, node: TraceNode | null): string[] => {
    const flaws = findSpanFlaws(span, nowUnixMs, isBroken);
    if (node === null) flaws.push('another span has the same id');
    else if (isCycle(span, node, tree)) flaws.push(`its parent ${span.parentSpanId} is its own descendant`);
    else if (node.parent === null && span.parentSpanId !== '') flaws.push('its parent has not arrived');
    else if (answersAbsentCall(span, node, tree)) flaws.push('the call that it answers has not arrived');
    return flaws;
  };
}

/** Of the span alone, whatever its place in a trace. */
export function findSpanFlaws(
  span: Span,
  nowUnixMs: number,
  isBroken = (resource: Resource): boolean => isReplaced(resource.attributes),
): string[] {
  const { startUnixNano, endUnixNano } = span;
  const latestUnixNano = BigInt(nowUnixMs + FUTURE_ODD_MS) * 1_000_000n;
  const flaws: string[] = [];
  if (endUnixNano !== 0n && endUnixNano < startUnixNano) {
    flaws.push(`ends ${Number(startUnixNano - endUnixNano) / 1e6} ms before it starts`);
  }
  if (startUnixNano === 0n) flaws.push('has no start time');
  if (startUnixNano > latestUnixNano) flaws.push('starts more than a day from now');
  if (Buffer.byteLength(span.name) > NAME_BYTES_ODD) flaws.push(`its name is over ${NAME_BYTES_ODD} bytes`);
  if (hasReplacedText(span) || isBroken(span.resource)) {
    flaws.push('its text holds U+FFFD, which stands for bytes that are not UTF-8');
  }
  return flaws;
}

export function isCycle(span: Span, node: TraceNode | null, tree: TraceTree): boolean {
  return (
    node !== null && node.parent === null && span.parentSpanId !== '' && tree.byId.has(span.parentSpanId)
  );
}

/** A server that shares the id of a call which is not here, though who called is known. */
export function answersAbsentCall(span: Span, { parent }: TraceNode, tree: TraceTree): boolean {
  // Asked of every span of a trace: mostly the named parent is the one it has.
  if (parent === null || parent.span.spanId === span.parentSpanId) return false;
  return isSharedServer(span) && !tree.byId.has(span.parentSpanId);
}

function hasReplacedText({ name, status, traceState, scope, attributes, events, links }: Span): boolean {
  return (
    [name, status.message, traceState, scope.name, scope.version].some(isReplaced) ||
    [attributes, scope.attributes].some(isReplaced) ||
    events.some((event) => isReplaced(event.name) || isReplaced(event.attributes)) ||
    links.some((link) => isReplaced(link.traceState) || isReplaced(link.attributes))
  );
}

function isReplaced(value: AttributeValue): boolean {
  if (typeof value === 'string') return value.includes('\uFFFD');
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return false;
  if (!(value instanceof Map)) return (value as readonly AttributeValue[]).some(isReplaced);
  for (const [key, member] of value as Attributes) {
    if (key.includes('\uFFFD') || isReplaced(member)) return true;
  }
  return false;
}
