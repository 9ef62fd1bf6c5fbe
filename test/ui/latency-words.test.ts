/** Latency in words as pure functions: whose it is, what changed, what surrounds it, what is said of it all. */
import { describe, expect, it } from 'vitest';
import type { Incident, Latency, MapEdge } from '../../collector/serve/wire.ts';
import { calleesNear, givenUpAround, incidentsAround, type GivenUp } from '../../ui/latency/around.ts';
import { latencyQuery, readAsked, sayAsked, type Asked } from '../../ui/latency/asked.ts';
import { findParts } from '../../ui/latency/parts.ts';
import { sayCounted, sayLatency } from '../../ui/latency/say-latency.ts';
import { LATENCY_FROM, latencyOf, MINUTE_MS, repeat } from './latency-of.ts';

const nobody = readAsked({});
const clock = (ms: number) => `minute ${(ms - LATENCY_FROM) / MINUTE_MS}`;
const say = (
  latency: Latency,
  asked: Partial<Asked> = {},
  stuckIn: MapEdge['timeoutPhases'] | null = null,
  givenUp: GivenUp | null = null,
) =>
  sayLatency(latency, { ...nobody, ...asked }, stuckIn, givenUp, clock)
    .map(({ text }) => text)
    .join('');

describe('whose latency it is', () => {
  it('is in the URL, and in words', () => {
    const asked = readAsked({ service: 'a', op: 'GET /', peer: '', phase: 'connect' });
    expect(asked).toEqual({ service: 'a', operation: 'GET /', peer: null, phase: 'connect' });
    expect(readAsked({ phase: 'lunch' }).phase).toBeNull();
    expect(sayAsked(asked, 'served')).toBe('connect time of GET / of a');
    expect(sayAsked({ ...nobody, service: 'a', peer: 'b' }, 'calls')).toBe('a → b');
    expect(sayAsked({ ...nobody, service: 'a', phase: 'dns' }, 'calls')).toBe('DNS time of calls to a');
    expect(sayAsked({ ...nobody, peer: 'b' }, 'calls')).toBe('calls to b');
    expect(sayAsked(nobody, 'entries')).toBe('requests from outside');
    expect(sayAsked({ ...nobody, operation: 'GET /' }, 'served')).toBe('GET /');
  });

  const part = { fromMs: 0, toMs: 1, minMs: 1000, maxMs: 1250 };
  it('is found by a search', () => {
    const query = (asked: Partial<typeof nobody>, of: 'calls' | 'served' | 'operation' | 'entries') =>
      latencyQuery({ ...nobody, ...asked }, of, part);
    expect(query({ service: 'a', peer: 'b' }, 'calls')).toBe('edge:a->b duration>=1000ms duration<1250ms');
    expect(query({ service: 'a b', peer: 'db:1' }, 'calls')).toBe(
      'edge:"a b->db:1" duration>=1000ms duration<1250ms',
    );
    expect(query({ service: 'a', operation: 'GET "/"' }, 'operation')).toBe(
      String.raw`service:a operation:"GET \"/\"" duration>=1000ms duration<1250ms`,
    );
    expect(query({}, 'entries')).toBe('(kind:server OR kind:consumer) duration>=1000ms duration<1250ms');
    expect(query({ service: 'a', peer: 'b', phase: 'tls' }, 'calls')).toBe(
      'edge:a->b sockeye.phase.tls_ms>=1000 sockeye.phase.tls_ms<1250',
    );
    expect(query({ peer: 'b' }, 'calls')).toBeNull();
    expect(query({ service: 'a', phase: 'tls' }, 'calls')).toBeNull();
    expect(latencyQuery({ ...nobody, service: 'a' }, 'served', null)).toBe(
      'service:a (kind:server OR kind:consumer)',
    );
  });

  it('has parts, those that time out and the slowest first', () => {
    const row = (service: string, timeouts: number, p95Ms: number, calls = 1) => ({
      service,
      calls,
      errors: 0,
      timeouts,
      p50Ms: 0,
      p95Ms,
      p99Ms: 0,
    });
    const services = { services: [row('a', 0, 5), row('b', 1, 2), row('c', 0, 9), row('d', 0, 99, 0)] };
    const [part] = findParts(nobody, services, null, [], (query) => JSON.stringify(query));
    expect(part).toMatchObject({ title: 'Services', rows: [{ name: 'b' }, { name: 'c' }, { name: 'a' }] });
    expect(part!.rows[0]!.href).toBe('{"service":"b"}');
    expect(findParts({ ...nobody, service: 'a', peer: 'b' }, services, null, [], String)).toEqual([]);
  });
});

