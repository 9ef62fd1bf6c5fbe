/** A trace as rows and as a waterfall of text. */
import { describe, expect, test } from 'vitest';
import { plain, widthOf } from '../../collector/cli/terminal.ts';
import { rowsOfTrace } from '../../collector/cli/trace-rows.ts';
import { formatWaterfall } from '../../collector/cli/waterfall.ts';
import type { Trace, Verdict, WireSpan } from '../../collector/serve/wire.ts';

function span(
  spanId: string,
  parentSpanId: string,
  startOffsetMs: number,
  durationMs: number,
  more: Partial<WireSpan> = {},
): WireSpan {
  return {
    spanId,
    parentSpanId,
    startOffsetMs,
    durationMs,
    service: 'shop',
    operation: `op-${spanId}`,
    kind: 'internal',
    skewMs: 0,
    pending: false,
    status: { code: 'unset', message: '' },
    phases: [],
    attributes: {},
    resource: {},
    scope: {},
    events: [],
    links: [],
    traceState: '',
    flags: 0,
    dropped: {},
    ...more,
  };
}
const rows = (spans: WireSpan[], matters: string[] = [], most = Infinity) =>
  rowsOfTrace(spans, new Set(matters), most).map(
    ({ span: shown, guide, hidden }) => `${guide}${shown === null ? `+${hidden}` : shown.spanId}`,
  );

describe('rows', () => {
  test('stand below their callers, earlier ones first', () => {
    const spans = [span('c', 'a', 5, 1), span('d', 'b', 2, 1), span('a', '', 0, 9), span('b', 'a', 1, 3)];
    expect(rows(spans)).toEqual(['a', '├─ b', '│  └─ d', '└─ c']);
  });
  test('a span whose caller is missing is a root, and so is one of a circle', () => {
    expect(rows([span('a', 'gone', 0, 1), span('b', 'a', 0, 1)])).toEqual(['a', '└─ b']);
    expect(rows([span('a', 'b', 0, 1), span('b', 'a', 1, 1)])).toEqual(['a', '└─ b']);
    expect(rows([span('a', 'a', 0, 1)])).toEqual(['a']);
    expect(rows([])).toEqual([]);
  });
  test('spans that share an id are all there', () => {
    expect(
      rows([span('a', '', 0, 9), span('b', 'a', 1, 1), span('b', 'a', 2, 1), span('c', 'b', 3, 1)]),
    ).toEqual(['a', '├─ b', '│  └─ c', '└─ b']);
  });
  test('of many, what matters stays with its callers, then what failed, then what was long', () => {
    const many = Array.from({ length: 50 }, (_, index) => span(`x${index}`, 'root', index, index + 1));
    const failed = span('failed', 'x1', 1, 0.1, { status: { code: 'error', message: '' } });
    const wanted = span('wanted', 'x2', 2, 0.1);
    const all = [span('root', '', 0, 100), ...many, failed, wanted];
    expect(rows(all, ['wanted'], 6)).toEqual([
      'root',
      '├─ x1',
      '│  └─ failed',
      '├─ x2',
      '│  └─ wanted',
      '├─ x49',
      '└─ +47',
    ]);
    expect(rows(all, ['wanted'], 53).length).toBe(53);
  });
  test('where the timeout started is drawn however deep it is', () => {
    const deep = Array.from({ length: 200 }, (_, index) =>
      span(`s${index}`, index === 0 ? '' : `s${index - 1}`, index, 1),
    );
    expect(rows([...deep, span('other', 's0', 1, 99)], ['s199'], 60).at(-2)).toMatch(/ └─ s199$/);
  });
  test('a chain of twenty thousand calls is no problem', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) =>
      span(`s${index}`, index === 0 ? '' : `s${index - 1}`, index, 1),
    );
    expect(rows(chain, [], 3)).toEqual(['s0', '└─ s1', '   └─ s2', '      └─ +19997']);
    expect(rows(chain).length).toBe(20_000);
  });
});

