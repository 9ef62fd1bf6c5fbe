import { describe, expect, it } from 'vitest';
import type { WireSpan } from '../../collector/serve/wire.ts';
import { operationAt, serviceAt } from '../../ui/timeline/columns.ts';
import { criticalPath, selfTimeMs } from '../../ui/timeline/critical-path.ts';
import { parentIdOf, placeFlawsOf } from '../../ui/timeline/place-in-trace.ts';
import {
  ancestorsOf,
  findRow,
  hasChildren,
  keepMatching,
  nextRow,
  rowAt,
  rowIdAt,
  visibleRows,
} from '../../ui/timeline/rows.ts';
import type { TraceModel } from '../../ui/timeline/trace-model.ts';
import { modelOf } from './columns-of.ts';
import { drawSpans } from './spans.ts';

const draw = (drawing: string) => modelOf(drawSpans(drawing));

/** The tree as it would be read: indentation is depth. */
function print({ columns, rows }: TraceModel): string[] {
  return Array.from({ length: rows.count }, (_, index) => {
    const row = rowAt(columns, rows, index);
    const name =
      row.kind === 'span'
        ? `${row.span.service} ${row.span.operation}`.trim()
        : row.kind === 'no-callee'
          ? `(${row.callee} ${row.arrived})`
          : '(parent missing)';
    return '  '.repeat(row.depth) + name;
  });
}

const shopSpans = drawSpans(`
  gateway buy        |==========|
    checkout buy     | ======== |
      catalog items  | ==       |
      stock reserve  |     ==   |
`);
const shop = modelOf(shopSpans);

describe('rows of a trace', () => {
  it('of no spans are none', () => {
    expect(print(modelOf([]))).toEqual([]);
  });

  it('follow the calls, earlier calls first', () => {
    expect(print(modelOf(shopSpans.toReversed()))).toEqual([
      'gateway buy',
      '  checkout buy',
      '    catalog items',
      '    stock reserve',
    ]);
  });

  it('know where their subtree ends', () => {
    const { rows } = shop;
    expect([...rows.end]).toEqual([4, 4, 3, 4]);
    expect(hasChildren(rows, 1)).toBe(true);
    expect(hasChildren(rows, 2)).toBe(false);
    expect(ancestorsOf(rows, 3)).toEqual([1, 0]);
  });

  it('hang spans of a missing parent below a row that says so', () => {
    const model = draw(`
      gateway buy  |====|
      stock a      | == | parent=00000000000feed0
      stock b      |  = | parent=00000000000feed0
      stock c      |  = | parent=00000000000beef0
    `);
    expect(print(model)).toEqual([
      'gateway buy',
      '(parent missing)',
      '  stock a',
      '  stock b',
      '(parent missing)',
      '  stock c',
    ]);
    expect([...model.rows.end]).toEqual([1, 4, 3, 4, 6, 6]);
    expect(parentIdOf(model.columns, 1)).toBe('00000000000feed0');
    expect(placeFlawsOf(model.columns, 1)).toEqual(['its parent has not arrived']);
    expect(findRow(model.columns, model.rows, '00000000000beef0')).toBe(4);
  });

  it('count a span that was sent twice once, and say so', () => {
    const { rows, columns } = modelOf([...shopSpans, ...shopSpans]);
    expect([rows.count, columns.head.duplicates]).toEqual([4, 4]);
  });

  it('cut a cycle of parents', () => {
    const model = draw(`
      a x |==  | id=00000000000000aa parent=00000000000000bb
      b y | == | id=00000000000000bb parent=00000000000000aa
    `);
    expect(print(model)).toEqual(['a x', '  b y']);
    expect(placeFlawsOf(model.columns, 0)).toEqual(['its parent is its own descendant']);
    expect(parentIdOf(model.columns, 0)).toBe('');
  });

  it('keep a span that is its own parent', () => {
    expect(print(draw('a x |==| id=00000000000000aa parent=00000000000000aa'))).toEqual(['a x']);
  });

  it('show several roots one after the other', () => {
    expect(print(draw('a x |==  |\nb y |  ==|'))).toEqual(['a x', 'b y']);
  });

  it('survive a chain of 20,000 calls', () => {
    const template = shopSpans[0]!;
    const id = (index: number) => (index + 1).toString(16).padStart(16, '0');
    const chain: WireSpan[] = Array.from({ length: 20_000 }, (_, index) => ({
      ...template,
      spanId: id(index),
      parentSpanId: index === 0 ? '' : id(index - 1),
    }));
    const { rows } = modelOf(chain);
    expect([rows.depth[19_999], rows.end[0], rows.end[19_999]]).toEqual([19_999, 20_000, 20_000]);
  });

  it('are found again by their ids', () => {
    const { columns, rows } = draw('shop pay |===X| kind=client server.address=pay phases=dns:2,connect:38!');
    const ids = Array.from({ length: rows.count }, (_, row) => rowIdAt(columns, rows, row));
    expect(ids.map((id) => findRow(columns, rows, id))).toEqual([0, 1]);
    for (const id of ['', 'x', `${ids[0]}:other`, 'dead'.padStart(16, '0')])
      expect(findRow(columns, rows, id)).toBe(-1);
  });
});