describe('what is around a service', () => {
  const edge = (from: string, to: string, timeouts: number, p99Ms = 0) =>
    ({ from, to, timeouts, p99Ms, calls: 9 }) as MapEdge;
  const edges = [
    edge('user', 'a', 7),
    edge('x', 'a', 2),
    edge('y', 'a', 3),
    edge('a', 'b', 5, 5010),
    edge('a', 'c', 6, 40),
    edge('b', 'c', 9, 5010),
  ];

  it('is what its callers gave up, and what it gave up itself', () => {
    expect(givenUpAround({ ...nobody, service: 'a' }, edges)).toEqual({ byCallers: 5, own: 11 });
    expect(givenUpAround({ ...nobody, service: 'a', peer: 'b' }, edges)).toBeNull();
    expect(givenUpAround({ ...nobody, service: 'a', operation: 'GET' }, edges)).toBeNull();
    expect(givenUpAround(nobody, edges)).toBeNull();
  });

  it('are incidents of calls to it, of its own, and of its work', () => {
    const incidents = ['a', 'a->b', 'x->a', 'x->b', 'aa->b'].map((name) => ({ edge: name }) as Incident);
    const found = (asked: Partial<Asked>) =>
      incidentsAround({ ...nobody, ...asked }, incidents).map(({ edge: name }) => name);
    expect(found({ service: 'a' })).toEqual(['a', 'a->b', 'x->a']);
    expect(found({ service: 'a', operation: 'GET' })).toEqual(['a', 'a->b', 'x->a']);
    expect(found({ service: 'a', peer: 'b' })).toEqual(['a->b']);
    expect(found({ peer: 'b' })).toEqual(['a->b', 'x->b', 'aa->b']);
    expect(found({})).toHaveLength(5);
    expect(found({ operation: 'GET' })).toEqual([]);
  });

  it('are callees that it may have waited for', () => {
    expect(calleesNear(5070, 'a', edges)).toEqual(['b']);
    expect(calleesNear(9000, 'a', edges)).toEqual([]);
    expect(calleesNear(5070, null, edges)).toEqual([]);
  });
});

