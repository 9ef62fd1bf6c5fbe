/** The types of wire-latency.ts as JSON Schemas. */
import { PHASES } from '../diagnose/verdict.ts';
import { OUTCOMES } from '../store/columns/codes.ts';
import { boolean, integer, list, named, nullable, number, object, text, time, words } from './schema.ts';
import type * as Wire from './wire.ts';
import { outcomes } from './wire-schemas-traces.ts';

const OF = words<Wire.LatencyOf>('entries', 'served', 'operation', 'calls');

/** What calls have in common, and what sets them apart from others. */
export const comparison = {
  shared: list(object<Wire.Incident['shared'][number]>({ key: text, value: text, share: number })),
  differs: list(
    object<Wire.Incident['differs'][number]>({ key: text, value: text, share: number, othersShare: number }),
  ),
};

export const latencySchemas = {
  Latency: object<Wire.Latency>({
    from: time,
    to: time,
    stepMs: number,
    of: OF,
    countedFrom: words<Wire.Latency['countedFrom']>('sums', 'spans'),
    ...outcomes,
    read: object<Wire.Latency['read']>({ calls: integer, timeouts: integer, phases: integer }),
    truncated: boolean,
    cells: list(
      object<Wire.Latency['cells'][number]>({
        t: number,
        minMs: number,
        maxMs: number,
        count: integer,
        timeouts: integer,
      }),
    ),
    overall: object<Wire.Latency['overall']>({
      p50Ms: number,
      p95Ms: number,
      p99Ms: number,
      count: integer,
    }),
    percentiles: list(
      object<Wire.Latency['percentiles'][number]>({
        t: number,
        p50Ms: number,
        p95Ms: number,
        p99Ms: number,
        count: integer,
        ...outcomes,
      }),
    ),
    phases: list(named('LatencyPhases')),
    budgetsMs: list(number),
    budgets: list(
      object<Wire.Latency['budgets'][number]>({ budgetMs: number, own: boolean, calls: integer }),
    ),
    walls: list(object<Wire.LatencyWall>({ atMs: number, count: integer, timeouts: integer })),
  }),
  LatencyPhases: object<Wire.LatencyPhases>(
    {
      t: number,
      calls: integer,
      queueMs: number,
      dnsMs: number,
      connectMs: number,
      tlsMs: number,
      sendMs: number,
      waitMs: number,
      receiveMs: number,
    },
    'queueMs',
    'dnsMs',
    'connectMs',
    'tlsMs',
    'sendMs',
    'waitMs',
    'receiveMs',
  ),
  LatencyDiffers: object<Wire.LatencyDiffers>({
    from: time,
    to: time,
    of: OF,
    brush: object<Wire.LatencyDiffers['brush']>({
      from: time,
      to: time,
      minMs: nullable(number),
      maxMs: nullable(number),
    }),
    selected: named('ComparedCalls'),
    others: named('ComparedCalls'),
    truncated: boolean,
    ...comparison,
    slowest: list(named('LatencyExample')),
    newest: list(named('LatencyExample')),
  }),
  ComparedCalls: object<Wire.ComparedCalls>({
    ...outcomes,
    p50Ms: number,
    p95Ms: number,
    phases: list(
      object<Wire.ComparedCalls['phases'][number]>({
        phase: words(...PHASES),
        durationMs: number,
        open: integer,
      }),
    ),
  }),
  LatencyExample: object<Wire.LatencyExample>({
    traceId: text,
    spanId: text,
    service: text,
    operation: text,
    startedAt: time,
    durationMs: number,
    outcome: words(...OUTCOMES),
  }),
};
