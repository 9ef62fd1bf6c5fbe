/** Where the time of calls went: shares of phases. */
import { describe, expect, it } from 'vitest';
import { phaseSteps, phaseTotals, sayMeasured } from '../../ui/latency/phase-shares.ts';
import { latencyOf, repeat } from './latency-of.ts';

describe('phases', () => {
  const phases = [
    { t: 0, calls: 1, connectMs: 3, waitMs: 1 },
    { t: 1, calls: 3, waitMs: 4, dnsMs: 0 },
    { t: 2, calls: 1 },
  ];
  it('are shares of their step', () => {
    expect(phaseSteps(phases).map(({ shares }) => shares.map(({ phase, share }) => [phase, share]))).toEqual([
      [
        ['connect', 0.75],
        ['wait', 0.25],
      ],
      [['wait', 1]],
      [],
    ]);
  });
  it('of all steps count each call once', () => {
    expect(phaseTotals(phases).map(({ phase, ms }) => [phase, ms])).toEqual([
      ['connect', 0.6],
      ['wait', 2.6],
    ]);
    expect(phaseTotals([])).toEqual([]);
  });
  it('are of some calls, which is said', () => {
    const latency = latencyOf([repeat('10', 9)], { phases, of: 'calls' });
    expect(sayMeasured(latency)).toBe('5 of 9 calls');
    expect(sayMeasured({ ...latency, calls: 5 })).toBe('5 calls');
    expect(sayMeasured({ ...latency, of: 'served' })).toBe('5 of 9 calls, as their callers measured them');
  });
});
