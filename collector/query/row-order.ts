/**
 * The spans of a trace in the order of a waterfall's rows: callers before callees, earlier calls before later ones. Whole
 * roots come first, then what hangs below parents that were not received, then cycles, cut where the tree cut them. Pure.
 */
import type { TraceNode, TraceTree } from '../diagnose/tree.ts';
import { isCycle } from './flaws.ts';

export interface RowOrder {
  readonly nodes: readonly TraceNode[];
  /** Of each node: the index of its parent, `ROOT`, or `FIRST_MISSING` - n below the n-th of `missingParents`. */
  readonly parents: Int32Array<ArrayBuffer>;
  readonly missingParents: readonly string[];
}

const ROOT = -1;
const FIRST_MISSING = -2;

export function orderRows(tree: TraceTree): RowOrder {
  const nodes: TraceNode[] = [];
  const parents = new Int32Array(tree.nodes.length);
  /** Without recursion: a chain can be 100,000 calls deep. */
  const write = (root: TraceNode, parent: number): void => {
    const waiting = [root];
    const below = [parent];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const index = nodes.push(node) - 1;
      parents[index] = below.pop() ?? ROOT;
      const { children } = node;
      for (const child of children.length > 1 ? children.toSorted(laterFirst) : children) {
        waiting.push(child);
        below.push(index);
      }
    }
  };
  const orphans = new Map<string, TraceNode[]>();
  const cycles: TraceNode[] = [];
  for (const root of tree.roots) {
    const { parentSpanId } = root.span;
    if (parentSpanId === '') write(root, ROOT);
    else if (isCycle(root.span, root, tree)) cycles.push(root);
    else orphans.set(parentSpanId, [...(orphans.get(parentSpanId) ?? []), root]);
  }
  const missingParents = [...orphans.keys()];
  missingParents.forEach((spanId, number) => {
    for (const orphan of orphans.get(spanId) ?? []) write(orphan, FIRST_MISSING - number);
  });
  for (const root of cycles) write(root, ROOT);
  return { nodes, parents, missingParents };
}

/** At one moment, the longer call is the earlier row; ids make the order the same every time. */
function laterFirst(a: TraceNode, b: TraceNode): number {
  return b.startMs - a.startMs || a.endMs - b.endMs || (a.span.spanId < b.span.spanId ? 1 : -1);
}
