/** Rows of a trace for tests, from a few words a span. */
import {
  createTraceRows,
  resetTraceRows,
  type TraceRows,
} from '../../../collector/store/rollup/trace-rows.ts';
import { TIMEOUT_PHASES } from '../../../collector/store/rollup/cell.ts';
import { Tally, type RowCodes, type RowNames } from '../../../collector/store/rollup/tally.ts';

export const CODES: RowCodes = {
  client: 3,
  producer: 4,
  server: 2,
  consumer: 5,
  ok: 0,
  error: 1,
  timeout: 2,
  isStream: 1,
  isRetry: 2,
  neverArrived: 4,
};
const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;
const OUTCOMES = { ok: 0, error: 1, timeout: 2, cancelled: 3 } as const;

export interface DrawnSpan {
  readonly id: number;
  readonly parent?: number;
  readonly service: string;
  readonly kind: keyof typeof KINDS;
  readonly startMs: number;
  readonly durationMs: number;
  readonly outcome?: keyof typeof OUTCOMES;
  readonly flags?: number;
  readonly phase?: (typeof TIMEOUT_PHASES)[number];
  readonly budgetMs?: number;
  readonly peer?: number;
}

/** Operation and resource are one per service here. */
export const SERVICES = ['', 'gateway', 'checkout', 'payments'];
export const NAMES: RowNames = {
  service: (operation) => SERVICES[operation]!,
  edgeKind: () => 'http',
  version: (resource) => ({ service: SERVICES[resource]!, version: '1' }),
};

export function drawRows(spans: readonly DrawnSpan[]): TraceRows {
  const rows = createTraceRows(4);
  resetTraceRows(rows, spans.length);
  spans.forEach((span, row) => {
    rows.spanIdLow[row] = span.id;
    rows.spanIdHigh[row] = 7;
    rows.parentIdLow[row] = span.parent ?? 0;
    rows.parentIdHigh[row] = span.parent === undefined ? 0 : 7;
    rows.operation[row] = SERVICES.indexOf(span.service);
    rows.resource[row] = SERVICES.indexOf(span.service);
    rows.kind[row] = KINDS[span.kind];
    rows.peer[row] = span.kind === 'client' || span.kind === 'producer' ? (span.peer ?? 9) : 0;
    rows.outcome[row] = OUTCOMES[span.outcome ?? 'ok'];
    rows.flags[row] = span.flags ?? 0;
    rows.startMs[row] = span.startMs;
    rows.durationMs[row] = span.durationMs;
    if (span.phase !== undefined || span.budgetMs !== undefined) {
      rows.giveUps.set(row, {
        phaseIndex: TIMEOUT_PHASES.indexOf(span.phase ?? 'none'),
        budgetMs: span.budgetMs ?? null,
      });
    }
  });
  rows.count = spans.length;
  return rows;
}

export function tallyOf(...traces: (readonly DrawnSpan[])[]): Tally {
  const tally = new Tally(NAMES, CODES);
  for (const trace of traces) tally.add(drawRows(trace), 1);
  return tally;
}
