/** Which incidents someone acknowledged or muted, as it holds now. */
import { QUIET_MS } from '../../../query/incidents.ts';
import type { IncidentState } from '../../store.ts';
import type { Connection } from '../open-database.ts';

interface Row {
  readonly fingerprint: string;
  readonly acknowledgedUnixMs: number | null;
  readonly mutedUntilUnixMs: number | null;
}

export function createIncidentStateReader(database: Connection): () => IncidentState[] {
  const all = database.prepare<[number], Row>(
    `SELECT fingerprint, acknowledged_unix_ms AS acknowledgedUnixMs,
       CASE WHEN muted_until_unix_ms > ? THEN muted_until_unix_ms END AS mutedUntilUnixMs
     FROM incident_state`,
  );
  const wasOver = database
    .prepare<{ fingerprint: string; acknowledgedUnixMs: number; quietMs: number }, number>(
      // The last before it was acknowledged is where the first pause begins.
      `SELECT EXISTS (
         SELECT 1 FROM (
           SELECT give_up_unix_ms - lag(give_up_unix_ms) OVER (ORDER BY give_up_unix_ms) AS pause_ms
           FROM verdict WHERE fingerprint = @fingerprint AND give_up_unix_ms >= coalesce(
             (SELECT max(give_up_unix_ms) FROM verdict
              WHERE fingerprint = @fingerprint AND give_up_unix_ms <= @acknowledgedUnixMs), 0)
         ) WHERE pause_ms >= @quietMs)`,
    )
    .pluck();

  return () =>
    all
      .all(Date.now())
      .map(({ fingerprint, acknowledgedUnixMs, mutedUntilUnixMs }) => ({
        fingerprint,
        acknowledged:
          acknowledgedUnixMs !== null &&
          wasOver.get({ fingerprint, acknowledgedUnixMs, quietMs: QUIET_MS }) !== 1,
        mutedUntilUnixMs,
      }))
      .filter(({ acknowledged, mutedUntilUnixMs }) => acknowledged || mutedUntilUnixMs !== null);
}
