/** Which incidents someone acknowledged or muted, as it holds now. */
import type { IncidentState } from '../../store.ts';
import type { Connection } from '../open-database.ts';

interface Row extends Omit<IncidentState, 'acknowledged'> {
  readonly acknowledged: 0 | 1;
}

export function createIncidentStateReader(database: Connection): () => IncidentState[] {
  const all = database.prepare<[number], Row>(
    `SELECT * FROM (
       SELECT fingerprint, acknowledged_seen_unix_ms IS NOT NULL AS acknowledged,
         CASE WHEN muted_until_unix_ms > ? THEN muted_until_unix_ms END AS mutedUntilUnixMs
       FROM incident_state
     ) WHERE acknowledged OR mutedUntilUnixMs IS NOT NULL`,
  );
  return () => all.all(Date.now()).map((row) => ({ ...row, acknowledged: row.acknowledged === 1 }));
}
