/** What hosts report comes to the verdicts that ask, at once and for a while after, and within bounds. */
import { expect, it } from 'vitest';
import type { HostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import type { ReportingHost } from '../../collector/diagnose/hosts/host-view.ts';
import { createHostAnswers } from '../../collector/query/host-answers.ts';
import type { DiagnosisToSave, VerdictToSave } from '../../collector/store/store.ts';

const givenUpMs = 100_000;
const question: HostQuestion = {
  spanId: 'c',
  caller: { host: 'one', service: 'shop', pid: '1' },
  callee: { service: 'pay', addresses: ['10.0.0.2'], port: '80', process: null },
  fromUnixMs: givenUpMs - 3_000,
  toUnixMs: givenUpMs,
};

const diagnosed = (
  traceId: string,
  asked: HostQuestion | null | readonly HostQuestion[] = question,
): DiagnosisToSave => ({
  traceId,
  spanCount: 1,
  entry: { service: 'shop', operation: 'GET' },
  verdicts: [asked].flat().map((each) => ({ question: each }) as VerdictToSave),
});

const traces = (count: number) => Array.from({ length: count }, (_, index) => diagnosed(`trace-${index}`));

function world() {
  let nowMs = givenUpMs + 2_000;
  let looks = 0;
  const host = {
    host: 'two',
    namespace: '',
    addresses: ['10.0.0.2'],
    reports: [] as { atMs: number; counters: Map<string, number> }[],
    processes: [],
  } satisfies ReportingHost;
  const answers = createHostAnswers(
    (isWanted) => {
      looks++;
      return isWanted({ ...host, services: new Set() }) ? [host] : [];
    },
    () => nowMs,
  );
  return {
    answers,
    pass: (ms: number) => (nowMs += ms),
    report: (atMs: number, overflows = atMs) =>
      host.reports.push({ atMs, counters: new Map([['tcp.listen_overflows', overflows]]) }),
    looks: () => looks,
  };
}

/** The overflows that each trace is told of. */
const rises = (said: ReturnType<ReturnType<typeof world>['answers']['due']>) =>
  Object.fromEntries(
    [...said].map(([traceId, [view]]) => {
      const { before = 0, after = 0 } = view?.counters['tcp.listen_overflows'] ?? {};
      return [traceId, after - before];
    }),
  );

it('a trace whose verdicts ask nothing is told nothing, and no host is looked at', () => {
  const { answers, report, looks } = world();
  report(95_000);
  expect(answers.ask([diagnosed('a', null)])).toEqual(new Map());
  expect(answers.due(1_000)).toEqual(new Map());
  expect(looks()).toBe(0);
});

it('what is known is said at once, what comes later when it comes, and nothing twice', () => {
  const { answers, report, pass } = world();
  report(95_000);
  const first = answers.ask([diagnosed('a'), diagnosed('b', null)]);
  expect(rises(first)).toEqual({ a: 0 });
  answers.heard([diagnosed('a')], first);
  expect(answers.due(1_000)).toEqual(new Map());
  report(105_000);
  // Looked at once in two seconds.
  expect(answers.due(1_000)).toEqual(new Map());
  pass(2_000);
  const second = answers.due(1_000);
  expect(rises(second)).toEqual({ a: 10_000 });
  answers.heard([diagnosed('a')], second);
  pass(2_000);
  expect(answers.due(1_000)).toEqual(new Map());
});

it('whom to ask is what the verdicts say that were made last', () => {
  const { answers, report, pass } = world();
  const unknown = { ...question, callee: { ...question.callee, addresses: ['10.0.0.9'] } };
  expect(answers.ask([diagnosed('a', unknown)])).toEqual(new Map());
  report(95_000);
  answers.heard([diagnosed('a')], new Map([['a', []]]));
  pass(2_000);
  expect([...answers.due(1_000).keys()]).toEqual(['a']);
});

it('what was asked in time is waited for to its end, whatever is heard meanwhile', () => {
  const { answers, report, pass } = world();
  // 32 s after the give-up, so until 72 s after it.
  pass(30_000);
  answers.ask([diagnosed('a')]);
  report(95_000);
  pass(30_000);
  answers.heard([diagnosed('a')], answers.due(1_000));
  report(105_000);
  pass(3_000);
  expect(rises(answers.due(1_000))).toEqual({ a: 10_000 });
});

it('what was not heard is said again', () => {
  const { answers, report, pass } = world();
  answers.ask([diagnosed('a')]);
  report(95_000);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(1);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(1);
  answers.forget(['a']);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(0);
});

it('a trace that asks no more is told no more', () => {
  const { answers, report, pass } = world();
  report(95_000);
  answers.heard([diagnosed('a', null)], answers.ask([diagnosed('a')]));
  report(105_000);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(0);
});

it('a trace that asks about fewer calls is not told once more what it was told of them', () => {
  const { answers, report, pass } = world();
  report(95_000);
  const other = { ...question, spanId: 'd' };
  answers.heard([diagnosed('a', other)], answers.ask([diagnosed('a', [question, other])]));
  pass(2_000);
  expect(answers.due(1_000)).toEqual(new Map());
  report(105_000);
  pass(2_000);
  expect(answers.due(1_000).get('a')).toMatchObject([{ spanId: 'd' }]);
});

it.each([
  [40_000, 1],
  [42_000, 0],
])('%d ms after it was asked first, %d is told', (ms, count) => {
  const { answers, report, pass } = world();
  answers.ask([diagnosed('a')]);
  for (let passed = 0; passed < ms - 2_000; passed += 2_000) {
    pass(2_000);
    answers.due(1_000);
  }
  report(105_000);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(count);
});

it.each([
  [58_000, 1],
  [58_001, 0],
  [-62_000, 1],
  [-62_001, 0],
])('of a moment that seems %d ms longer ago, %d is told', (ms, count) => {
  const { answers, report } = world();
  report(95_000);
  const asked = { ...question, toUnixMs: question.toUnixMs - ms };
  expect(answers.ask([diagnosed('a', asked)]).size).toBe(count);
});

it('a report in which nothing changed is not said', () => {
  const { answers, report, pass } = world();
  report(95_000, 7);
  answers.heard([diagnosed('a')], answers.ask([diagnosed('a')]));
  report(98_000, 7);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(0);
  // The first after the give-up: that nothing changed until then is news.
  report(105_000, 7);
  pass(2_000);
  const said = answers.due(1_000);
  expect(rises(said)).toEqual({ a: 0 });
  answers.heard([diagnosed('a')], said);
  report(115_000, 7);
  pass(2_000);
  expect(answers.due(1_000).size).toBe(0);
});

it('of a call that several verdicts are about is said once, and of ten calls of a trace', () => {
  const { answers, report } = world();
  report(95_000);
  const calls = Array.from({ length: 11 }, (_, index) => ({ ...question, spanId: `c${index}` }));
  const asked = calls.flatMap((call) => [call, { ...call, toUnixMs: call.toUnixMs + 1 }]);
  const views = answers.ask([diagnosed('a', asked)]).get('a');
  expect(views?.map(({ spanId }) => spanId)).toEqual(calls.slice(0, 10).map(({ spanId }) => spanId));
});

it('of many traces that are due so many as are asked for are told, and the next at once', () => {
  const { answers, report, pass } = world();
  answers.ask(traces(3));
  report(95_000);
  pass(2_000);
  const first = answers.due(2);
  expect([...first.keys()]).toEqual(['trace-0', 'trace-1']);
  answers.heard(traces(2), first);
  expect([...answers.due(2).keys()]).toEqual(['trace-2']);
  expect(answers.due(2).size).toBe(0);
});

it('a thousand traces are told at once what is known; who then needs no more takes no place', () => {
  const { answers, report } = world();
  report(95_000);
  const said = answers.ask(traces(1_000));
  expect(said.size).toBe(1_000);
  answers.heard(
    [...said.keys()].map((traceId) => diagnosed(traceId, null)),
    said,
  );
  answers.due(1_000);
  expect(answers.evicted()).toBe(0);
});

it('beyond 500 traces that wait, those that have waited for longest do no more, and are counted', () => {
  const { answers, report, pass } = world();
  answers.ask(traces(501));
  report(95_000);
  pass(2_000);
  const said = answers.due(1_000);
  expect(said.size).toBe(500);
  expect(said.has('trace-0')).toBe(false);
  expect(answers.evicted()).toBe(1);
});
