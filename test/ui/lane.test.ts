/** A lane of the waterfall: its bar, its phases, its label. */
import { describe, expect, it } from 'vitest';
import { spanAt } from '../../ui/timeline/columns.ts';
import { drawLane, labelText } from '../../ui/timeline/lane.ts';
import { rowAt } from '../../ui/timeline/rows.ts';
import { placeLabel } from '../../ui/timeline/scale.ts';
import { modelOf } from './columns-of.ts';
import { drawSpans } from './spans.ts';

const window = { startMs: 0, endMs: 100 };
const context = {
  window,
  widthPx: 500,
  deadlineMs: null,
  traceEndMs: 100,
  problem: null,
  wastedFromMs: null,
  budgetMs: null,
};
const model = (drawing: string) => modelOf(drawSpans(drawing));
const rowOf = ({ columns, rows }: ReturnType<typeof modelOf>, row: number) => rowAt(columns, rows, row);

describe('a lane of the waterfall', () => {
  const laneOf = (drawing: string, changes = {}) =>
    drawLane(rowOf(model(drawing), 0), { ...context, ...changes });

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
    expect(laneOf('a x |==~|')).toMatchObject({ torn: true, label: { text: 'not ended' } });
  });

  it('goes to the end of the trace when nothing says how long it lasted', () => {
    const [span] = drawSpans('a x | ~ |');
    const row = rowOf(modelOf([{ ...span!, durationMs: 0 }]), 0);
    expect(drawLane(row, context).pieces).toMatchObject([{ left: 10, width: 90 }]);
  });

  it('shows how long the caller was willing to wait', () => {
    expect(laneOf('a x |====|', { budgetMs: 30 }).budget).toEqual({ left: 0, width: 30 });
    expect(laneOf('a x |====|').budget).toBeNull();
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
    const call = model('a x |===X| kind=client server.address=b phases=connect:40!');
    expect(drawLane(rowOf(call, 1), context)).toMatchObject({
      outline: true,
      pieces: [{ left: 0, width: 40 }],
    });
  });

  it('says which phase did not finish, and how much work was for nobody', () => {
    const { columns } = model('a x |===X| kind=client phases=dns:2,connect:38!\nb y |  ====|');
    expect(labelText(spanAt(columns, 0), null)).toBe('connect 38 ms, unfinished');
    expect(labelText(spanAt(columns, 1), 45)).toBe('40 ms, 15 ms wasted');
  });

  it('names the phase that took the time before the one that had just begun', () => {
    const { columns } = model('a x |===X| kind=client phases=queue:39,connect:1!');
    expect(labelText(spanAt(columns, 0), null)).toBe('queue 39 ms, connect unfinished');
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
