import { describe, expect, it } from 'vitest';
import type { Verdict } from '../../collector/serve/wire.ts';
import { findSpans } from '../../ui/timeline/find.ts';
import { flameBoxes } from '../../ui/timeline/flame.ts';
import { drawLane, labelText } from '../../ui/timeline/lane.ts';
import { minimapLines } from '../../ui/timeline/minimap.ts';
import { abandonedWork, deadlineOffsetMs, giveUpOffsetMs, problemOf } from '../../ui/timeline/problems.ts';
import {
  formatWindow,
  placeLabel,
  readWindow,
  timeTicks,
  toPercent,
  wholeWindow,
} from '../../ui/timeline/scale.ts';
import { assignServiceColours, SERVICE_COLOURS } from '../../ui/timeline/service-colour.ts';
import { buildRows, visibleRows } from '../../ui/timeline/tree.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import { drawSpans } from './spans.ts';

const template = diagnosis.verdicts[0] as Verdict;
/** The verdict of a give-up at a span. */
function verdictAt(spanId: string, giveUp: Partial<Verdict['giveUp']>, rest: Partial<Verdict> = {}): Verdict {
  return {
    ...template,
    ...rest,
    giveUp: { ...template.giveUp, spanId, ...giveUp },
    origin: { ...template.origin, spanId },
  };
}

const window = { startMs: 0, endMs: 100 };
const context = { window, widthPx: 500, deadlineMs: null, problem: null, wastedFromMs: null };

describe('a lane of the waterfall', () => {
  const laneOf = (drawing: string, changes = {}) =>
    drawLane(buildRows(drawSpans(drawing))[0]!, { ...context, ...changes });

  it('is one bar in the colour of its service without phases', () => {
    expect(laneOf('a x | ===  |').pieces).toEqual([{ left: 10, width: 30, phase: null, open: false }]);
  });

  it('shows phases one after the other, the stuck one open', () => {
    expect(laneOf('a x |====| kind=client phases=dns:10,connect:30!').pieces).toEqual([
      { left: 0, width: 10, phase: 'dns', open: false },
      { left: 10, width: 30, phase: 'connect', open: true },
    ]);
  });

  it('keeps the bar below phases that do not fill it', () => {
    expect(laneOf('a x |====| kind=client phases=wait:20').pieces.map((piece) => piece.phase)).toEqual([
      null,
      'wait',
    ]);
  });

  it('is torn while the span has not ended', () => {
    expect(laneOf('a x |==~|')).toMatchObject({ torn: true, label: { text: '30 ms so far, open' } });
  });

  it('is cut off at the ends of the window', () => {
    expect(laneOf('a x |====|', { window: { startMs: 20, endMs: 30 } }).pieces[0]).toMatchObject({
      left: 0,
      width: 100,
    });
    expect(laneOf('a x |====|', { window: { startMs: 50, endMs: 90 } })).toMatchObject({
      pieces: [],
      label: null,
    });
  });

  it('is an outline where the callee never arrived', () => {
    const rows = buildRows(drawSpans('a x |===X| kind=client server.address=b phases=connect:40!'));
    expect(drawLane(rows[1]!, context)).toMatchObject({ outline: true, pieces: [{ left: 0, width: 40 }] });
  });

  it('says which phase did not finish, and how much work was for nobody', () => {
    const [stuck, late] = drawSpans('a x |===X| phases=dns:2,connect:38!\nb y |  ====|');
    expect(labelText(stuck!, null)).toBe('connect 38 ms, unfinished');
    expect(labelText(late!, 45)).toBe('40 ms, 15 ms wasted');
  });

  it('names the phase that took the time before the one that had just begun', () => {
    const [stuck] = drawSpans('a x |===X| phases=queue:39,connect:1!');
    expect(labelText(stuck!, null)).toBe('queue 39 ms, connect unfinished');
  });
});

describe('a label', () => {
  it('stands right of its bar', () => {
    expect(placeLabel({ start: 10, end: 100 }, 40, 500, [])).toEqual({ x: 106, inside: false });
  });

  it('goes inside when there is no room to the right', () => {
    expect(placeLabel({ start: 10, end: 490 }, 40, 500, [])).toEqual({ x: 444, inside: true });
  });

  it('goes left of a short bar at the end', () => {
    expect(placeLabel({ start: 480, end: 490 }, 40, 500, [])).toEqual({ x: 434, inside: false });
  });

  it('never crosses the deadline', () => {
    for (let deadline = 0; deadline <= 500; deadline += 5) {
      const place = placeLabel({ start: 10, end: 490 }, 120, 500, [deadline]);
      expect(place && deadline >= place.x && deadline <= place.x + 120).toBeFalsy();
    }
    expect(placeLabel({ start: 10, end: 440 }, 50, 500, [440])).toEqual({ x: 446, inside: false });
  });

  it('is left out when it fits nowhere', () => {
    expect(placeLabel({ start: 0, end: 60 }, 80, 100, [])).toBeNull();
  });
});

