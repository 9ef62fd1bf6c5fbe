/**
 * The phase a call was stuck in: the one that used most of its time until the give-up, its server's time not counted;
 * where it is close, the one that was open.
 */
import type { GiveUpMoment } from './give-ups.ts';
import { readPhases } from './phases.ts';
import type { TraceNode } from './tree.ts';
import type { Phase } from './verdict.ts';

export interface StuckPhase {
  readonly phase: Phase | 'none';
  /** Until the give-up; null when it was not measured. */
  readonly phaseMs: number | null;
  /** It was not over at the give-up. */
  readonly phaseOpen: boolean;
}

/** Timers of a whole call, not of one phase or of silence: any phase may have used what they allowed. */
const WHOLE_CALL_TIMERS = new Set(['abort_signal', 'abort', 'app', 'grpc_deadline']);
/** Phases closer than this share of the time are a tie. */
const TIE_SHARE = 0.1;

/** OpenTelemetry's name for the time in which a pool of PostgreSQL has no free connection; a new one's has spans below it. */
function isPoolsOwn({ span }: TraceNode): boolean {
  return span.name === 'pg-pool.connect';
}

/** `failure`: the call's own give-up; null when it was still open at `atMs`, or had ended well. */
export function phaseOfCall(
  call: TraceNode,
  server: TraceNode | null,
  failure: GiveUpMoment | null,
  atMs: number,
): StuckPhase {
  const elapsedMs = Math.min(atMs, call.endMs) - call.startMs;
  // One that came to the request after the give-up did nothing of what was waited for.
  const serverMs = server === null ? 0 : Math.max(0, Math.min(server.endMs, atMs) - server.startMs);
  const phases = readPhases(call.span).map(({ phase, startOffsetMs, durationMs }) => {
    const usedMs = Math.max(0, Math.min(durationMs, elapsedMs - startOffsetMs));
    return {
      phase,
      endOffsetMs: startOffsetMs + durationMs,
      phaseMs: phase === 'wait' ? Math.max(0, usedMs - serverMs) : usedMs,
    };
  });
  const failedIn = call.outcome.giveUp?.phase ?? null;
  const wentOn = call.endMs > atMs;
  const atGiveUp = phases.find(({ endOffsetMs }) => endOffsetMs >= elapsedMs) ?? phases.at(-1);
  const unmeasured = isPoolsOwn(call) ? 'queue' : 'wait';
  const open = wentOn ? (atGiveUp?.phase ?? failedIn ?? unmeasured) : failedIn;
  const openMs = phases.find(({ phase }) => phase === open)?.phaseMs ?? null;
  let longest = phases[0];
  for (const slice of phases) if (slice.phaseMs > (longest?.phaseMs ?? 0)) longest = slice;
  const ofOnePhase = failure !== null && !WHOLE_CALL_TIMERS.has(failure.timer ?? '');
  const tie = openMs !== null && openMs >= (longest?.phaseMs ?? 0) - TIE_SHARE * elapsedMs;
  if (longest === undefined || (open !== null && (ofOnePhase || tie))) {
    return { phase: open ?? 'wait', phaseMs: openMs, phaseOpen: open !== null };
  }
  return { phase: longest.phase, phaseMs: longest.phaseMs, phaseOpen: longest.phase === open };
}
