/**
 * Finds out whose latency is asked for, and what sums know of it.
 *
 *     asked for                  cells of the sums                 else, call by call
 *     nothing                    entries, else all that serve
 *     a service, an operation    operations that serve             phases: of the calls that they answer
 *     another operation          its own, which lack failures      phases: its own
 *     a peer (of a service)      edges to it, entries of it        phases: of these calls
 */
import { USER_NODE, USER_NODE_OUTSIDE } from '../../../query/callee.ts';
import type { Latency, LatencyOf } from '../../../serve/wire.ts';
import { LatencySteps } from '../../rollup/latency-steps.ts';
import type { LatencyAsked } from '../../store.ts';
import type { CallTarget } from './call-rows.ts';
import { calleeOfRow, type createRollupReader } from './rollups.ts';
import type { SeriesRow } from './series.ts';

export interface LatencySubject {
  readonly of: LatencyOf;
  /** All calls asked for, where sums tell them apart; else those that they tell, which are more. */
  readonly sums: LatencySteps;
  readonly isSummed: boolean;
  /** The spans whose durations are asked for, and those that have their phases. */
  readonly targets: readonly CallTarget[];
  readonly measured: readonly CallTarget[];
  readonly budgets: Latency['budgets'];
  /** Whose callers, and whose calls, may end it by budgets of theirs. */
  readonly callers: readonly string[];
  readonly callees: readonly string[];
}

/** Of one answer; the most frequent. */
const BUDGETS_MAX = 20;
const OUTSIDE: readonly (string | null)[] = [USER_NODE, USER_NODE_OUTSIDE];

/** `outside`: what a service called `user` would have called, had it made calls of its own. */
type Group = LatencyOf | 'outside';

type EachCell = ReturnType<typeof createRollupReader>['eachCell'];

export function findLatencySubject(
  eachCell: EachCell,
  asked: LatencyAsked,
  remembered: ReadonlyMap<string, string>,
  isCancelled: () => boolean,
): LatencySubject {
  const { service, operation, peer, phase } = asked;
  const groups = groupsOf(asked);
  const sums = new Map(groups.map((group) => [group, new LatencySteps()]));
  const services = new Map<Group, Set<string>>(groups.map((group) => [group, new Set()]));
  const budgets: EdgeBudgets[] = [];
  const mayHaveBudgets = (row: SeriesRow) =>
    row.type === 'edge' &&
    peer === null &&
    (service === null || row.service === service || calleeOfRow(row, remembered).id === service);
  eachCell(
    asked.range,
    asked.steps,
    (row) => mayHaveBudgets(row) || groups.includes(groupOf(row, asked, remembered)!),
    (step, row, cell) => {
      if (row.type === 'edge' && cell.budgets !== null) {
        budgets.push({
          caller: row.service!,
          callee: calleeOfRow(row, remembered).id,
          counts: cell.budgets,
        });
      }
      const group = groupOf(row, asked, remembered);
      if (group === null || !sums.has(group)) return;
      sums.get(group)!.addCell(step, cell);
      services.get(group)!.add(row.operation_service ?? row.service!);
    },
    isCancelled,
  );
  const group = groups.find((candidate) => sums.get(candidate)!.numbers.length > 0) ?? groups[0]!;
  const known = sums.get(group)!;
  if (peer !== null) {
    const calls: CallTarget = { of: 'calls', caller: service, callee: peer, operation, served: null };
    const entries: CallTarget = { of: 'entries', service: peer, operation };
    return {
      of: 'calls',
      sums: known,
      isSummed: operation === null && phase === null,
      targets: group === 'outside' ? [entries] : service === null ? [calls, entries] : [calls],
      measured: group === 'outside' ? [] : [calls],
      budgets: mostFrequent(budgets, () => false),
      callers: [service ?? peer],
      callees: [peer],
    };
  }
  const target = targetOf(group, asked);
  const measured = measuredBy(target);
  const counted = services.get(group)!;
  // For a call nobody waits but who makes it.
  const isServed = ({ callee }: EdgeBudgets) => group !== 'operation' && counted.has(callee);
  const ofServices = budgets.filter((edge) => counted.has(edge.caller) || isServed(edge));
  return {
    of: phase !== null && group === 'served' ? 'calls' : (group as LatencyOf),
    sums: known,
    isSummed: phase === null,
    targets: phase === null ? [target] : measured,
    measured,
    budgets: mostFrequent(ofServices, (edge) => !isServed(edge)),
    callers: [...counted],
    callees: [...counted],
  };
}

/** What it may be, the likelier first: the first that has calls. */
function groupsOf({ service, operation, peer, phase }: LatencyAsked): readonly Group[] {
  if (peer !== null) return OUTSIDE.includes(service) && service !== null ? ['calls', 'outside'] : ['calls'];
  if (operation !== null) return ['served', 'operation'];
  return service !== null || phase !== null ? ['served'] : ['entries', 'served'];
}

function groupOf(
  row: SeriesRow,
  { service, operation, peer }: LatencyAsked,
  remembered: ReadonlyMap<string, string>,
): Group | null {
  switch (row.type) {
    case 'operation': {
      if (peer !== null || (service ?? row.operation_service) !== row.operation_service) return null;
      if ((operation ?? row.operation) !== row.operation) return null;
      return row.operation_kind === 'server' || row.operation_kind === 'consumer' ? 'served' : 'operation';
    }
    case 'entry':
      if (peer === null) return 'entries';
      if (row.service !== peer) return null;
      return service === null ? 'calls' : 'outside';
    case 'edge': {
      if (peer === null || (service ?? row.service) !== row.service) return null;
      return calleeOfRow(row, remembered).id === peer ? 'calls' : null;
    }
    default:
      return null;
  }
}

function targetOf(group: Group, { service, operation }: LatencyAsked): CallTarget {
  if (group === 'entries') return { of: 'entries', service: null, operation: null };
  if (group === 'operation') return { of: 'operation', service, operation: operation ?? '' };
  return { of: 'served', service, operation };
}

/** Phases are measured where a call is made. */
function measuredBy(target: CallTarget): CallTarget[] {
  if (target.of === 'entries') return [];
  if (target.of !== 'served') return [target];
  const { service, operation } = target;
  return [{ of: 'calls', caller: null, callee: service, operation: null, served: operation }];
}

interface EdgeBudgets {
  readonly caller: string;
  readonly callee: string;
  /** Milliseconds → calls. */
  readonly counts: ReadonlyMap<number, number>;
}

function mostFrequent(
  edges: readonly EdgeBudgets[],
  isOwn: (edge: EdgeBudgets) => boolean,
): Latency['budgets'] {
  const budgets = new Map<string, Latency['budgets'][number]>();
  for (const edge of edges) {
    const own = isOwn(edge);
    for (const [budgetMs, calls] of edge.counts) {
      const key = `${own} ${budgetMs}`;
      const known = budgets.get(key);
      if (known === undefined) budgets.set(key, { budgetMs, own, calls });
      else known.calls += calls;
    }
  }
  return [...budgets.values()]
    .filter(({ calls }) => calls > 0)
    .toSorted((a, b) => b.calls - a.calls)
    .slice(0, BUDGETS_MAX)
    .toSorted((a, b) => a.budgetMs - b.budgetMs);
}
