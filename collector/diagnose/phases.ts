/** Reads the phases of a call from its span: `sockeye.phase.*_ms`, consecutive from the span's start. */
import { numberAttribute, textAttribute, type Span } from '../span.ts';
import { PHASES, type Phase } from './verdict.ts';

export interface PhaseSlice {
  readonly phase: Phase;
  readonly startOffsetMs: number;
  readonly durationMs: number;
  /** The phase had not finished when the call ended. */
  readonly open: boolean;
}

const ATTRIBUTE_OF = new Map(PHASES.map((phase) => [phase, `sockeye.phase.${phase}_ms`]));

export function isPhase(text: string | null): text is Phase {
  return text !== null && ATTRIBUTE_OF.has(text as Phase);
}

/** Empty when none was measured. Values that are no durations are left out. */
export function readPhases(span: Span): PhaseSlice[] {
  const measured: { phase: Phase; durationMs: number }[] = [];
  for (const [phase, attribute] of ATTRIBUTE_OF) {
    const durationMs = numberAttribute(span.attributes, attribute);
    if (durationMs !== null && Number.isFinite(durationMs) && durationMs >= 0)
      measured.push({ phase, durationMs });
  }
  if (measured.length === 0) return [];
  const open = openPhase(span, measured.at(-1)?.phase ?? 'wait');
  let startOffsetMs = 0;
  return measured.map(({ phase, durationMs }) => {
    const slice = { phase, startOffsetMs, durationMs, open: phase === open };
    startOffsetMs += durationMs;
    return slice;
  });
}

/**
 * The phase the call ended in, unfinished. A call that failed without an answer ended in its last phase; one whose
 * `error.type` is just the status of an answer ("503") had finished them all.
 */
function openPhase(span: Span, last: Phase): Phase | null {
  const named = textAttribute(span.attributes, 'sockeye.timeout.phase');
  if (isPhase(named)) return named;
  if (span.endUnixNano === 0n) return last;
  const errorType = textAttribute(span.attributes, 'error.type');
  return span.status.code === 'error' && errorType !== null && !/^\d+$/.test(errorType) ? last : null;
}