describe('what is said', () => {
  const calm = Array.from({ length: 8 }, () => repeat('10 20', 10));
  const slow = Array.from({ length: 6 }, () => repeat('900 2900', 10));

  it('says what changed and when, and who gave up, with the phase that most were in', () => {
    const latency = latencyOf([...calm, ...slow, repeat('2000 3000!', 10)], { of: 'calls' });
    const edge = { service: 'checkout', peer: 'payments' };
    expect(say(latency, edge, { connect: 9, wait: 1 })).toBe(
      'p95 of checkout → payments rose from 20 ms to 2.9 s at minute 8; 10 calls gave up, most in connect.',
    );
    expect(say(latency, edge, { connect: 5, wait: 5 })).toMatch(/10 calls gave up\.$/);
    expect(say(latency, edge, { connect: 10 })).toMatch(/10 calls gave up, in connect\.$/);
    expect(say(latency, edge, { none: 10 })).toMatch(/10 calls gave up\.$/);
  });

  it('says what fell, and what was so for a while', () => {
    expect(say(latencyOf([...slow, ...calm]))).toBe(
      'p95 of requests from outside fell from 2.9 s to 20 ms at minute 6.',
    );
    expect(say(latencyOf([...calm, ...slow, ...calm]), { service: 'a' })).toBe(
      'p95 of a was 2.9 s from minute 8 to minute 14, and 20 ms otherwise.',
    );
  });

  it('gives plain numbers where nothing changed', () => {
    expect(say(latencyOf(calm))).toBe('Requests from outside: half took up to 20 ms, and 95 % too.');
    expect(say(latencyOf([`${repeat('10', 17)} ${repeat('5010', 3)}`]))).toBe(
      'Requests from outside: half took up to 10 ms, 95 % up to 5 s.',
    );
    expect(say(latencyOf([repeat('10', 30)]), { service: 'a' })).toBe(
      'a: half took up to 10 ms, and 95 % too.',
    );
  });

  it('counts a few calls instead of dividing them', () => {
    expect(say(latencyOf(['10 20 3000!']), { service: 'a' })).toBe(
      'a: 3 calls, the longest took 3 s; 1 request timed out.',
    );
    expect(say(latencyOf(['10']), { service: 'a' })).toBe('a: 1 call that took 10 ms.');
    expect(say(latencyOf(['30!', '30!']), { service: 'a' })).toBe(
      'a: 2 calls, the longest took 30 ms; all 2 timed out.',
    );
  });

  it('says that calls pile up, and that the timer is unknown, or perhaps further down', () => {
    const walls = [{ atMs: 5072, count: 40, timeouts: 0 }];
    const edge = { service: 'a', peer: 'b' };
    expect(say(latencyOf(calm, { walls }), edge)).toMatch(
      / 40 calls pile up at 5\.07 s: an unknown timer\.$/,
    );
    for (const asked of [{}, { service: 'a' }, { peer: 'b' }])
      expect(say(latencyOf(calm, { walls }), asked)).toMatch(
        / 40 calls pile up near 5\.1 s: perhaps a timer further down\.$/,
      );
  });

  it('says how many failed, once that is more than a few', () => {
    const failed = (errors: number, changes = {}) =>
      say(latencyOf(calm, { errors, ...changes }), { service: 'a' });
    expect(failed(54)).toBe('a: half took up to 20 ms, and 95 % too; 34 % failed.');
    expect(failed(1)).toBe('a: half took up to 20 ms, and 95 % too.');
    expect(failed(54, { timeouts: 2 })).toMatch(/; 2 requests timed out; 34 % failed otherwise\.$/);
    expect(say(latencyOf(['10 20'], { errors: 1, of: 'calls' }), { service: 'a', peer: 'b' })).toMatch(
      /; 1 call failed\.$/,
    );
  });

  it('says who gave up around a service that noticed nothing of it', () => {
    expect(say(latencyOf(calm), { service: 'a' }, null, { byCallers: 160, own: 0 })).toMatch(
      /too; its callers gave up on 160 of their calls to it\.$/,
    );
    expect(say(latencyOf(calm), { service: 'a' }, null, { byCallers: 0, own: 295 })).toMatch(
      /too; it gave up on 295 of its own calls\.$/,
    );
  });

  it('says how many of how many', () => {
    const latency = latencyOf([repeat('10 3000!', 4)]);
    expect(sayCounted(latency)).toBe('8 calls');
    const read = { calls: 0, timeouts: 3, phases: 0 };
    expect(sayCounted({ ...latency, truncated: true, read })).toBe(
      '8 calls, 3 of 4 timeouts marked in their cells',
    );
    expect(sayCounted({ ...latency, countedFrom: 'spans', truncated: true })).toBe(
      '8 of more calls were looked at',
    );
  });

  it('says when no call has a duration', () => {
    expect(say(latencyOf([''], { calls: 4 }), { service: 'a' })).toBe('a: 4 calls, none with a duration.');
  });
});
