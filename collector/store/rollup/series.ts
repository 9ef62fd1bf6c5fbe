/** What a cell counts: the series of the rollups, as they stand in the table `series`. */
import type { MapEdge } from '../../serve/wire.ts';

export type SeriesKey =
  | OperationSeries
  /** Requests from outside: server spans without a parent. */
  | { readonly type: 'entry'; readonly service: string }
  /** Spans of one `service.version`; only counted. */
  | { readonly type: 'version'; readonly service: string; readonly version: string }
  | EdgeSeries;

export interface OperationSeries {
  readonly type: 'operation';
  readonly operation: number;
}

/**
 * Calls of a service. One whose server span is known goes to that span's service; any other is kept by its peer, and
 * who that is is said when the map is read, so that what is learnt later counts for earlier calls too.
 */
export interface EdgeSeries {
  readonly type: 'edge';
  readonly caller: string;
  readonly calleeService: string | null;
  readonly peer: number | null;
  readonly edgeKind: MapEdge['kind'];
}

/** The same text for the same series: what the table is unique by, and what memory finds it by. */
export function seriesIdentity(series: SeriesKey): string {
  switch (series.type) {
    case 'operation':
      return `operation ${series.operation}`;
    case 'entry':
      return `entry ${series.service}`;
    case 'version':
      // Lengths, because both come from strangers.
      return `version ${series.service.length} ${series.service} ${series.version}`;
    case 'edge': {
      const target = series.peer === null ? `service ${series.calleeService}` : `peer ${series.peer}`;
      return `edge ${series.edgeKind} ${series.caller.length} ${series.caller} ${target}`;
    }
  }
}
