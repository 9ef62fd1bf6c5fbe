/** Where the time of calls went, as shares of each step, and of all of them. Pure. */
import type { Latency, LatencyPhases, Phase } from '../../collector/serve/wire.ts';
import { countOf, formatCount } from '../format.ts';
import { PHASES } from '../phases.ts';

export interface PhaseShare {
  readonly phase: Phase;
  /** In the mean of the calls. */
  readonly ms: number;
  /** Of the time of all phases: 0 to 1. */
  readonly share: number;
}
export interface PhaseStep {
  readonly t: number;
  readonly calls: number;
  readonly shares: readonly PhaseShare[];
}

/** Phases that took no time are left out. */
function sharesOf(meanMs: (phase: Phase) => number): PhaseShare[] {
  const total = PHASES.reduce((sum, phase) => sum + meanMs(phase), 0);
  if (!(total > 0)) return [];
  return PHASES.flatMap((phase) => {
    const ms = meanMs(phase);
    return ms > 0 ? [{ phase, ms, share: ms / total }] : [];
  });
}

export function phaseSteps(phases: readonly LatencyPhases[]): PhaseStep[] {
  return phases.map((step) => ({
    t: step.t,
    calls: step.calls,
    shares: sharesOf((phase) => step[`${phase}Ms`] ?? 0),
  }));
}

/** Of all calls together: a step counts as often as it has calls. */
export function phaseTotals(phases: readonly LatencyPhases[]): PhaseShare[] {
  const calls = phases.reduce((sum, step) => sum + step.calls, 0);
  if (calls === 0) return [];
  const meanMs = (phase: Phase) =>
    phases.reduce((sum, step) => sum + (step[`${phase}Ms`] ?? 0) * step.calls, 0) / calls;
  return sharesOf(meanMs);
}

/** Whose phases they are, and of how many: those that a hook measured, some of each step. `52 of 3,848 calls`. */
export function sayMeasured({ phases, calls, of }: Latency): string {
  const measured = phases.reduce((sum, step) => sum + step.calls, 0);
  const whose = of === 'served' ? ', as their callers measured them' : '';
  return `${measured < calls ? `${formatCount(measured)} of ` : ''}${countOf(Math.max(measured, calls), 'call')}${whose}`;
}
