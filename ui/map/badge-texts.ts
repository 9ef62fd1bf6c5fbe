/** Which edges of the map have a badge, and what it says: where a trace's timeout started, what times out, budgets that cannot hold. Pure. */
import type { MapEdge } from '../../collector/serve/wire.ts';
import { formatTick } from '../format.ts';
import { flagBudgets } from './budgets.ts';
import { timeoutBadge } from './draw.ts';
import type { DrawnTrace } from './drawn.ts';
import { edgeKey } from './layout.ts';
import { formatSelection } from './walk.ts';

export interface BadgeText {
  readonly edge: MapEdge;
  readonly text: string;
  readonly look: 'timeout' | 'budget' | 'origin';
}

/** More than these hide each other; the worst have theirs, all timeouts have their dashes, all budgets their panel. */
const TIMEOUT_BADGES_MAX = 8;
const BUDGET_BADGES_MAX = 4;

/** What matters most comes first, and so takes its place first. Beside a trace's path nothing else is said. */
export function chooseBadges(all: readonly MapEdge[], trace: DrawnTrace | null): BadgeText[] {
  const edges = trace === null ? all : all.filter((edge) => trace.path.has(edgeKey(edge)));
  const started = edges.filter((edge) => formatSelection({ edge }) === trace?.origin);
  const timeouts = edges
    .toSorted((a, b) => b.timeouts - a.timeouts)
    .slice(0, TIMEOUT_BADGES_MAX)
    .flatMap((edge): BadgeText[] => {
      const text = timeoutBadge(edge);
      return text === null ? [] : [{ edge, text, look: 'timeout' }];
    });
  const budgets = flagBudgets(edges)
    .slice(0, BUDGET_BADGES_MAX)
    .map(({ edge, budgetMs, outlasts }): BadgeText => {
      return { edge, text: `${formatTick(budgetMs)} > ${formatTick(outlasts.budgetMs)}`, look: 'budget' };
    });
  return [
    ...started.map((edge): BadgeText => ({ edge, text: 'origin', look: 'origin' })),
    ...timeouts,
    ...budgets,
  ];
}
