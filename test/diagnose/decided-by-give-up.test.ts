import { expect, test } from 'vitest';
import { decidedByGiveUp } from '../../collector/diagnose/decided-by-give-up.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { diagnoseDrawing } from './expect-verdict.ts';
import { drawTrace } from './draw-trace.ts';

/** Labels of the spans whose duration a give-up decided. */
function decidedOf(drawing: string): string[] {
  const { spans, label } = drawTrace(drawing);
  const { nodes } = buildTraceTree(spans);
  const places = new Map(nodes.map((node, place) => [node, place]));
  const decided = decidedByGiveUp(
    nodes.map(({ span, parent, outcome: { outcome, giveUp }, startMs, endMs }) => ({
      parent: parent === null ? -1 : places.get(parent)!,
      kind: span.kind,
      outcome,
      gaveUp: giveUp !== null && outcome !== 'cancelled',
      startMs,
      endMs,
    })),
  );
  return nodes.flatMap(({ span }, place) => (decided[place] ? [label(span.spanId)] : []));
}

test('a server that ended when the call it waited for was given up took as long as that timer, and so did who called it', () => {
  const drawing = `
    shop          |=====================|
      shop>pay     |===================|
        pay         |================|
          pay>bank   |==============X    phase=wait`;
  expect(decidedOf(drawing)).toEqual(['shop', 'shop>pay', 'pay', 'pay>bank']);
});

test('nobody gave up: nothing is decided', () => {
  expect(decidedOf('shop |=====|\n  shop>pay |===|')).toEqual([]);
});

test('a server that went on in its own time after its caller had left is not among them', () => {
  const drawing = `
    shop>pay   |=====X               phase=wait
      pay      |==================|`;
  expect(decidedOf(drawing)).toEqual(['shop>pay']);
});

test('a server that ended as its caller left is', () => {
  const drawing = `
    shop>pay   |=====X               phase=wait
      pay      |=====|`;
  expect(decidedOf(drawing)).toEqual(['shop>pay', 'pay']);
});

test.each([
  [4, false],
  [5, true],
])('a call that was given up after %i of ten columns decided its caller: %s', (columns, decided) => {
  const found = decidedOf(`
    pay          |=========|
      pay>cache  |${'='.repeat(columns - 1)}X   phase=wait`);
  expect(found.includes('pay')).toBe(decided);
});

test('attempts that were given up count together', () => {
  const drawing = `
    pay         |===========|
      pay>bank  |===X             phase=wait
      pay>bank      |===X         phase=wait
      pay>bank          |===|`;
  expect(decidedOf(drawing)).toContain('pay');
});

test('attempts that were given up at the same time count once', () => {
  const drawing = `
    pay         |===================|
      pay>bank  |==X                   phase=wait
      pay>bank  |===X                  phase=wait
      pay>bank   |==X                  phase=wait
      pay>bank   |===X                 phase=wait
      pay>bank   |==X                  phase=wait`;
  expect(decidedOf(drawing)).not.toContain('pay');
});

test('a span that failed by a timer of its own, and cancelled nothing, is decided by it; what it left is not', () => {
  const drawing = `
    pay         |=====!
      pay>bank  |============|`;
  expect(decidedOf(drawing)).toEqual(['pay']);
});

test('what a span that ended well left running decided nothing', () => {
  const drawing = `
    pay         |=====|
      pay>log   |============X  phase=wait`;
  expect(decidedOf(drawing)).toEqual(['pay>log']);
});

test('a call to a server that was cut off by its own timer is not "normally slower": the inner call is the origin', () => {
  const drawing = `
    shop          |=========!
      shop>pay    |=========X                      phase=wait budget=1000 timer=abort_signal
        pay       |==============================|
          pay>bank |============================X  phase=wait budget=3000`;
  const { verdicts } = diagnoseDrawing(drawing, { 'pay serve pay': 3000 });
  const [verdict] = verdicts;
  expect(verdict).toMatchObject({ by: 'shop>pay', at: 'pay>bank', phase: 'wait', confidence: 'possible' });
  expect(verdict!.causes).not.toContain('F1');
  expect(verdict!.contributing).toEqual([
    { cause: 'F2', text: 'pay would have waited 3.000 s for call bank, when shop had 0.900 s left' },
  ]);
});

test('attempts that inner timers cut off show nothing of what is normal', () => {
  const { verdicts } = diagnoseDrawing(`
    gate          |===================================!
      gate>pay    |=========X                            phase=wait budget=1000
        pay       |============|
          pay>b   |===========X                          phase=wait budget=1200
      gate>pay                |=========X                phase=wait budget=1000
        pay                   |============|
          pay>b               |===========X              phase=wait budget=1200
      gate>pay                            |=========X    phase=wait budget=1000
        pay                               |============|
          pay>b                           |===========X  phase=wait budget=1200`);
  expect(verdicts.map(({ at }) => at)).toContain('pay>b');
  expect(verdicts.map(({ cause }) => cause)).not.toContain('F1');
});
