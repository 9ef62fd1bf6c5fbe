/** Clocks that differ between hosts are shifted as far as the calls allow, and decide nothing beyond that. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { drawTrace } from './draw-trace.ts';
import { verdictOf } from './expect-verdict.ts';

const NO_HISTORY = { normals: new Map() };

describe('clocks', () => {
  const withClock = (skew: number) => `
      shop         |=============================!
        shop>pay   |=============================X  phase=wait budget=3000 connect=5 wait=2995
          pay       |==============================================|  skew=${skew} left=2900`;
  const skewOf = (drawing: string, label: string) => {
    const trace = drawTrace(drawing);
    return buildTraceTree(trace.spans).byId.get(trace.id(label))?.skewMs;
  };

  it('a server that knows when its client left is placed exactly, whatever its clock says', () => {
    expect(skewOf(withClock(0), 'pay')).toBe(0);
    expect(skewOf(withClock(-5000), 'pay')).toBe(5000);
    expect(skewOf(withClock(60_000), 'pay')).toBe(-60_000);
    expect(verdictOf(withClock(-5000))).toMatchObject({ at: 'pay', abandonedMs: 1800 });
    expect(verdictOf(withClock(60_000))).toMatchObject({ at: 'pay', abandonedMs: 1800 });
  });
  it('without that, only as much as causality demands', () => {
    const answered = (skew: number) => `
      shop         |=========|
        shop>pay   |=========|
          pay         |====|  skew=${skew}`;
    expect(skewOf(answered(0), 'pay')).toBe(0);
    expect(skewOf(answered(-300), 'pay')).toBe(0);
    expect(skewOf(answered(-301), 'pay')).toBe(1);
    expect(skewOf(answered(200), 'pay')).toBe(0);
    expect(skewOf(answered(201), 'pay')).toBe(-1);
  });
  it('a shift is that of a process: its other spans move with it', () => {
    const drawing = `
      shop             |=========|
        shop>pay       |=========|
          pay          |========|   skew=-500
            pay>bank     |====|     skew=-500
              bank       |====|`;
    expect(skewOf(drawing, 'pay>bank')).toBe(500);
    expect(skewOf(drawing, 'bank')).toBe(0);
  });
  const gaveUp = (skew: number, pay = '====|      ') => `
      shop>pay   |=========X  phase=wait budget=1000
        pay          |${pay}  skew=${skew}`;
  const DAY_MS = 86_400_000;

  it('a server that seems to begin a day after its caller gave up has another clock; one before that was late', () => {
    expect(skewOf(gaveUp(DAY_MS), 'pay')).toBe(0);
    expect(skewOf(gaveUp(DAY_MS + 700), 'pay')).toBe(-DAY_MS - 600);
    expect(skewOf(gaveUp(3653 * DAY_MS), 'pay')).toBe(100 - 3653 * DAY_MS);
    // It worked for longer than its caller waited.
    expect(skewOf(gaveUp(3653 * DAY_MS, '=================|'), 'pay')).toBe(-400 - 3653 * DAY_MS);
  });
  it('one host has one clock: when its client left is seen late, and shifts nothing', () => {
    const seenLate = (hosts: [string, string]) => `
      shop         |=============================!  host=${hosts[0]}
        shop>pay   |=============================X  phase=wait budget=3000 host=${hosts[0]}
          pay        |=============================|  host=${hosts[1]} left=2999`;
    expect(skewOf(seenLate(['one', 'other']), 'pay')).toBe(-199);
    expect(skewOf(seenLate(['one', 'one']), 'pay')).toBe(0);
    expect(verdictOf(seenLate(['one', 'one'])).abandonedMs).toBe(200);
  });
  it('two machines that were made of one image share a host.id, not a clock', () => {
    const drawing = (skew: number) => `
      shop         |====================|  host=image
        shop>pay   |====================|  host=image
          pay          |============|      host=image skew=${skew}`;
    expect(skewOf(drawing(-5000), 'pay')).toBe(4600);
    expect(skewOf(drawing(0), 'pay')).toBe(0);
  });
  it('one process whose clock is behind that of its host does not take along whom it calls', () => {
    const drawing = (payments: number) => `
      gate             |==============|  host=one
        gate>shop      |==============|  host=one
          shop         |=============!   host=one skew=-7000
            shop>pay    |==========X     host=one skew=-7000 phase=wait budget=1000
              pay       |======================|  host=one skew=${payments} left=1090`;
    expect(skewOf(drawing(0), 'shop')).toBe(7000);
    expect(skewOf(drawing(0), 'pay')).toBe(0);
    expect(verdictOf(drawing(0))).toMatchObject({ at: 'pay', abandonedMs: 1200 });
    // A copy of the same machine.
    expect(skewOf(drawing(-7000), 'pay')).toBe(7000);
  });
  it('on one host, a server may begin after its caller gave up', () => {
    const drawing = (host: string) => `
      shop>pay   |=========X                  phase=wait budget=1000 host=one
        pay                         |====|   left=400 host=${host}`;
    expect(skewOf(drawing('other'), 'pay')).toBe(-1300);
    expect(skewOf(drawing('one'), 'pay')).toBe(0);
  });
  it('a trace begins with its first span, also where a clock is years behind', () => {
    const { spans, traceId } = drawTrace(gaveUp(-3653 * DAY_MS));
    const { nodes, startUnixNano } = buildTraceTree(spans);
    expect(startUnixNano).toBe(spans[0]!.startUnixNano);
    expect(nodes.map(({ startMs }) => startMs)).toEqual([0, 0]);
    expect(diagnoseTrace(traceId, spans, NO_HISTORY).verdicts).toHaveLength(1);
  });
  it('a server that outlived an impatient client is not pushed back', () => {
    expect(
      skewOf(
        `
      shop>pay   |====X  phase=wait
        pay         |==========|`,
        'pay',
      ),
    ).toBe(0);
  });
});