describe('a call without its callee', () => {
  const call = (rest: string) => print(draw(`shop pay |===X| kind=client server.address=pay ${rest}`));

  it('never arrived when its connection was not made', () => {
    expect(call('server.port=8443 phases=dns:2,connect:38!')).toEqual(['shop pay', '  (pay:8443 never)']);
  });

  it('may have arrived when the request was sent', () => {
    expect(call('phases=connect:2,send:1,wait:37!')).toEqual(['shop pay', '  (pay unknown)']);
  });

  it('is no gap when the callee answered', () => {
    const model = draw(`
      shop pay   |===X| kind=client server.address=pay phases=wait:40!
        pay /pay | == | kind=server
    `);
    expect(print(model)).toEqual(['shop pay', '  pay /pay']);
  });

  it('is no gap when the call ended well', () => {
    expect(print(draw('shop pay |===| kind=client server.address=pay phases=wait:30'))).toHaveLength(1);
  });

  it('is named by its peer service first', () => {
    expect(call('peer.service=bank phases=connect:40!')).toEqual(['shop pay', '  (bank never)']);
  });
});

describe('collapsed rows', () => {
  const { rows } = shop;

  it('hide their subtree and stay themselves', () => {
    expect([...visibleRows(rows, new Set([1]))]).toEqual([0, 1]);
  });

  it('hide nothing when they have no children', () => {
    expect([...visibleRows(rows, new Set([2]))]).toEqual([0, 1, 2, 3]);
  });
});

describe('a filter', () => {
  const model = draw(`
    a x      |==========|
      b y    | ====     |
        c z  |  ==      |
      a call |      ===X| kind=client server.address=d phases=connect:40!
  `);
  const shown = (service: string, collapsed: number[] = []) => {
    const kept = keepMatching(model.rows, (span) => serviceAt(model.columns, span) === service);
    return [...visibleRows(model.rows, new Set(collapsed), kept)].map((row) => print(model)[row]?.trim());
  };

  it('keeps what matches and the rows above it', () => {
    expect(shown('c')).toEqual(['a x', 'b y', 'c z']);
    expect(shown('b')).toEqual(['a x', 'b y']);
  });

  it('keeps what is missing from a call that matches', () => {
    expect(shown('a')).toEqual(['a x', 'a call', '(d never)']);
  });

  it('leaves folded what is folded, and may leave nothing', () => {
    expect(shown('c', [1])).toEqual(['a x', 'b y']);
    expect(shown('nobody')).toEqual([]);
  });
});

describe('self time', () => {
  const self = ({ columns, rows }: TraceModel, span: number) => selfTimeMs(columns, rows, span);

  it('is what no child covers, and overlapping children count once', () => {
    const model = draw(`
      a x    |==========|
        b y  | ====     |
        c z  |   ====   |
    `);
    expect([self(model, 0), self(model, 1)]).toEqual([40, 40]);
  });

  it('does not count what a child does after its parent ended', () => {
    expect(self(draw('a x   |====    |\n  b y |  ======|'), 0)).toBe(20);
  });
});

describe('the critical path', () => {
  it('goes into the child that ended last', () => {
    expect(criticalPath(shop.columns, shop.rows)).toEqual([0, 1, 3]);
  });
});

describe('the next row of a kind', () => {
  const { rows, columns } = shop;
  const next = (from: number, step: 1 | -1, names: string[]) =>
    nextRow(rows, from, step, (span) => names.includes(operationAt(columns, span)));

  it('is found forwards, backwards and around the end', () => {
    expect(next(0, 1, ['items', 'reserve'])).toBe(2);
    expect(next(2, 1, ['items', 'reserve'])).toBe(3);
    expect(next(3, 1, ['items', 'reserve'])).toBe(2);
    expect(next(2, -1, ['items', 'reserve'])).toBe(3);
  });

  it('is none when there is none', () => {
    expect(next(0, 1, [])).toBe(-1);
  });
});
