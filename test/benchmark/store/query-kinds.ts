/** What the query benchmark asks, each time something else of the same kind. */
import { operationName } from '../workload/span-templates.ts';
import { SERVICES, traceCount, TracePlan, type PlannedSpan, type Workload } from '../workload/trace-plan.ts';
import type { Random } from '../workload/random.ts';

export interface QueryKind {
  readonly name: string;
  /** Path and parameters. */
  readonly ask: (workload: Workload, random: Random) => string;
  /** Throws when the answer cannot be right. */
  readonly check: (answer: unknown) => void;
}

/** All of it, as a whole number of hours. */
function rangeOf({ startUnixMs, spreadMs }: Workload): string {
  return `from=${startUnixMs}&to=${startUnixMs + spreadMs}`;
}

/** The root of any trace. */
function someRoot(workload: Workload, random: Random): { traceId: string; span: PlannedSpan } {
  const plan = new TracePlan();
  plan.plan(workload, random.below(traceCount(workload)));
  return { traceId: plan.traceIdHex(), span: plan.span(0) };
}

function someCaller(workload: Workload, random: Random): string {
  return SERVICES[someRoot(workload, random).span.service]!;
}

interface Found {
  readonly cells?: readonly unknown[];
  readonly spans?: readonly unknown[];
  readonly traces?: readonly unknown[];
  readonly edges?: readonly unknown[];
}

function expectSome(list: keyof Found): (answer: unknown) => void {
  return (answer) => {
    if (((answer as Found)[list]?.length ?? 0) === 0) throw new Error(`got no ${list}, expected some`);
  };
}

export const QUERY_KINDS: readonly QueryKind[] = [
  {
    name: 'trace by id',
    ask: (workload, random) => `/api/traces/${someRoot(workload, random).traceId}`,
    check: expectSome('spans'),
  },
  {
    name: 'service, operation, duration',
    ask(workload, random) {
      const { span } = someRoot(workload, random);
      const operation = operationName(span.service, span.operation);
      const minDurationMs = Math.floor((span.endNs - span.startNs) / 1e6);
      return `/api/traces?service=${SERVICES[span.service]}&operation=${operation}&minDurationMs=${minDurationMs}&${rangeOf(workload)}`;
    },
    check: expectSome('traces'),
  },
  {
    name: 'rare attribute = value',
    ask(workload, random) {
      const { path } = someRoot(workload, random).span;
      return `/api/traces?q=url.path:/objects/${String(path).padStart(5, '0')}&${rangeOf(workload)}`;
    },
    check: expectSome('traces'),
  },
  {
    name: 'attribute value that is nowhere',
    ask: (workload, random) => `/api/traces?q=url.path:/nowhere/${random.uint32()}&${rangeOf(workload)}`,
    check(answer) {
      if ((answer as Found).traces?.length !== 0) throw new Error('got traces, expected none');
    },
  },
  {
    name: 'map of the week',
    ask: (workload) => `/api/map?${rangeOf(workload)}`,
    check: expectSome('edges'),
  },
  {
    name: 'services of the week',
    ask: (workload) => `/api/services?${rangeOf(workload)}`,
    check() {},
  },
  {
    name: 'latency of the week, a service',
    ask: (workload, random) => `/api/latency?service=${someCaller(workload, random)}&${rangeOf(workload)}`,
    check: expectSome('cells'),
  },
  {
    name: 'latency of the week, a peer',
    ask: (workload, random) => `/api/latency?peer=${someCaller(workload, random)}&${rangeOf(workload)}`,
    check: expectSome('cells'),
  },
  {
    name: 'what differs in the week',
    ask: (workload, random) =>
      `/api/latency/differs?service=${someCaller(workload, random)}&minMs=100&${rangeOf(workload)}`,
    check() {},
  },
  {
    name: 'newest traces',
    ask: (workload) => `/api/traces?${rangeOf(workload)}`,
    check: expectSome('traces'),
  },
];
