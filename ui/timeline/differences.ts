/**
 * Where one trace took longer than the other, call by call and phase by phase: each millisecond stands where it was spent, and
 * not again in every caller that waited for it. Pure.
 */
import type { Aligned } from './align.ts';
import { phasesAt, type TraceColumns } from './columns.ts';
import { selfTimeMs } from './critical-path.ts';
import type { TraceModel } from './trace-model.ts';

export interface Difference {
  /** Row of the aligned traces. */
  readonly row: number;
  /** A phase of a call, or what a span did itself. */
  readonly part: string;
  /** null where the trace has no such call, or the call no such phase. */
  readonly hereMs: number | null;
  readonly thereMs: number | null;
  readonly deltaMs: number;
  /** Here the phase had not finished. */
  readonly open: boolean;
}

export const OWN_WORK = 'own work';
/** Less is within what clocks and timers measure. */
const DELTA_MS_MIN = 0.5;

/** The largest first. */
export function findDifferences(here: TraceModel, there: TraceModel, aligned: Aligned): Difference[] {
  const found: Difference[] = [];
  for (let row = 0; row < aligned.count; row++) {
    const parts = {
      here: partsOf(here, aligned.here[row] ?? -1),
      there: partsOf(there, aligned.there[row] ?? -1),
    };
    for (const part of new Set([...parts.here.keys(), ...parts.there.keys()])) {
      const hereMs = parts.here.get(part)?.ms ?? null;
      const thereMs = parts.there.get(part)?.ms ?? null;
      const deltaMs = (hereMs ?? 0) - (thereMs ?? 0);
      if (Math.abs(deltaMs) < DELTA_MS_MIN) continue;
      found.push({ row, part, hereMs, thereMs, deltaMs, open: parts.here.get(part)?.open ?? false });
    }
  }
  return found.toSorted((a, b) => Math.abs(b.deltaMs) - Math.abs(a.deltaMs) || a.row - b.row);
}

/** The phases of a call without what its callee is seen to have used of them; of any other span, its self time. */
function partsOf(model: TraceModel, span: number): Map<string, { ms: number; open: boolean }> {
  const parts = new Map<string, { ms: number; open: boolean }>();
  if (span < 0) return parts;
  const { columns, rows } = model;
  const selfMs = selfTimeMs(columns, rows, span);
  const phases = phasesAt(columns, span);
  if (phases.length === 0) {
    parts.set(OWN_WORK, { ms: selfMs, open: false });
    return parts;
  }
  let coveredMs = durationOf(columns, span) - selfMs;
  // The callee works while its caller waits, and while the answer is on its way.
  for (const { phase, durationMs, open } of phases.toSorted(waitFirst)) {
    const takenMs = phase === 'wait' || phase === 'receive' ? Math.min(coveredMs, durationMs) : 0;
    coveredMs -= takenMs;
    parts.set(phase, { ms: durationMs - takenMs, open });
  }
  return parts;
}

function waitFirst(a: { phase: string }, b: { phase: string }): number {
  return Number(b.phase === 'wait') - Number(a.phase === 'wait');
}

function durationOf({ duration }: TraceColumns, span: number): number {
  return duration[span] ?? 0;
}
