import { describe, expect, it } from 'vitest';
import type { Diagnosis, Evidence, Incident, Verdict } from '../../collector/serve/wire.ts';
import { evidenceFact } from '../../ui/diagnosis/evidence-fact.ts';
import { incidentMark, incidentQuery } from '../../ui/diagnosis/incident-place.ts';
import { sayIncidentCause, sayVerdictCause } from '../../ui/diagnosis/say-cause.ts';
import {
  emphasise,
  incidentSentence,
  orderIncidents,
  sentenceText,
  verdictTerms,
} from '../../ui/diagnosis/sentence.ts';
import { summariseVerdict } from '../../ui/diagnosis/summary.ts';
import { isFresh, wrongNow } from '../../ui/diagnosis/wrong-now.ts';
import diagnosis from './fixtures/diagnosis-connect-timeout.json';
import fixture from './fixtures/incidents-shop.json';

const verdict = (diagnosis as Diagnosis).verdicts[0]!;
const incidents = fixture.incidents as Incident[];
const strong = (parts: ReturnType<typeof emphasise>) =>
  parts.filter((part) => part.strong).map((part) => part.text);

describe('a sentence', () => {
  it('emphasises who, towards whom, after how long', () => {
    expect(strong(emphasise(verdict.sentence, verdictTerms(verdict)))).toEqual([
      'checkout',
      'payments:8443',
      '3.000 s',
    ]);
  });

  it('says the same with and without emphasis', () => {
    expect(sentenceText(emphasise(verdict.sentence, verdictTerms(verdict)))).toBe(verdict.sentence);
    expect(sentenceText(emphasise('nothing named', []))).toBe('nothing named');
  });

  it('does not emphasise a part of a longer name', () => {
    const parts = emphasise('payments.shop.test:45957 and payments-v2 and prepayments, not payments.', [
      'payments',
    ]);
    expect(parts.map((part) => part.strong)).toEqual([false, true, false]);
  });

  it('takes names with signs literally', () => {
    expect(strong(emphasise('a+b (c) calls a+b', ['a+b', '(c)']))).toEqual(['a+b', '(c)', 'a+b']);
  });
});

describe("an incident's sentence", () => {
  const say = (changes: Partial<Incident>) =>
    sentenceText(incidentSentence({ ...incidents[0]!, ...changes }, Date.parse('2026-11-22T14:04:00Z')));
  const since = /since \d\d:01/;

  it('says who cannot do what, since when, and how often', () => {
    expect(say({}).replace(since, 'since then')).toBe(
      'checkout cannot connect to payments since then: 13,200 timeouts, 12 % of its calls.',
    );
  });

  it.each([
    [{ phase: 'dns' }, 'checkout cannot resolve payments'],
    [{ phase: 'wait' }, 'checkout gets no answer from payments'],
    [{ phase: 'none' }, 'checkout gives up on payments'],
    [{ kind: 'refused' as const }, 'checkout is refused by payments'],
    [{ edge: 'checkout', phase: 'none' }, 'checkout does not finish its own work'],
  ])('of %o begins with "%s"', (changes, beginning) => {
    expect(say(changes).startsWith(beginning)).toBe(true);
  });

  it('counts one as one, and leaves out a share that is not known', () => {
    expect(say({ count: 1, share: 0 })).toMatch(/: 1 timeout\.$/);
    expect(say({ count: 2, kind: 'reset', share: 0 })).toMatch(/: 2 failed calls\.$/);
  });
});

describe('a cause', () => {
  const title = 'SYN dropped on the way to payments';

  it.each([
    ['proven', 1, title],
    ['likely', 3, `likely: ${title}`],
    ['possible', 8, `possibly: ${title}, or 7 other causes`],
    ['possible', 2, `possibly: ${title}, or 1 other cause`],
    ['possible', 1, `possibly: ${title}`],
    ['unknown', 4, 'cause unknown'],
  ] as const)('that is %s, of %i, is put as "%s"', (confidence, candidates, text) => {
    expect(sayIncidentCause({ cause: 'B1', title, confidence, candidates })).toBe(text);
  });

  it('is a statement in a verdict only when the evidence makes it one', () => {
    const say = (changes: Partial<Verdict>) =>
      sayVerdictCause({ ...verdict, title, reason: null, ...changes });
    expect(say({ confidence: 'proven' })).toBe(`${title}.`);
    expect(say({ confidence: 'likely' })).toBe(`Likely: ${title}.`);
    expect(say({ confidence: 'possible' })).toBe(`Likeliest: ${title}.`);
    expect(say({ cause: 'unknown', confidence: 'unknown', reason: 'no phase was recorded' })).toBe(
      'Cause unknown: no phase was recorded.',
    );
  });
});

it('incidents that go on come before those that are over, larger ones first', () => {
  const order = orderIncidents(incidents.toReversed()).map((incident) => incident.fingerprint);
  expect(order).toEqual(['checkout-payments-connect', 'gateway-search-wait', 'checkout-shipping-refused']);
});

