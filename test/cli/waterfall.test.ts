/** A trace as rows and as a waterfall of text. */
import { describe, expect, test } from 'vitest';
import { formatOpenCalls, withKnownEnds } from '../../collector/cli/open-calls.ts';
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
  test('what has not ended is as good as failed', () => {
    const many = Array.from({ length: 50 }, (_, index) => span(`x${index}`, 'root', index, index + 1));
    const open = span('open', 'x1', 1, 0, { pending: true });
    expect(rows([span('root', '', 0, 100), ...many, open], [], 4)).toEqual([
      'root',
      '├─ x1',
      '│  └─ open',
      '├─ x49',
      '└─ +48',
    ]);
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
      '> 3.000 s · 4 spans of 2 services · 14:00:00 · not complete: spans are',
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

describe('a call that hangs', () => {
  const terminal = { columns: 72, paint: plain };
  const open = { service: 'shop', kind: 'client', pending: true };
  const call = (spanId: string, parentSpanId: string, startOffsetMs: number, waitMs: number, more = {}) =>
    span(spanId, parentSpanId, startOffsetMs, 0, {
      ...open,
      operation: `GET /${spanId}`,
      phases: [
        { phase: 'connect', startOffsetMs: 0, durationMs: 1000, open: false },
        { phase: 'wait', startOffsetMs: 1000, durationMs: waitMs, open: true },
      ],
      ...more,
    });
  const where = { 'server.address': 'stock', 'server.port': 8080 };
  const trace: Trace = {
    traceId: 'f'.repeat(32),
    complete: false,
    startUnixNano: String(BigInt(new Date(2026, 0, 31, 14, 0, 0).getTime()) * 1_000_000n),
    // To where the last span began: those that are open count nothing.
    durationMs: 2000,
    spans: [
      call('buy', '', 0, 9000),
      span('server', 'buy', 500, 0, {
        service: 'shop',
        kind: 'server',
        operation: 'GET /buy',
        pending: true,
      }),
      call('stock', 'server', 1000, 7000, { attributes: where }),
      span('quick', 'server', 2000, 0),
    ],
  };
  const draw = (shown: Trace, rowsMost = 60) =>
    formatWaterfall(shown, [], {
      terminal,
      rowsMost,
      nowMs: new Date(2026, 0, 31, 15, 0, 0).getTime(),
    });
  const say = (spans: WireSpan[]) => formatOpenCalls(withKnownEnds({ ...trace, spans }), terminal);

  test('lasts as long as is known, and is drawn with its phases where others wait for it', () => {
    expect(draw(trace).map((line) => line.trimEnd())).toEqual([
      'shop GET /buy',
      '> 10.000 s · 4 spans of 1 service · 14:00:00 · not complete: spans are',
      'missing or still to come',
      `trace ${'f'.repeat(32)}`,
      '',
      '                           0                         10.000 s',
      '… shop → GET /buy          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━ > 10.000 s',
      '… └─ GET /buy                ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  > 9.500 s',
      '…    ├─ → GET /stock          ━━━━━━━━━━━━━━━━━━━━━━━━━━━━     > 8.000 s',
      '          connect             ────                               1.000 s',
      '          wait, unfinished        ░░░░░░░░░░░░░░░░░░░░░░░░       7.000 s',
      '     └─ op-quick                  ━                                 0 ms',
    ]);
  });
  test('is said: in which phase, for how long, and whether its process ended', () => {
    expect(say(trace.spans)).toEqual([
      '2 calls have not ended:',
      '… shop → GET /stock (stock:8080): in wait for 7.000 s when last heard of',
      '',
    ]);
    const ended = { attributes: { ...where, 'sockeye.pending.process_ended': true } };
    expect(say([call('stock', '', 0, 7000, ended)])).toEqual([
      '1 call has not ended:',
      '… shop → GET /stock (stock:8080): in wait for 7.000 s when its process',
      '  ended',
      '',
    ]);
    expect(say([span('job', '', 0, 0, { pending: true })])).toEqual([
      '1 span has not ended:',
      '… shop op-job: open for 2.000 s when last heard of',
      '',
    ]);
    expect(say([span('a', '', 0, 10)])).toEqual([]);
  });
  test('stays in sight among many, and of many the longest are said', () => {
    const quick = Array.from({ length: 200 }, (_, index) => span(`x${index}`, 'server', 10, 5000));
    expect(draw({ ...trace, spans: [...trace.spans, ...quick] }, 10).join('\n')).toContain(
      'wait, unfinished',
    );
    const many = Array.from({ length: 9 }, (_, index) => call(`c${index}`, '', 0, 1000 * (index + 1)));
    const said = say(many);
    expect(said[0]).toBe('9 calls have not ended:');
    expect(said[1]).toContain('GET /c8');
    expect(said.at(-2)).toBe('… and 4 more');
    expect(draw({ ...trace, spans: many }).filter((line) => line.includes('unfinished')).length).toBe(5);
  });
  test('for hours has no room for milliseconds; those that call each other in a circle are told of', () => {
    const [line] = draw({ ...trace, spans: [call('c', '', 0, 36_000_000)] }).slice(6);
    expect(line).toMatch(/ > 36001 s$/);
    expect(line!.length).toBe(72);
    expect(say([call('a', 'b', 0, 1), call('b', 'a', 0, 1)])[0]).toBe('2 calls have not ended:');
  });
});
