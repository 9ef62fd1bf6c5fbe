import { describe, expect, it } from 'vitest';
import {
  ancestorsOf,
  buildRows,
  calleeOf,
  criticalPath,
  hasChildren,
  keepMatching,
  nextRowWithin,
  selfTimeMs,
  visibleRows,
  type Row,
} from '../../ui/timeline/tree.ts';
import { drawSpans } from './spans.ts';

/** The tree as it would be read: indentation is depth. */
function print(rows: readonly Row[]): string[] {
  return rows.map((row) => {
    const name =
      row.kind === 'span'
        ? `${row.span.service} ${row.span.operation}`.trim()
        : row.kind === 'no-callee'
          ? `(${row.callee} ${row.arrived})`
          : '(parent missing)';
    return '  '.repeat(row.depth) + name;
  });
}

const shop = drawSpans(`
  gateway buy        |==========|
    checkout buy     | ======== |
      catalog items  | ==       |
      stock reserve  |     ==   |
`);

describe('rows of a trace', () => {
  it('of no spans are none', () => {
    expect(buildRows([])).toEqual([]);
  });

  it('follow the calls, earlier calls first', () => {
    expect(print(buildRows(shop.toReversed()))).toEqual([
      'gateway buy',
      '  checkout buy',
      '    catalog items',
      '    stock reserve',
    ]);
  });

  it('know where their subtree ends', () => {
    const rows = buildRows(shop);
    expect(rows.map((row) => row.end)).toEqual([4, 4, 3, 4]);
    expect(hasChildren(rows, 1)).toBe(true);
    expect(hasChildren(rows, 2)).toBe(false);
    expect(ancestorsOf(rows, 3)).toEqual([shop[1]?.spanId, shop[0]?.spanId]);
  });

  it('hang spans of a missing parent below a row that says so', () => {
    const rows = buildRows(
      drawSpans(`
        gateway buy  |====|
        stock a      | == | parent=feed
        stock b      |  = | parent=feed
      `),
    );
    expect(print(rows)).toEqual(['gateway buy', '(parent missing)', '  stock a', '  stock b']);
  });

  it('count a span that was sent twice once', () => {
    expect(buildRows([...shop, ...shop])).toHaveLength(4);
  });

  it('cut a cycle of parents at its earliest span', () => {
    const rows = buildRows(
      drawSpans(`
        a x |==  | id=aa parent=bb
        b y | == | id=bb parent=aa
      `),
    );
    expect(print(rows)).toEqual(['a x', '  b y']);
  });

  it('keep a span that is its own parent', () => {
    expect(print(buildRows(drawSpans(`a x |==| id=aa parent=aa`)))).toEqual(['a x']);
  });

  it('show several roots one after the other', () => {
    expect(print(buildRows(drawSpans(`a x |==  |\nb y |  ==|`)))).toEqual(['a x', 'b y']);
  });

  it('survive a chain of 20,000 calls', () => {
    const template = shop[0]!;
    const chain = Array.from({ length: 20_000 }, (_, index) => ({
      ...template,
      spanId: String(index),
      parentSpanId: index === 0 ? '' : String(index - 1),
    }));
    expect(buildRows(chain).at(-1)).toMatchObject({ depth: 19_999, end: 20_000 });
  });
});

