/** Which incidents are wrong now, the one to see first in front. Pure. */
import type { Incident } from '../../collector/serve/wire.ts';

/** What was seen within this time goes on. */
const NOW_MS = 2 * 60e3;
/** Until then, it need not be said when it was last seen. */
const FRESH_MS = 60e3;

/**
 * What goes on at `atMs`, by how many calls it hit; then the rest, by when it was last seen. Of now, without what is
 * resolved or muted, and what somebody knows of last; of a range in the past, which was chosen for what is in it, all.
 */
export function wrongNow(incidents: readonly Incident[], atMs: number, isPast: boolean): Incident[] {
  const seenMs = (incident: Incident) => Date.parse(incident.lastSeen);
  const goesOn = (incident: Incident) => atMs - seenMs(incident) <= NOW_MS;
  return incidents
    .filter(({ state, mutedUntil }) => isPast || (state !== 'resolved' && mutedUntil === null))
    .toSorted(
      (a, b) =>
        (isPast ? 0 : Number(a.acknowledged) - Number(b.acknowledged)) ||
        Number(goesOn(b)) - Number(goesOn(a)) ||
        (goesOn(a) ? b.count - a.count : 0) ||
        seenMs(b) - seenMs(a) ||
        (a.fingerprint < b.fingerprint ? -1 : 1),
    );
}

export function isFresh(incident: Pick<Incident, 'lastSeen'>, nowMs: number): boolean {
  return nowMs - Date.parse(incident.lastSeen) <= FRESH_MS;
}