describe('the time axis', () => {
  it('has round steps inside the window', () => {
    expect(timeTicks({ startMs: 0, endMs: 3262 }, 6)).toEqual([0, 1000, 2000, 3000]);
    expect(timeTicks({ startMs: 0.13, endMs: 0.41 }, 3)).toEqual([0.2, 0.3, 0.4]);
    expect(timeTicks({ startMs: 5, endMs: 5 }, 3)).toEqual([5]);
  });

  it('covers early and late spans and the deadline, with room for labels', () => {
    const spans = [
      { startOffsetMs: -10, durationMs: 5 },
      { startOffsetMs: 0, durationMs: 90 },
    ];
    expect(wholeWindow(spans, 40).startMs).toBe(-10);
    expect(wholeWindow(spans, 40).endMs).toBeCloseTo(102);
    expect(wholeWindow(spans, 190).endMs).toBeCloseTo(214);
    expect(wholeWindow([], 0).endMs).toBeGreaterThan(0);
  });

  it('comes back from the URL as it was written there', () => {
    expect(readWindow(formatWindow({ startMs: -1.5, endMs: 40.25 }))).toEqual({
      startMs: -1.5,
      endMs: 40.25,
    });
    for (const text of [undefined, '', '40-12', '5', 'a-b']) expect(readWindow(text)).toBeNull();
  });

  it('gives no place to what lies outside', () => {
    expect(toPercent(-50, 20, window)).toBeNull();
    expect(toPercent(-50, 70, window)).toEqual({ left: 0, width: 20 });
    expect(toPercent(50, -5, window)).toEqual({ left: 50, width: 0 });
  });
});

describe('a problem', () => {
  const [timedOut, failed, fine, open] = drawSpans(`
    a w |==X| sockeye.timeout.phase=connect
    a x |==X|
    a y |== |
    a z |==~|
  `);

  it('is a timeout by the span itself or by its verdict', () => {
    expect(problemOf(timedOut!, [])).toBe('timeout');
    expect(problemOf(failed!, [verdictAt(failed!.spanId, { kind: 'timeout' })])).toBe('timeout');
  });

  it('is an error when the call was refused, verdict or not', () => {
    expect(problemOf(failed!, [])).toBe('error');
    expect(problemOf(failed!, [verdictAt(failed!.spanId, { kind: 'refused' })])).toBe('error');
  });

  it('is none for a span that ended well, and pending for one that has not', () => {
    expect(problemOf(fine!, [])).toBeNull();
    expect(problemOf(open!, [])).toBe('pending');
  });
});

describe('the deadline and the work after it', () => {
  const spans = drawSpans(`
    a call      |===X      | kind=client
      b serve   | =======  | kind=server
        b query |  ==      |
        b late  |      ==  |
        b queue |      ==  | kind=producer
          c job |       == | kind=consumer
  `);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const verdict = verdictAt(spans[0]!.spanId, { budgetMs: 40, elapsedMs: 41 }, { abandonedMs: 40 });

  it('are at the budget and at the give-up', () => {
    expect(deadlineOffsetMs(verdict, byId)).toBe(40);
    expect(giveUpOffsetMs(verdict, byId)).toBe(41);
    expect(deadlineOffsetMs(verdictAt(spans[0]!.spanId, { budgetMs: null }), byId)).toBeNull();
    expect(deadlineOffsetMs(verdictAt('gone', {}), byId)).toBeNull();
  });

  it('begin at the give-up or at the span, and never behind a queue', () => {
    const wasted = abandonedWork(verdict, spans);
    expect([...wasted]).toEqual([
      [spans[1]!.spanId, 41],
      [spans[3]!.spanId, 60],
    ]);
  });

  it('are none when the verdict found none', () => {
    expect(abandonedWork({ ...verdict, abandonedMs: 0 }, spans).size).toBe(0);
  });
});

describe('service colours', () => {
  it('depend on the names alone', () => {
    expect(assignServiceColours(['b', 'a', 'b'])).toEqual(assignServiceColours(['a', 'b']));
  });

  it('differ as long as there are enough', () => {
    const names = Array.from({ length: SERVICE_COLOURS }, (_, index) => `service-${index}`);
    expect(new Set(assignServiceColours(names).values()).size).toBe(SERVICE_COLOURS);
    expect(assignServiceColours([...names, 'one-more']).size).toBe(SERVICE_COLOURS + 1);
  });
});

describe('find', () => {
  const spans = drawSpans('shop pay |=| http.request.method=POST\nbank book |=| server.address=10.0.0.1');

  it('looks at names and attributes, in any case, for all words', () => {
    expect(findSpans(spans, 'PAY post')).toEqual(new Set([spans[0]!.spanId]));
    expect(findSpans(spans, 'server.address=10')).toEqual(new Set([spans[1]!.spanId]));
    expect(findSpans(spans, 'pay 10.0.0.1')).toEqual(new Set());
  });

  it('of nothing finds nothing', () => {
    expect(findSpans(spans, '  ').size).toBe(0);
  });
});

describe('the mini-map', () => {
  it('draws rows that share a line of pixels once, and shows the worst of them', () => {
    const rows = buildRows(drawSpans(Array.from({ length: 100 }, (_, i) => `a s${i} |==|`).join('\n')));
    const problems = new Map([[rows[50]!.id, 'timeout' as const]]);
    const lines = minimapLines(rows, visibleRows(rows, new Set()), problems, 20);
    expect(lines).toHaveLength(20);
    expect(lines.filter((line) => line.problem === 'timeout')).toHaveLength(1);
  });
});

describe('the flame', () => {
  it('puts callees below callers and pushes overlapping siblings down', () => {
    const rows = buildRows(
      drawSpans(`
        a x   |==========|
          b y | ====     |
          c z |   ====   |
      `),
    );
    const { boxes, total } = flameBoxes(rows, window, 10);
    expect(boxes.map((box) => [box.row.span.service, box.line])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(total).toBe(3);
  });

  it('keeps the longest when there are too many, and says of how many', () => {
    const rows = buildRows(drawSpans('a x |==|\nb y |  ====|\nc z |      =|'));
    const { boxes, total } = flameBoxes(rows, window, 1);
    expect(boxes.map((box) => box.row.span.service)).toEqual(['b']);
    expect(total).toBe(3);
  });
});
