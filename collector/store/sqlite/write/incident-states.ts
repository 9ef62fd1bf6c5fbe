/** Which incidents someone acknowledged or muted. */
import type { IncidentStateChange } from '../../store.ts';
import type { Connection } from '../open-database.ts';

/** The one that nobody changed for longest is forgotten for another. */
export const INCIDENT_STATES_MAX = 500;

interface Row {
  readonly acknowledged: number | null;
  readonly mutedUntil: number | null;
}

export function createIncidentStates(database: Connection) {
  const isKnown = database
    .prepare<[string], number>('SELECT EXISTS (SELECT 1 FROM verdict WHERE fingerprint = ?)')
    .pluck();
  const read = database.prepare<[string], Row>(
    `SELECT acknowledged_unix_ms AS acknowledged, muted_until_unix_ms AS mutedUntil
     FROM incident_state WHERE fingerprint = ?`,
  );
  const write = database.prepare<[string, number | null, number | null, number]>(
    'INSERT OR REPLACE INTO incident_state VALUES (?, ?, ?, ?)',
  );
  const forgetOldest = database.prepare<[number]>(
    `DELETE FROM incident_state WHERE fingerprint IN
       (SELECT fingerprint FROM incident_state ORDER BY changed_unix_ms DESC LIMIT -1 OFFSET ?)`,
  );

  return {
    /** False where no verdict has this fingerprint. */
    change: database.transaction(
      ({ fingerprint, acknowledged, mutedUntilUnixMs }: IncidentStateChange): boolean => {
        if (isKnown.get(fingerprint) !== 1) return false;
        const before = read.get(fingerprint);
        const nowUnixMs = Date.now();
        const acknowledgedUnixMs =
          acknowledged === undefined ? (before?.acknowledged ?? null) : acknowledged ? nowUnixMs : null;
        const mutedUntil = mutedUntilUnixMs === undefined ? (before?.mutedUntil ?? null) : mutedUntilUnixMs;
        write.run(fingerprint, acknowledgedUnixMs, mutedUntil, nowUnixMs);
        forgetOldest.run(INCIDENT_STATES_MAX);
        return true;
      },
    ).immediate,
  };
}
