/**
 * Groups verdicts into incidents: those that share edge, phase and kind. The cause of an incident is the one most of
 * its verdicts name.
 */
import { hash } from 'node:crypto';
import type { Verdict } from '../diagnose/verdict.ts';
import type { Incident } from '../serve/wire.ts';
import type { IncidentState, TimeRange } from '../store/store.ts';
import type { VerdictRow } from './results.ts';

const FINGERPRINT_LENGTH = 16;
/** Without a verdict for this long an incident is resolved; for this long after its first one it is new. */
export const QUIET_MS = 15 * 60_000;
const SERIES_STEPS = 24;
const TRACES_MAX = 20;
const ENTRY_POINTS_MAX = 10;

/** `shared` and `differs` need spans, and are found by compareCalls. */
export type IncidentCore = Omit<Incident, 'shared' | 'differs'>;

/** Names an incident: the same edge, phase and kind always give the same. */
export function fingerprintOf(edge: string, phase: string, kind: string): string {
  return hash('sha256', `${edge}\0${phase}\0${kind}`).slice(0, FINGERPRINT_LENGTH);
}

/** `callsOf` counts the calls of an edge, or of a service for its own work. Those going on come first, of these those not muted. */
export function buildIncidents(
  rows: readonly VerdictRow[],
  callsOf: (edge: string) => number,
  states: readonly IncidentState[],
  range: TimeRange,
  nowUnixMs: number,
): IncidentCore[] {
  const stateByFingerprint = new Map(states.map((state) => [state.fingerprint, state]));
  const incidents = [...Map.groupBy(rows, (row) => row.fingerprint).values()].map((members) =>
    buildIncident(
      members.toSorted((a, b) => b.atUnixMs - a.atUnixMs),
      callsOf,
      stateByFingerprint.get(members[0]!.fingerprint),
      range,
      nowUnixMs,
    ),
  );
  return incidents.toSorted(
    (a, b) => rankOf(a) - rankOf(b) || b.count - a.count || (a.lastSeen < b.lastSeen ? 1 : -1),
  );
}

function rankOf({ state, mutedUntil }: IncidentCore): number {
  if (state === 'resolved') return 2;
  return mutedUntil === null ? 0 : 1;
}

/** `members` come newest first. */
function buildIncident(
  members: readonly VerdictRow[],
  callsOf: (edge: string) => number,
  said: IncidentState | undefined,
  range: TimeRange,
  nowUnixMs: number,
): IncidentCore {
  const newest = members[0];
  if (newest === undefined) throw new Error('an incident has at least one verdict');
  const { origin, phase, giveUp, cause, title, confidence, alternatives } = majorityCause(members);
  const { first, last } = newest.seenUnixMs;
  return {
    fingerprint: newest.fingerprint,
    edge: origin.edge,
    phase,
    kind: giveUp.kind,
    cause,
    title,
    confidence,
    candidates: 1 + alternatives.length,
    state: stateOf(first, last, nowUnixMs),
    acknowledged: said?.acknowledged ?? false,
    mutedUntil: said?.mutedUntilUnixMs == null ? null : new Date(said.mutedUntilUnixMs).toISOString(),
    count: members.length,
    // Calls that gave up are calls, also where their spans have not been counted yet.
    share: members.length / Math.max(callsOf(origin.edge), members.length),
    firstSeen: new Date(first).toISOString(),
    lastSeen: new Date(last).toISOString(),
    series: seriesOf(members, range),
    entryPoints: entryPointsOf(members),
    traces: [...new Set(members.map((row) => row.traceId))].slice(0, TRACES_MAX),
  };
}

export function stateOf(firstUnixMs: number, lastUnixMs: number, nowUnixMs: number): Incident['state'] {
  if (nowUnixMs - lastUnixMs >= QUIET_MS) return 'resolved';
  return nowUnixMs - firstUnixMs < QUIET_MS ? 'new' : 'ongoing';
}

/** Of causes named equally often, the one named last. */
function majorityCause(members: readonly VerdictRow[]): Verdict {
  const byCause = [...Map.groupBy(members, ({ cause }) => cause).values()];
  const [majority] = byCause.toSorted((a, b) => b.length - a.length);
  const told = majority!.find(({ verdict }) => verdict !== null)?.verdict;
  if (told == null) throw new Error('of each cause one verdict at least is told in full');
  return told;
}

function seriesOf(members: readonly VerdictRow[], { fromUnixMs, toUnixMs }: TimeRange): number[] {
  const series = Array.from({ length: SERIES_STEPS }, () => 0);
  const stepMs = (toUnixMs - fromUnixMs) / SERIES_STEPS;
  for (const { atUnixMs } of members) {
    // The call started in the range; the give-up itself may come after its end.
    const step = Math.floor((atUnixMs - fromUnixMs) / stepMs);
    const within = Math.min(SERIES_STEPS - 1, Math.max(0, step));
    series[within] = (series[within] ?? 0) + 1;
  }
  return series;
}

function entryPointsOf(members: readonly VerdictRow[]): Incident['entryPoints'] {
  const groups = Map.groupBy(members, ({ entry }) => JSON.stringify([entry.service, entry.operation]));
  return [...groups.values()]
    .map((group) => ({ ...group[0]!.entry, calls: new Set(group.map((row) => row.traceId)).size }))
    .toSorted((a, b) => b.calls - a.calls)
    .slice(0, ENTRY_POINTS_MAX);
}
