/** Which edges of the map have a badge, and what it says: where a trace's timeout started, what times out or fails, budgets that cannot hold. Pure. */
import type { MapEdge } from '../../collector/serve/wire.ts';
import { formatCount, formatTick } from '../format.ts';
import { flagBudgets } from './budgets.ts';
import { failureBadges, isFailing, timeoutBadges } from './draw.ts';
import type { DrawnTrace } from './drawn.ts';
import { edgeKey, type GraphEdge } from './layout.ts';
import { formatSelection } from './walk.ts';

export interface BadgeText {
  readonly edge: MapEdge;
  /** In full, then shorter, for where there is no room. */
  readonly texts: readonly string[];
  readonly look: 'timeout' | 'error' | 'budget' | 'origin';
}
export interface ChosenBadges {
  readonly badges: readonly BadgeText[];
  /** Of how many, in words, where there would be more; null when all are there. */
  readonly cut: string | null;
}

/** Far more than the timeouts of a map that is read at a glance; finding their places takes 1 ms of CPU each where it is crowded. */
const BADGES_MAX = 100;

/** What matters most comes first, and so takes its place first. Beside a trace's path nothing else is said. */
export function chooseBadges(all: readonly MapEdge[], trace: DrawnTrace | null): ChosenBadges {
  const edges = trace === null ? all : all.filter((edge) => trace.path.has(edgeKey(edge)));
  const started = edges.filter((edge) => formatSelection({ edge }) === trace?.origin);
  const timeouts = edges
    .filter((edge) => edge.timeouts > 0)
    .toSorted((a, b) => b.timeouts - a.timeouts)
    .map((edge): BadgeText => ({ edge, texts: timeoutBadges(edge), look: 'timeout' }));
  const failures = edges
    .filter(isFailing)
    .toSorted((a, b) => b.errors - a.errors)
    .map((edge): BadgeText => ({ edge, texts: failureBadges(edge), look: 'error' }));
  const budgets = flagBudgets(edges).map(({ edge, budgetMs, outlasts }): BadgeText => {
    const text = `${formatTick(budgetMs)} > ${formatTick(outlasts.budgetMs)}`;
    return { edge, texts: [text, ''], look: 'budget' };
  });
  const shownTimeouts = timeouts.slice(0, BADGES_MAX);
  const shownFailures = failures.slice(0, BADGES_MAX - shownTimeouts.length);
  const shownBudgets = budgets.slice(0, BADGES_MAX - shownTimeouts.length - shownFailures.length);
  const badges = [
    ...started.map((edge): BadgeText => ({ edge, texts: ['origin'], look: 'origin' })),
    ...shownTimeouts,
    ...shownFailures,
    ...shownBudgets,
  ];
  const cuts = [
    sayCut(shownTimeouts.length, timeouts.length, 'edges that time out'),
    sayCut(shownFailures.length, failures.length, 'edges that fail'),
    sayCut(shownBudgets.length, budgets.length, 'budgets that cannot hold'),
  ].filter((says) => says !== null);
  return { badges, cut: cuts.length === 0 ? null : cuts.join(', ') };
}

/** `badges on 8 of 12 edges that time out`; null when all have one. */
export function sayCut(shown: number, all: number, what: string): string | null {
  return shown >= all ? null : `badges on ${shown} of ${formatCount(all)} ${what}`;
}

/** An edge's badge stands where fewer lines run: of a caller with many callees near the callee, else nearer to who waited. */
const [NEAR_CALLER, NEAR_CALLEE] = [0.35, 0.8];

/** By `from->to`: at which share of its line an edge's badge stands best. */
export function badgeShares(edges: readonly GraphEdge[]): Map<string, number> {
  const count = (ends: readonly string[]) => {
    const counts = new Map<string, number>();
    for (const end of ends) counts.set(end, (counts.get(end) ?? 0) + 1);
    return counts;
  };
  const calls = count(edges.map(({ from }) => from));
  const callers = count(edges.map(({ to }) => to));
  return new Map(
    edges.map((edge) => [
      edgeKey(edge),
      (calls.get(edge.from) ?? 0) > (callers.get(edge.to) ?? 0) ? NEAR_CALLEE : NEAR_CALLER,
    ]),
  );
}