describe('the waterfall', () => {
  const terminal = { columns: 80, paint: plain };
  const error = { status: { code: 'error', message: '' } };
  const trace: Trace = {
    traceId: 'f'.repeat(32),
    complete: false,
    startUnixNano: String(BigInt(new Date(2026, 0, 31, 14, 0, 0).getTime()) * 1_000_000n),
    durationMs: 3000,
    spans: [
      span('a', '', 0, 3000, { service: 'gateway', operation: 'POST /buy', kind: 'server', ...error }),
      span('b', 'a', 0, 1, { service: 'gateway', operation: 'GET', kind: 'client' }),
      span('c', 'a', 1500, 1500, {
        service: 'gateway',
        operation: 'POST',
        kind: 'client',
        ...error,
        phases: [
          { phase: 'dns', startOffsetMs: 0, durationMs: 750, open: false },
          { phase: 'connect', startOffsetMs: 750, durationMs: 750, open: true },
        ],
      }),
      span('d', 'c', 2900, 50, { service: 'payments', operation: 'POST', kind: 'server', pending: true }),
    ],
  };
  const verdict = {
    giveUp: { kind: 'timeout', spanId: 'c' },
    origin: { spanId: 'c', peer: 'payments:8443' },
    phase: 'connect',
    path: ['a', 'c'],
    openAtGiveUp: ['c'],
  } as unknown as Verdict;
  const draw = (columns: number, shown = trace) =>
    formatWaterfall(shown, [verdict], {
      terminal: { ...terminal, columns },
      rowsMost: 60,
      nowMs: new Date(2026, 0, 31, 15, 0, 0).getTime(),
    });

  test('marks the span where the timeout started, with its phases', () => {
    expect(draw(72).map((line) => line.trimEnd())).toEqual([
      'gateway POST /buy',
      '3.000 s · 4 spans of 2 services · 14:00:00 · not complete: spans are',
      'missing or still to come',
      `trace ${'f'.repeat(32)}`,
      '',
      '                           0                          3.000 s',
      '✕ gateway POST /buy        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━    3.000 s',
      '  ├─ → GET                 ━                                        1 ms',
      '▶ └─ → POST                                 █████████████████    1.500 s',
      '       dns                                  ─────────            0.750 s',
      '       connect, unfinished                           ░░░░░░░░    0.750 s',
      '       └ the timeout started here, in connect (payments:8443)',
      '…    └─ payments POST                                       ━    > 50 ms',
    ]);
  });
  test('no line is wider than the terminal, nor cut shorter than it must be', () => {
    const long = trace.spans.map((one) => ({
      ...one,
      service: 's'.repeat(60),
      operation: '操作'.repeat(30),
    }));
    for (const columns of [40, 80, 120]) {
      const lines = draw(columns, { ...trace, spans: long });
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
    }
  });
  test('spans that were sent again are left out, and those before the first one have their place', () => {
    const again = draw(80, { ...trace, spans: [...trace.spans, ...trace.spans] });
    expect(again.slice(-8)).toEqual(draw(80).slice(-8));
    expect(again.join(' ')).toContain('4 spans of 2 services · 14:00:00 · 4 spans sent again left out');
    const early = draw(80, {
      ...trace,
      durationMs: 2000,
      spans: [span('a', '', 0, 1000), span('b', 'a', -1000, 1000)],
    });
    const [first, second] = early.slice(-2) as [string, string];
    expect(first.indexOf('━')).toBe(second.lastIndexOf('━') + 1);
    expect(second).toMatch(/op-b *━+ +1\.000 s$/);
  });
  test('a deep trace keeps the names in sight', () => {
    const chain = Array.from({ length: 40 }, (_, index) =>
      span(`s${index}`, index === 0 ? '' : `s${index - 1}`, 0, 1),
    );
    const lines = draw(80, { ...trace, durationMs: 0, spans: chain });
    expect(lines.at(-1)).toContain('op-s39');
  });
});
