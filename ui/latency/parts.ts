/** What the latency that is looked at is made of, to look at one of them alone: services, operations, calls to others. Pure. */
import type { MapEdge, Operations, Services } from '../../collector/serve/wire.ts';
import type { Query } from '../app/route.ts';
import type { Asked } from './asked.ts';

export interface LatencyPart {
  readonly title: string;
  readonly rows: readonly {
    readonly name: string;
    readonly timeouts: number;
    readonly p95Ms: number;
    readonly href: string;
  }[];
}
interface Counted {
  readonly calls: number;
  readonly timeouts: number;
  readonly p95Ms: number;
}

/** Of a service that serves; of everything, its services. Calls and operations have no narrower view. */
export function findParts(
  asked: Asked,
  services: Services | null,
  operations: Operations | null,
  edges: readonly MapEdge[],
  hrefOf: (query: Query) => string,
): LatencyPart[] {
  const { service, operation, peer, phase } = asked;
  if (operation !== null || peer !== null || phase !== null) return [];
  const list = <T extends Counted>(
    title: string,
    all: readonly T[],
    nameOf: (row: T) => string,
    queryOf: (name: string) => Query,
  ) => ({
    title,
    rows: all
      .filter(({ calls }) => calls > 0)
      .toSorted((a, b) => b.timeouts - a.timeouts || b.p95Ms - a.p95Ms)
      .map((row) => ({
        name: nameOf(row),
        timeouts: row.timeouts,
        p95Ms: row.p95Ms,
        href: hrefOf(queryOf(nameOf(row))),
      })),
  });
  const parts =
    service === null
      ? [
          list(
            'Services',
            services?.services ?? [],
            (row) => row.service,
            (name) => ({ service: name }),
          ),
        ]
      : [
          list(
            'It calls',
            edges.filter(({ from }) => from === service),
            ({ to }) => to,
            (name) => ({ service, peer: name }),
          ),
          list(
            'Its operations',
            // What is there may be of another choice still: names of operations are one service's.
            (operations?.operations ?? []).filter((row) => row.service === service),
            (row) => row.operation,
            (name) => ({ service, op: name }),
          ),
        ];
  return parts.filter(({ rows }) => rows.length > 0);
}