describe('what is wrong now', () => {
  const nowMs = Date.parse('2026-11-22T14:10:00Z');
  const seen = (
    fingerprint: string,
    secondsAgo: number,
    count: number,
    state: Incident['state'] = 'ongoing',
  ) => ({
    ...incidents[0]!,
    fingerprint,
    count,
    state,
    lastSeen: new Date(nowMs - secondsAgo * 1000).toISOString(),
  });
  const order = (...list: Incident[]) => wrongNow(list, nowMs, false).map((incident) => incident.fingerprint);

  it('is what was seen in the last two minutes, most calls first', () => {
    expect(order(seen('past', 121, 900), seen('few', 1, 3), seen('many', 120, 40))).toEqual([
      'many',
      'few',
      'past',
    ]);
  });

  it('is followed by what was seen last, however few calls it hit', () => {
    expect(order(seen('older', 400, 900), seen('newer', 130, 1))).toEqual(['newer', 'older']);
  });

  it('is not what is resolved', () => {
    expect(order(seen('over', 10, 5, 'resolved'), seen('on', 500, 1))).toEqual(['on']);
  });

  it('is not what is muted, and what somebody knows of comes last', () => {
    const known = { ...seen('known', 1, 90), acknowledged: true };
    const muted = { ...seen('muted', 1, 900), mutedUntil: new Date(nowMs + 1).toISOString() };
    expect(order(known, muted, seen('unknown', 500, 1))).toEqual(['unknown', 'known']);
    expect(wrongNow([muted], nowMs, true)).toEqual([muted]);
    const listed = orderIncidents([muted, seen('over', 1, 9, 'resolved'), known]);
    expect(listed.map(({ fingerprint }) => fingerprint)).toEqual(['known', 'muted', 'over']);
  });

  it('of a range in the past is all that is in it', () => {
    const list = [seen('earlier', 900, 50, 'resolved'), seen('at its end', 10, 5, 'resolved')];
    expect(wrongNow(list, nowMs, true).map(({ fingerprint }) => fingerprint)).toEqual([
      'at its end',
      'earlier',
    ]);
  });

  it('says when it was last seen once that is over a minute ago', () => {
    expect(isFresh(seen('a', 60, 1), nowMs)).toBe(true);
    expect(isFresh(seen('a', 61, 1), nowMs)).toBe(false);
  });
});

describe('an incident', () => {
  it('of a call is found by its edge and what failed', () => {
    expect(incidentQuery('a->b')).toBe('edge:a->b (timeout:true OR status:error)');
    expect(incidentQuery('a b->c')).toBe('edge:"a b->c" (timeout:true OR status:error)');
    expect(incidentMark('a->b')).toBe('edge:a->b');
  });

  it('inside a service is found by the service, which need not have failed itself', () => {
    expect(incidentQuery('price-service')).toBe('edge:price-service');
    expect(incidentMark('price-service')).toBe('node:price-service');
  });
});

describe('the value of a piece of evidence', () => {
  const fact = (changes: Partial<Evidence>) =>
    evidenceFact({ text: 'seen', spanId: 'a', attribute: 'x', value: null, source: 'span', ...changes });

  it.each([
    [{}, ''],
    [{ text: 'state', value: 'SYN_SENT' }, 'SYN_SENT'],
    [{ text: 'state SYN_SENT', value: 'SYN_SENT' }, ''],
    [{ text: '3 retransmits', value: 3 }, ''],
    [{ text: 'retransmits', value: 3 }, '3'],
    [{ text: 'the budget', attribute: 'sockeye.timeout.budget_ms', value: 700 }, '700 ms'],
    [{ text: 'the handshake took 0.693 s', attribute: 'sockeye.phase.tls_ms', value: 692.79667 }, ''],
    [{ text: '0.701 s of own work', attribute: null, value: 700.513822 }, ''],
    [{ text: 'ratio', value: 0.123456 }, '0.1235'],
    [{ text: 'sampled', value: true }, 'true'],
  ])('of %o adds "%s"', (changes, text) => {
    expect(fact(changes)).toBe(text);
  });
});

it('the summary is Markdown with the sentence, the evidence, what it can also be, and the link', () => {
  const text = summariseVerdict(verdict, '7d1c', 'http://127.0.0.1:4319/trace/7d1c');
  expect(text.split('\n')[0]).toBe(`**${verdict.sentence}**`);
  expect(text).toContain('- Likeliest cause: SYN dropped on the way to payments:8443 (B1), phase connect');
  expect(text).toContain('- client-kernel: retransmits (`sockeye.tcp.total_retransmits` = `3`)');
  expect(text).toContain('- The listen queue of payments is full (C1); would decide: ListenOverflows');
  expect(text).toContain('- Is it filtered on the way?: `nft list ruleset | grep 8443`');
  expect(text.split('\n').at(-1)).toBe('Trace `7d1c`: http://127.0.0.1:4319/trace/7d1c');
});
