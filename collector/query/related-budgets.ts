/**
 * Budgets that can end what a service does: those of whoever waits for it, however far up, and of whatever it waits for,
 * however far down. Pure.
 *
 *     gateway ──3 s──▶ checkout ──1 s──▶ payments        both end what checkout does, the report's does not
 *     report ──60 s──▶ ledger
 */
import type { CallGroup } from './results.ts';

/** Of calls between `callers` and `callees`, and of those above and below them; each once. */
export function relatedBudgetsMs(
  groups: readonly Pick<CallGroup, 'from' | 'to' | 'budgetsMs'>[],
  callers: Iterable<string>,
  callees: Iterable<string>,
): number[] {
  const budgets = new Set<number>();
  const downward = Map.groupBy(groups, ({ from }) => from);
  const upward = Map.groupBy(groups, ({ to }) => to);
  const collect = (starts: Iterable<string>, edges: typeof downward, isDown: boolean): void => {
    const seen = new Set<string | null>(starts);
    for (const service of seen) {
      for (const { from, to, budgetsMs } of edges.get(service) ?? []) {
        for (const budgetMs of budgetsMs) budgets.add(budgetMs);
        seen.add(isDown ? to : from);
      }
    }
  };
  collect(callees, downward, true);
  collect(callers, upward, false);
  return [...budgets];
}
