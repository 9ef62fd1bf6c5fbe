/** Budgets of an edge beside what its caller itself is given: an inner budget that outlasts the outer is a fault. Pure. */
import type { MapEdge } from '../../collector/serve/wire.ts';

export interface OuterBudget {
  /** A caller of the caller, which stops waiting earlier. */
  readonly caller: string;
  readonly budgetMs: number;
}
export interface BudgetLine {
  readonly budgetMs: number;
  /** The shortest that this one outlasts; null when none is known to. */
  readonly outlasts: OuterBudget | null;
}

/** What is left to a caller when it makes its call is less still: what is flagged here never holds. */
export function compareBudgets(edge: MapEdge, edges: readonly MapEdge[]): BudgetLine[] {
  return compareWith(
    edge,
    edges.filter((other) => other.to === edge.from),
  );
}

function compareWith(edge: MapEdge, callers: readonly MapEdge[]): BudgetLine[] {
  const outer = callers
    .filter((other) => other.from !== edge.from)
    .flatMap((other) => other.budgetsMs.map((budgetMs) => ({ caller: other.from, budgetMs })))
    .toSorted((a, b) => a.budgetMs - b.budgetMs);
  return edge.budgetsMs
    .toSorted((a, b) => a - b)
    .map((budgetMs) => ({ budgetMs, outlasts: outer.find((other) => other.budgetMs <= budgetMs) ?? null }));
}

export interface FlaggedBudget {
  readonly edge: MapEdge;
  readonly budgetMs: number;
  readonly outlasts: OuterBudget;
}

/** Of every edge with one, the budget that outlasts most; the busiest edges first. */
export function flagBudgets(edges: readonly MapEdge[]): FlaggedBudget[] {
  const callers = Map.groupBy(edges, (edge) => edge.to);
  return edges
    .filter((edge) => edge.budgetsMs.length > 0)
    .flatMap((edge) => {
      const longest = compareWith(edge, callers.get(edge.from) ?? []).at(-1);
      return longest?.outlasts ? [{ edge, budgetMs: longest.budgetMs, outlasts: longest.outlasts }] : [];
    })
    .toSorted((a, b) => b.edge.calls - a.edge.calls);
}
