/**
 * Compares the collector's totals with a count, span by span, of what was sent: calls, errors and timeouts of every edge
 * and service, the number of spans, and what searches find.
 */
import type { ServiceMap, Services, Status, TracePage } from '../../collector/serve/wire.ts';
import {
  budgetMsOf,
  FAILURES,
  SERVICES,
  TracePlan,
  type PlannedSpan,
} from '../benchmark/workload/trace-plan.ts';
import type { SentLog } from './sent-log.ts';

interface EdgeTotals {
  calls: number;
  errors: number;
  timeouts: number;
  neverArrived: number;
  timeoutPhases: Record<string, number>;
  budgetsMs: Set<number>;
}

interface ServiceTotals {
  calls: number;
  errors: number;
}

interface Totals {
  spans: number;
  readonly traces: Set<string>;
  readonly failedTraces: Set<string>;
  /** By `from->to`. */
  readonly edges: Map<string, EdgeTotals>;
  readonly services: Map<string, ServiceTotals>;
  /** Traces with a server span of this path; of a few paths. */
  readonly byPath: Map<string, Set<string>>;
}

const USER = 'user';
const HOUR_MS = 3_600_000;
/** How long totals may take to follow what was acknowledged. */
const FOLLOW_MS = 30_000;
const ASK_AGAIN_MS = 500;
const PATHS_SEARCHED = 5;
const NEVER_ARRIVED_PHASES = new Set(['connect', 'dns']);
/** The API counts exactly up to here. */
const SEARCH_TOTAL_MAX = 1_000;

/** What differs, in words; empty when nothing does. Of each log, everything sent counts as stored. */
export async function compareTotals(web: string, logs: readonly SentLog[]): Promise<string[]> {
  const expected = countSpans(logs);
  const givenUpMs = performance.now() + FOLLOW_MS;
  for (;;) {
    const differences = await differencesOf(web, logs, expected);
    if (differences.length === 0 || performance.now() > givenUpMs) return differences;
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

async function differencesOf(web: string, logs: readonly SentLog[], expected: Totals): Promise<string[]> {
  const { startUnixMs } = logs[0]!.workload;
  const range = `from=${startUnixMs - HOUR_MS}&to=${startUnixMs + HOUR_MS}`;
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${web}${path}${path.includes('?') ? '&' : '?'}${range}`);
    if (!answer.ok) throw new Error(`${path}: got ${answer.status} ${await answer.text()}, expected 200`);
    return (await answer.json()) as T;
  };
  const differences: string[] = [];
  const check = (what: string, got: unknown, sent: unknown): void => {
    const [gotText, sentText] = [JSON.stringify(got), JSON.stringify(sent)];
    if (gotText !== sentText) differences.push(`${what}: got ${gotText}, sent ${sentText}`);
  };

  const status = (await (await fetch(`${web}/api/status`)).json()) as Status;
  check('spans stored', status.store.spans, expected.spans);

  const map = await ask<ServiceMap>('/api/map');
  const edges = new Map(map.edges.map((edge) => [`${edge.from}->${edge.to}`, edge]));
  check('edges', [...edges.keys()].toSorted(), [...expected.edges.keys()].toSorted());
  for (const [name, { budgetsMs, timeoutPhases, ...counts }] of expected.edges) {
    const edge = edges.get(name);
    if (edge === undefined) continue;
    const { calls, errors, timeouts, neverArrived } = edge;
    check(`edge ${name}`, { calls, errors, timeouts, neverArrived }, counts);
    check(`timeout phases of ${name}`, sorted(edge.timeoutPhases), sorted(timeoutPhases));
    check(
      `budgets of ${name}`,
      edge.budgetsMs,
      [...budgetsMs].toSorted((a, b) => a - b),
    );
  }
  const { services } = await ask<Services>('/api/services?limit=1000');
  check(
    'services',
    services.map(({ service, calls, errors, timeouts }) => ({ service, calls, errors, timeouts })),
    [...expected.services]
      .map(([service, { calls, errors }]) => ({ service, calls, errors, timeouts: 0 }))
      .toSorted((a, b) => (a.service < b.service ? -1 : 1)),
  );

  const search = async (filter: string, traces: ReadonlySet<string>): Promise<void> => {
    const page = await ask<TracePage>(`/api/traces?limit=1000&${filter}`);
    check(`total of ${filter}`, page.total, Math.min(SEARCH_TOTAL_MAX, traces.size));
    const found = page.traces.map(({ traceId }) => traceId);
    check(`traces twice in ${filter}`, found.length - new Set(found).size, 0);
    check(
      `traces of ${filter} that should not be there`,
      found.filter((id) => !traces.has(id)).slice(0, 5),
      [],
    );
  };
  await search('', expected.traces);
  await search('q=status:error', expected.failedTraces);
  for (const [path, traces] of expected.byPath) await search(`q=url.path:${path}`, traces);
  return differences;
}

function countSpans(logs: readonly SentLog[]): Totals {
  const totals: Totals = {
    spans: 0,
    traces: new Set(),
    failedTraces: new Set(),
    edges: new Map(),
    services: new Map(),
    byPath: new Map(),
  };
  const plan = new TracePlan();
  for (const { workload, requestsOfTraces, fateOf } of logs) {
    for (const [index, requests] of requestsOfTraces.entries()) {
      plan.plan(workload, index);
      for (const [position, request] of requests.entries()) {
        if (fateOf(request) !== 'unsent') countSpan(totals, plan.traceIdHex(), plan.span(position));
      }
    }
  }
  return totals;
}

function countSpan(totals: Totals, traceId: string, span: PlannedSpan): void {
  const failure = FAILURES[span.failure];
  const service = SERVICES[span.service]!;
  totals.spans++;
  totals.traces.add(traceId);
  if (failure !== undefined) totals.failedTraces.add(traceId);
  const stats = entryOf(totals.services, service, () => ({ calls: 0, errors: 0 }));
  if (span.role === 'server') {
    stats.calls++;
    stats.errors += Number(failure !== undefined);
    if (span.parent < 0) edgeOf(totals, USER, service).calls++;
    countPath(totals, traceId, span);
  }
  if (span.role !== 'client') return;
  const edge = edgeOf(totals, service, SERVICES[span.peer]!);
  edge.calls++;
  if (failure === undefined) return;
  if (failure.outcome === 'error') edge.errors++;
  edge.neverArrived += Number(NEVER_ARRIVED_PHASES.has(failure.phase));
  if (failure.outcome !== 'timeout') return;
  edge.timeouts++;
  edge.timeoutPhases[failure.phase] = (edge.timeoutPhases[failure.phase] ?? 0) + 1;
  if (failure.phase !== 'dns') edge.budgetsMs.add(budgetMsOf(span.peer));
}

function countPath(totals: Totals, traceId: string, { path }: PlannedSpan): void {
  const text = `/objects/${String(path).padStart(5, '0')}`;
  if (!totals.byPath.has(text) && totals.byPath.size >= PATHS_SEARCHED) return;
  entryOf(totals.byPath, text, () => new Set()).add(traceId);
}

function edgeOf(totals: Totals, from: string, to: string): EdgeTotals {
  return entryOf(totals.edges, `${from}->${to}`, () => ({
    calls: 0,
    errors: 0,
    timeouts: 0,
    neverArrived: 0,
    timeoutPhases: {},
    budgetsMs: new Set(),
  }));
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

function sorted(record: Record<string, number>): [string, number][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
