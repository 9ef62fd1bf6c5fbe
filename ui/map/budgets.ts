/** Budgets of an edge beside what its caller itself is given: an inner budget that outlasts the outer is a fault. Pure. */
import type { MapEdge } from '../../collector/serve/wire.ts';

export interface BudgetLine {
  readonly budgetMs: number;
  /** A caller of the caller that stops waiting earlier, and when; null when none is known to. */
  readonly outlasts: { readonly caller: string; readonly budgetMs: number } | null;
}

export function compareBudgets(edge: MapEdge, edges: readonly MapEdge[]): BudgetLine[] {
  const outer = edges
    .filter((other) => other.to === edge.from && other.from !== edge.from)
    .flatMap((other) => other.budgetsMs.map((budgetMs) => ({ caller: other.from, budgetMs })))
    .toSorted((a, b) => a.budgetMs - b.budgetMs);
  return edge.budgetsMs
    .toSorted((a, b) => a - b)
    .map((budgetMs) => ({ budgetMs, outlasts: outer.find((other) => other.budgetMs <= budgetMs) ?? null }));
}
