/** Which incidents someone acknowledged or muted. */
import { QUIET_MS } from '../../../query/incidents.ts';
import type { IncidentStateChange } from '../../store.ts';
import type { Connection } from '../open-database.ts';

/** The one that nobody changed for longest is forgotten for another. */
export const INCIDENT_STATES_MAX = 500;

export function createIncidentStates(database: Connection) {
  const lastSeen = database
    .prepare<[string], number | null>('SELECT max(give_up_unix_ms) FROM verdict WHERE fingerprint = ?')
    .pluck();
  const add = database.prepare<[string, number]>(
    'INSERT INTO incident_state VALUES (?, NULL, NULL, ?) ON CONFLICT DO UPDATE SET changed_unix_ms = excluded.changed_unix_ms',
  );
  const acknowledge = database.prepare<[number | null, string]>(
    'UPDATE incident_state SET acknowledged_seen_unix_ms = ? WHERE fingerprint = ?',
  );
  const mute = database.prepare<[number | null, string]>(
    'UPDATE incident_state SET muted_until_unix_ms = ? WHERE fingerprint = ?',
  );
  const forgetEmpty = database.prepare<[number]>(
    `DELETE FROM incident_state WHERE acknowledged_seen_unix_ms IS NULL
     AND (muted_until_unix_ms IS NULL OR muted_until_unix_ms <= ?)`,
  );
  const forgetOldest = database.prepare<[number]>(
    `DELETE FROM incident_state WHERE fingerprint IN
       (SELECT fingerprint FROM incident_state ORDER BY changed_unix_ms DESC, fingerprint LIMIT -1 OFFSET ?)`,
  );

  return {
    /** False where no verdict has this fingerprint. */
    change: database.transaction(
      ({ fingerprint, acknowledged, mutedUntilUnixMs }: IncidentStateChange): boolean => {
        const seenUnixMs = lastSeen.get(fingerprint) ?? null;
        if (seenUnixMs === null) return false;
        const nowUnixMs = Date.now();
        add.run(fingerprint, nowUnixMs);
        if (acknowledged !== undefined) acknowledge.run(acknowledged ? seenUnixMs : null, fingerprint);
        if (mutedUntilUnixMs !== undefined) mute.run(mutedUntilUnixMs, fingerprint);
        forgetEmpty.run(nowUnixMs);
        forgetOldest.run(INCIDENT_STATES_MAX);
        return true;
      },
    ).immediate,
  };
}

export interface SeenGiveUp {
  readonly fingerprint: string;
  /** Of the same incident while its callee was known by nothing but what the call says. */
  readonly bareFingerprint: string;
  readonly atUnixMs: number;
}

/**
 * Is told of the give-ups that are about to be saved: one that comes after a quiet time is of an incident that nobody
 * acknowledged yet. The first under the name of a service takes over what was said of the incident under its bare name.
 */
export function createAcknowledgements(database: Connection) {
  const areSome = database.prepare<[], number>('SELECT EXISTS (SELECT 1 FROM incident_state)').pluck();
  const takeOver = database.prepare<SeenGiveUp>(
    `INSERT INTO incident_state
     SELECT @fingerprint, acknowledged_seen_unix_ms, muted_until_unix_ms, changed_unix_ms FROM incident_state
     WHERE fingerprint = @bareFingerprint AND NOT EXISTS (SELECT 1 FROM verdict WHERE fingerprint = @fingerprint)
     ON CONFLICT DO NOTHING`,
  );
  const see = database.prepare<Omit<SeenGiveUp, 'bareFingerprint'> & { readonly quietMs: number }>(
    `UPDATE incident_state SET acknowledged_seen_unix_ms = CASE
       WHEN @atUnixMs - acknowledged_seen_unix_ms < @quietMs THEN max(acknowledged_seen_unix_ms, @atUnixMs) END
     WHERE fingerprint = @fingerprint AND acknowledged_seen_unix_ms IS NOT NULL`,
  );
  return (seen: readonly SeenGiveUp[]): void => {
    if (areSome.get() !== 1) return;
    for (const giveUp of seen.toSorted((a, b) => a.atUnixMs - b.atUnixMs)) {
      const { fingerprint, bareFingerprint, atUnixMs } = giveUp;
      if (bareFingerprint !== fingerprint) takeOver.run(giveUp);
      see.run({ fingerprint, atUnixMs, quietMs: QUIET_MS });
    }
  };
}
