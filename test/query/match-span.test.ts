import { describe, expect, test } from 'vitest';
import { compileMatcher, type SpanSurroundings } from '../../collector/query/match-span.ts';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { AttributeValue, Span } from '../../collector/span.ts';
import { makeSpan } from '../diagnose/make-span.ts';

const NOWHERE: SpanSurroundings = {
  trace: { services: new Set(['checkout', 'payments']), durationMs: 1500, spans: 4 },
  callee: () => null,
  verdicts: () => [],
};

function matches(query: string, span: Span, surroundings: Partial<SpanSurroundings> = {}): boolean {
  return compileMatcher(parseQuery(query)!)(span, { ...NOWHERE, ...surroundings });
}
const withAttributes = (attributes: Record<string, AttributeValue>) => makeSpan({ attributes });
const mapOf = (entries: Record<string, AttributeValue>) => new Map(Object.entries(entries));

describe('an attribute is compared', () => {
  test.each([
    ['k:x', 'x', true],
    ['k:X', 'x', false],
    ['k:5', 5, true],
    ['k:5', '5', true],
    ['k:9007199254740993', 9007199254740993n, true],
    ['k:true', true, true],
    ['k:b', ['a', 'b'], true],
    ['k:c', ['a', 'b'], false],
    ['k>4', 5, true],
    ['k>5', 5, false],
    ['k>=5', 5, true],
    ['k<5', 4.5, true],
    ['k>4', '5', false],
    ['k>4', [1, 9], true],
    ['k~^a+$', 'aaa', true],
    ['k~b', 'abc', true],
    ['k~^b', 'abc', false],
    ['k~^5', 55, true],
    ['k:*', null, true],
    ['k!=x', 'y', true],
    ['k!=x', 'x', false],
    ['k:x', new Uint8Array([1]), false],
  ])('%s of %s: %s', (query, value, expected) => {
    expect(matches(query, withAttributes({ k: value }))).toBe(expected);
  });

  test('when it is missing, only its absence matches', () => {
    const span = withAttributes({});
    expect(['k:x', 'k>0', 'k~.', 'k:*'].map((query) => matches(query, span))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(['k!=x', '-k:x', '-k:*'].map((query) => matches(query, span))).toEqual([true, true, true]);
  });

  test.each(['resource', 'scope', 'event', 'link'])('wherever it stands: on the %s', (place) => {
    const attributes = mapOf({ k: 'x' });
    const plain = makeSpan();
    const nothing = { droppedAttributes: 0 };
    const span: Span = {
      ...plain,
      ...(place === 'resource' && { resource: { ...plain.resource, attributes } }),
      ...(place === 'scope' && { scope: { ...plain.scope, attributes } }),
      ...(place === 'event' && { events: [{ timeUnixNano: 0n, name: '', attributes, ...nothing }] }),
      ...(place === 'link' && {
        links: [{ traceId: '', spanId: '', traceState: '', flags: 0, attributes, ...nothing }],
      }),
    };
    expect(matches('k:x', span)).toBe(true);
    expect(matches('k:x', plain)).toBe(false);
  });

  test('a pattern takes time linear in the text, whatever the pattern', () => {
    const span = withAttributes({ k: `${'a'.repeat(5000)}!` });
    expect(matches('k~^(a+)+$', span)).toBe(false);
    expect(matches('k~^(a|aa)*$', span)).toBe(false);
  });
});

describe('a reserved name speaks of the span', () => {
  const timedOut = makeSpan({
    name: 'GET /x',
    status: { code: 'error', message: 'timed out' },
    attributes: {
      'error.type': 'ETIMEDOUT',
      'sockeye.timeout.phase': 'connect',
      'sockeye.timeout.timer': 'kernel',
    },
  });

  test.each([
    ['service:checkout', true],
    ['service~^check', true],
    ['operation:"GET /x"', true],
    ['kind:client', true],
    ['status:error', true],
    ['status!=error', false],
    ['timeout:true', true],
    ['timeout:false', false],
    ['phase:connect', true],
    ['phase:dns', false],
    ['duration:1s', true],
    ['duration>1s', false],
    ['duration>=1s', true],
    ['"service":checkout', false],
  ])('%j: %j', (query, expected) => {
    expect(matches(query, timedOut)).toBe(expected);
  });

  test('cause, phase and edge come from the verdicts and the callee', () => {
    const verdict = { edge: 'checkout', phase: 'dns', cause: 'D1', category: 'dns', isOrigin: true };
    const surroundings = { verdicts: () => [verdict], callee: () => 'payments' };
    expect(matches('cause:d1 cause:dns phase:dns', timedOut, surroundings)).toBe(true);
    expect(matches('cause:D2', timedOut, surroundings)).toBe(false);
    expect(matches('edge:checkout->payments', timedOut, surroundings)).toBe(true);
    expect(matches('edge:checkout->other', timedOut, surroundings)).toBe(false);
    // A service's own work is an edge without a callee.
    expect(matches('edge:checkout', timedOut, surroundings)).toBe(true);
    expect(matches('edge:checkout', timedOut)).toBe(false);
    expect(matches('edge:user->checkout', makeSpan({ kind: 'server' }))).toBe(true);
    expect(matches('edge:user->checkout', makeSpan({ kind: 'server', parentSpanId: '1' }))).toBe(false);
    // The span that gave up elsewhere was not stuck in the origin's phase.
    const elsewhere = { verdicts: () => [{ ...verdict, isOrigin: false }] };
    expect(matches('phase:dns', timedOut, elsewhere)).toBe(false);
  });
});

test('trace terms speak of the trace and are joined with those of the span', () => {
  const span = makeSpan();
  expect(matches('trace.service:payments kind:client', span)).toBe(true);
  expect(matches('trace.service:payments kind:server', span)).toBe(false);
  expect(matches('trace.duration>1s trace.spans<5', span)).toBe(true);
  expect(matches('trace.duration>1s trace.spans<4', span)).toBe(false);
  expect(matches('-trace.service:payments', span)).toBe(false);
});
