/** Reads what happened when in a range: calls per step, and which versions of the services ran. */
import { serviceOf, textAttribute } from '../../span.ts';
import type { CallCounts, ServiceVersion } from '../../query/results.ts';
import type { TimeRange } from '../store.ts';
import type { Connection } from './open-database.ts';
import { rangeNano } from './read-calls.ts';
import type { createSpanReader } from './read-spans.ts';

export function createActivityReader(database: Connection, spans: ReturnType<typeof createSpanReader>) {
  // In floating point: nanoseconds of a long range times its steps are beyond 64 bits.
  const counts = database.prepare<
    { from: bigint; to: bigint; steps: number },
    CallCounts & { readonly step: number }
  >(
    `SELECT min(@steps - 1, CAST((start_unix_ns - @from) * 1.0 * @steps / (@to - @from) AS INTEGER)) AS step,
       count(*) AS calls, sum(outcome = 'error') AS errors, sum(outcome = 'timeout') AS timeouts
     FROM span WHERE start_unix_ns >= @from AND start_unix_ns < @to
       AND (peer_id IS NOT NULL OR kind = 'server' AND parent_span_id IS NULL)
     GROUP BY step`,
  );
  const resources = database.prepare<
    [bigint, bigint],
    { resource_id: number; first_unix_ms: number; last_unix_ms: number }
  >(
    `SELECT resource_id, min(start_unix_ns) / 1e6 AS first_unix_ms, max(start_unix_ns) / 1e6 AS last_unix_ms
     FROM span WHERE start_unix_ns >= ? AND start_unix_ns < ? GROUP BY resource_id`,
  );

  return {
    readCallCounts(range: TimeRange, steps: number): CallCounts[] {
      const [from, to] = rangeNano(range);
      const found = Array.from({ length: steps }, () => ({ calls: 0, errors: 0, timeouts: 0 }));
      for (const { step, ...counted } of counts.iterate({ from, to, steps })) found[step] = counted;
      return found;
    },
    /** A service has as many resources as instances: they are put together by what they say of themselves. */
    readVersions(range: TimeRange): ServiceVersion[] {
      const readResource = spans.resources();
      const versions = new Map<string, ServiceVersion>();
      for (const row of resources.iterate(...rangeNano(range))) {
        const resource = readResource(row.resource_id);
        const service = serviceOf({ resource });
        const version = textAttribute(resource.attributes, 'service.version');
        if (version === null) continue;
        const key = JSON.stringify([service, version]);
        const known = versions.get(key);
        versions.set(key, {
          service,
          version,
          firstUnixMs: Math.min(known?.firstUnixMs ?? Infinity, row.first_unix_ms),
          lastUnixMs: Math.max(known?.lastUnixMs ?? -Infinity, row.last_unix_ms),
        });
      }
      return [...versions.values()];
    },
  };
}
