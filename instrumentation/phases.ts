/**
 * The phases of a call, from the moments at which it entered them. Pure.
 *
 *     start   lookup    address    connected  handshake   request     first byte   end
 *       | queue | dns     | connect   | tls       | send     | wait       | receive   |
 *
 * A phase lasts until the next one is entered; the first one begins at the start of the call, the last one is open until
 * its end. A call enters only some of them, always in this order.
 */
export const phases = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'] as const;
export type Phase = (typeof phases)[number];

/** The moment a call entered a phase. */
export interface Mark {
  phase: Phase;
  atMs: number;
}

export interface PhaseTime {
  phase: Phase;
  durationMs: number;
}

/**
 * Durations of the phases between `startMs` and `endMs`; the last is the one that was open at the end.
 *
 * Marks that go back in order or in time, which happens when a server answers before the request was sent, or when a
 * connection began to open before the call that waits for it, are moved to where they cannot overlap.
 */
export function measurePhases(startMs: number, marks: readonly Mark[], endMs: number): PhaseTime[] {
  const entered: Mark[] = [];
  for (const mark of marks) {
    const last = entered.at(-1);
    if (last && phases.indexOf(mark.phase) <= phases.indexOf(last.phase)) continue;
    const atMs = last ? Math.max(last.atMs, mark.atMs) : startMs;
    entered.push({ phase: mark.phase, atMs: Math.min(atMs, endMs) });
  }
  return entered.map(({ phase, atMs }, index) => ({
    phase,
    durationMs: (entered[index + 1]?.atMs ?? endMs) - atMs,
  }));
}

/** The moment, or the nearest between the two. */
export function within(lowMs: number, ms: number, highMs: number): number {
  return Math.min(Math.max(lowMs, ms), highMs);
}

/** What is known about a connection's opening; a moment that has not come is absent. */
export interface ConnectionMoments {
  startedMs: number;
  /** False when the host was an address, so that there was nothing to look up. */
  needsLookup: boolean;
  needsTls: boolean;
  lookedUpMs?: number;
  connectedMs?: number;
  securedMs?: number;
}

/** The phases a call passes while its own connection opens, `send` included once it is open. */
export function openingMarks(connection: ConnectionMoments): Mark[] {
  const { startedMs, needsLookup, needsTls, lookedUpMs, connectedMs, securedMs } = connection;
  const marks: Mark[] = [];
  if (needsLookup) marks.push({ phase: 'dns', atMs: startedMs });
  const connectMs = needsLookup ? lookedUpMs : startedMs;
  // Connected at the moment it was first seen: by somebody else, such as a tunnel through a proxy.
  const isHandedOver = !needsLookup && connectedMs === startedMs;
  if (connectMs !== undefined && !isHandedOver) marks.push({ phase: 'connect', atMs: connectMs });
  if (connectedMs !== undefined) marks.push({ phase: needsTls ? 'tls' : 'send', atMs: connectedMs });
  if (needsTls && securedMs !== undefined) marks.push({ phase: 'send', atMs: securedMs });
  return marks;
}