describe('a call without its callee', () => {
  const call = (rest: string) =>
    buildRows(drawSpans(`shop pay |===X| kind=client server.address=pay ${rest}`));

  it('never arrived when its connection was not made', () => {
    expect(print(call('server.port=8443 phases=dns:2,connect:38!'))).toEqual([
      'shop pay',
      '  (pay:8443 never)',
    ]);
  });

  it('may have arrived when the request was sent', () => {
    expect(print(call('phases=connect:2,send:1,wait:37!'))).toEqual(['shop pay', '  (pay unknown)']);
  });

  it('is no gap when the callee answered', () => {
    const rows = buildRows(
      drawSpans(`
        shop pay   |===X| kind=client server.address=pay phases=wait:40!
          pay /pay | == | kind=server
      `),
    );
    expect(print(rows)).toEqual(['shop pay', '  pay /pay']);
  });

  it('is no gap when the call ended well', () => {
    expect(buildRows(drawSpans('shop pay |===| kind=client server.address=pay phases=wait:30'))).toHaveLength(
      1,
    );
  });

  it('is named by its peer service, its host and port, or its address', () => {
    const name = (attributes: string) => calleeOf(drawSpans(`a x |=| ${attributes}`)[0]!);
    expect(name('peer.service=bank server.address=10.0.0.1')).toBe('bank');
    expect(name('network.peer.address=10.0.0.1 network.peer.port=53')).toBe('10.0.0.1:53');
    expect(name('')).toBeNull();
  });
});

describe('collapsed rows', () => {
  const rows = buildRows(shop);

  it('hide their subtree and stay themselves', () => {
    expect([...visibleRows(rows, new Set([shop[1]!.spanId]))]).toEqual([0, 1]);
  });

  it('hide nothing when they have no children', () => {
    expect([...visibleRows(rows, new Set([shop[2]!.spanId]))]).toEqual([0, 1, 2, 3]);
  });
});

describe('a filter', () => {
  const rows = buildRows(
    drawSpans(`
      a x      |==========|
        b y    | ====     |
          c z  |  ==      |
        a call |      ===X| kind=client server.address=d phases=connect:40!
    `),
  );
  const shown = (service: string, collapsed: string[] = []) =>
    [
      ...visibleRows(
        rows,
        new Set(collapsed),
        keepMatching(rows, (span) => span.service === service),
      ),
    ].map((index) => print(rows)[index]?.trim());

  it('keeps what matches and the rows above it', () => {
    expect(shown('c')).toEqual(['a x', 'b y', 'c z']);
    expect(shown('b')).toEqual(['a x', 'b y']);
  });

  it('keeps what is missing from a call that matches', () => {
    expect(shown('a')).toEqual(['a x', 'a call', '(d never)']);
  });

  it('leaves folded what is folded, and may leave nothing', () => {
    expect(shown('c', [rows[1]!.id])).toEqual(['a x', 'b y']);
    expect(shown('nobody')).toEqual([]);
  });
});

describe('self time', () => {
  it('is what no child covers, and overlapping children count once', () => {
    const rows = buildRows(
      drawSpans(`
        a x    |==========|
          b y  | ====     |
          c z  |   ====   |
      `),
    );
    expect(selfTimeMs(rows, 0)).toBe(40);
    expect(selfTimeMs(rows, 1)).toBe(40);
  });

  it('does not count what a child does after its parent ended', () => {
    const rows = buildRows(drawSpans(`a x   |====    |\n  b y |  ======|`));
    expect(selfTimeMs(rows, 0)).toBe(20);
  });
});

describe('the critical path', () => {
  it('goes into the child that ended last', () => {
    expect(criticalPath(buildRows(shop))).toEqual([shop[0], shop[1], shop[3]].map((span) => span?.spanId));
  });
});

describe('the next row of a kind', () => {
  const rows = buildRows(shop);
  const within = new Set([shop[1]!.spanId, shop[3]!.spanId]);

  it('is found forwards, backwards and around the end', () => {
    expect(nextRowWithin(rows, 1, 1, within)).toBe(shop[3]!.spanId);
    expect(nextRowWithin(rows, 3, 1, within)).toBe(shop[1]!.spanId);
    expect(nextRowWithin(rows, 1, -1, within)).toBe(shop[3]!.spanId);
  });

  it('is none when there is none', () => {
    expect(nextRowWithin(rows, 0, 1, new Set())).toBeNull();
    expect(nextRowWithin([], 0, 1, within)).toBeNull();
  });
});
