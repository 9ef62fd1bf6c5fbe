/** What hosts know decides what a call cannot: the verdicts by the views of its two ends. */
import { describe, expect, it } from 'vitest';
import { verdictOf } from './expect-verdict.ts';
import { START_UNIX_NANO } from './make-span.ts';
import { acked, seen, silent, unacked, type Rise, type Seen } from './seen-host.ts';

/** A call of shop to pay:80 that waited in vain for two seconds, by what these hosts say. */
const judged = (notes: string, ...views: Seen[]) =>
  verdictOf(
    `
    shop        |=====================!
      shop>pay   |===================X  peer=pay:80 budget=2000 ${notes}`,
    {},
    (id) => views.map((view) => seen(id, view)),
  );

const overflow: Rise = { 'tcp.listen_overflows': [5, 9] };
const against = ({ alternatives }: ReturnType<typeof judged>, code: string) =>
  alternatives.find(({ cause }) => cause === code)?.against;

describe('a SYN that nobody answered', () => {
  it('is the likeliest drop on the path while no host reports', () => {
    expect(judged(silent)).toMatchObject({ cause: 'B1', confidence: 'possible', hosts: [] });
  });

  it('found a full listen queue where that overflowed, with the counter as evidence', () => {
    const verdict = judged(silent, { counters: overflow });
    expect(verdict).toMatchObject({ cause: 'C1', confidence: 'likely', category: 'server' });
    expect(verdict.evidence).toContainEqual({
      text: 'ListenOverflows of host-of-callee rose from 5 to 9 between 12:00:00.000 and 12:00:10.000',
      spanId: null,
      attribute: 'sockeye.host.tcp.listen_overflows',
      value: 4,
      source: 'host',
    });
    expect(verdict.causes.slice(1)).toContain('B1');
    expect(verdict.hosts).toHaveLength(1);
  });

  it.each([
    { queue: 3, port: 80, confidence: 'proven' },
    { queue: 2, port: 80, confidence: 'possible' },
    { queue: 3, port: 81, confidence: 'likely' },
    { queue: 2, port: 80, blocked: 1000, confidence: 'likely' },
    { queue: 0, max: 0, port: 80, confidence: 'likely' },
  ])(
    '$queue of 3 seen waiting at port $port beside it: $confidence',
    ({ queue, port, max = 3, blocked = 0, confidence }) => {
      const values = {
        'listen.port': port,
        'listen.queue': queue,
        'listen.queue_max': max,
        'event_loop.blocked_ms': blocked,
      };
      expect(judged(silent, { counters: overflow, values })).toMatchObject({ cause: 'C1', confidence });
    },
  );

  it.each([
    ['12:00:30.000', 'likely'],
    ['12:00:30.001', 'possible'],
  ])('found one by a counter that rose until %s: %s', (until, confidence) => {
    const verdict = judged(silent, { counters: overflow, to: `2026-01-01T${until}Z` });
    expect(verdict).toMatchObject({ cause: 'C1', confidence });
  });

  it.each([{ isCertain: false }, { clocksAgree: false }, { coversCall: false }])(
    'may have found one where it is not sure which host overflowed, or when (%o)',
    (given) => {
      const verdict = judged(silent, { counters: overflow, ...given });
      expect(verdict).toMatchObject({ cause: 'C1', confidence: 'possible' });
    },
  );

  it('found none where the queue did not overflow all the while', () => {
    const verdict = judged(silent, {});
    expect(verdict).toMatchObject({ cause: 'B1', confidence: 'possible' });
    expect(against(verdict, 'C1')).toBe('ListenOverflows of host-of-callee did not rise');
  });

  it.each([{ hasRoom: false }, { isCertain: false }, { clocksAgree: false }])(
    'may have found one where nobody knows that the queue did not overflow (%o)',
    (given) => {
      expect(against(judged(silent, given), 'C1')).toBe('');
      expect(against(judged(silent, { side: 'caller', ...given }), 'B2')).toBe('');
    },
  );

  it('found one where requests were dropped at a queue, though no connections were', () => {
    const counters: Rise = { 'tcp.listen_overflows': [5, 5], 'tcp.request_queue_drops': [5, 6] };
    expect(judged(silent, { counters })).toMatchObject({ cause: 'C1', confidence: 'likely' });
  });

  it('was answered in vain where handshakes are answered again', () => {
    const values = { 'connections.half_open_retransmitted': 1 };
    expect(judged(silent, { values })).toMatchObject({ cause: 'B3', confidence: 'possible' });
    expect(judged(silent, { values, counters: overflow }).cause).toBe('C1');
    expect(judged(silent, { values: { 'connections.half_open_retransmitted': 0 } }).cause).toBe('B1');
  });

  it.each([
    [1, 'B2'],
    [0, 'B1'],
  ])('TCPRetransFail of the caller that rose by %d for one SYN sent again: %s', (by, cause) => {
    const counters: Rise = { 'tcp.retransmit_failures': [2, 2 + by] };
    expect(judged(silent, { side: 'caller', counters }).cause).toBe(cause);
  });

  it('was not dropped by rules of the caller where TCPRetransFail did not rise', () => {
    const verdict = judged(silent, { side: 'caller' });
    expect(against(verdict, 'B2')).toBe('TCPRetransFail of host-of-caller did not rise');
    expect(verdict.causes.at(-1)).toBe('B2');
  });

  it.each([
    [10, 989, 'B1', 'possible'],
    [10, 990, 'B6', 'possible'],
    [990, 10, 'B6', 'possible'],
    [990, 990, 'B6', 'likely'],
  ])(
    '%d tracked connections of 1,000, then %d, on either host: %s, %s',
    (before, after, cause, confidence) => {
      const counters: Rise = { 'conntrack.count': [before, after], 'conntrack.max': [1000, 1000] };
      expect(judged(silent, { side: 'caller', counters })).toMatchObject({ cause, confidence });
      expect(judged(silent, { counters })).toMatchObject({ cause, confidence });
      const long = judged(silent, { counters, to: '2026-01-01T12:04:00.000Z' });
      expect(long).toMatchObject({ cause, confidence: 'possible' });
      expect(judged(silent, { counters, coversCall: false }).confidence).toBe('possible');
    },
  );

  it.each([
    [98, 'C1'],
    [99, 'C6'],
  ])('%d descriptors of 100 open, and its queue overflowed: %s', (open, cause) => {
    const values = { 'descriptors.open': open, 'descriptors.max': 100 };
    expect(judged(silent, { values: { 'descriptors.open': 0, 'descriptors.max': 0 } }).cause).toBe('B1');
    const verdict = judged(silent, { values, counters: overflow });
    expect(verdict).toMatchObject({ cause, confidence: 'likely' });
    expect(verdict.evidence.map(({ attribute }) => attribute)).toContain('sockeye.host.tcp.listen_overflows');
  });
});

it('what a host is sure of comes before what is possible', () => {
  const tracked: Rise = { 'conntrack.count': [990, 10], 'conntrack.max': [1000, 1000] };
  const verdict = judged(silent, { counters: { ...overflow, ...tracked } });
  expect(verdict).toMatchObject({ cause: 'C1', confidence: 'likely' });
  expect(verdict.causes).toContain('B6');
});

describe('a request that was acknowledged and not answered', () => {
  // In ten seconds, of which 1.9 were waited.
  it.each([
    ['event_loop.blocked_ms', 9050, 'C3', 'likely'],
    ['event_loop.blocked_ms', 9049, 'C3', 'possible'],
    ['event_loop.blocked_ms', 950, 'C3', 'possible'],
    ['event_loop.blocked_ms', 190, 'C3', 'possible'],
    ['event_loop.blocked_ms', 189, 'G2', 'possible'],
    ['cpu.throttled_ms', 9050, 'C3', 'likely'],
    ['memory.collected_ms', 9050, 'C3', 'likely'],
  ] as const)('%s of %d ms: %s, %s', (name, ms, cause, confidence) => {
    const verdict = judged(acked, { values: { [name]: ms, 'listen.port': 80 } });
    expect(verdict).toMatchObject({ cause, confidence });
    expect(verdict.evidence.filter(({ source }) => source === 'host')).toHaveLength(ms < 950 ? 0 : 1);
  });

  /** When it was given up: it began 100 ms after its caller. */
  const givenUpUnixMs = Number(START_UNIX_NANO / 1_000_000n) + 2_100;
  const block = (sinceMs: number, untilMs: number, clocksApartMs: number | null = 0) => ({
    since: new Date(givenUpUnixMs + sinceMs).toISOString(),
    until: new Date(givenUpUnixMs + untilMs).toISOString(),
    clocksApartMs,
  });

  it.each([
    [block(-950, 2_000), 'likely'],
    [block(-949, 2_001), 'possible'],
    [block(-3_000, -950), 'likely'],
    [block(-3_000, -951), 'possible'],
    [block(-1_900, -900, 50), 'likely'],
    [block(-1_900, -900, 51), 'possible'],
    [block(-1_900, 0, null), 'possible'],
  ])('waited for a process that was blocked for half of the time (%o): %s', (longestBlock, confidence) => {
    const values = { 'event_loop.blocked_ms': 3_000, 'listen.port': 80 };
    const verdict = judged(acked, { processes: [{ values, longestBlock }] });
    expect(verdict).toMatchObject({ cause: 'C3', confidence });
    expect(verdict.evidence.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/blocked for 3\.000 s since 12:00:00\.000, \S+ s at a stretch from /),
    );
  });

  it('did not wait for what blocked the process after it was given up, or before it was sent', () => {
    const values = { 'event_loop.blocked_ms': 3_000, 'listen.port': 80 };
    const hostFacts = (longestBlock: ReturnType<typeof block>) =>
      judged(acked, { processes: [{ values, longestBlock }] }).evidence.filter(
        ({ source }) => source === 'host',
      );
    expect(hostFacts(block(1, 3_001))).toEqual([]);
    expect(hostFacts(block(-5_000, -1_901))).toEqual([]);
    // By clocks that may be so far apart.
    expect(hostFacts(block(1, 3_001, 950))).toEqual([]);
    expect(hostFacts(block(1, 3_001, 951))).toHaveLength(1);
    expect(hostFacts(block(1, 3_001, null))).toHaveLength(1);
  });

  it('waited for short blocks, of which nobody knows when they were, as if they lay evenly', () => {
    const factsOf = (blockedMs: number) =>
      judged(acked, {
        processes: [
          {
            values: { 'event_loop.blocked_ms': blockedMs, 'listen.port': 80 },
            longestBlock: block(100, 300),
          },
        ],
      }).evidence.filter(({ source }) => source === 'host');
    expect(factsOf(5_200)).toHaveLength(1);
    expect(factsOf(5_199)).toEqual([]);
  });

  it('did not wait for a process that sent bytes of the answer, whatever it did besides', () => {
    const values = { 'event_loop.blocked_ms': 9_900, 'listen.port': 80 };
    const begun = (silentMs: number) =>
      judged(`phase=receive receive=1900 sockeye.tcp.last_data_received_ms=${silentMs}`, { values });
    const verdict = begun(188);
    expect(verdict).toMatchObject({ cause: 'G5', confidence: 'possible' });
    expect(against(verdict, 'C3')).toBe('bytes of the answer came 0.188 s before the give-up');
    expect(verdict.causes.at(-1)).toBe('C3');
    expect(begun(949).cause).toBe('G5');
    expect(begun(950)).toMatchObject({ cause: 'C3', confidence: 'likely' });
  });

  it('came through late because the queue was full, where it was sent again on a new connection', () => {
    const late = (notes: string) =>
      verdictOf(
        `
      shop        |=====================!
        shop>pay   |===================X  peer=pay:80 budget=2000 phase=wait wait=1900 ${notes}
          pay                             |==|`,
        {},
        (id) => [seen(id, { counters: overflow })],
      );
    const resent = 'sockeye.tcp.unacked=2 sockeye.tcp.total_retransmits=3 sockeye.connection.reused';
    expect(late(`${resent}=false`)).toMatchObject({ cause: 'C2', confidence: 'likely' });
    expect(late(`${resent}=true`)).toMatchObject({ cause: 'A1', confidence: 'possible' });
    expect(late('sockeye.tcp.unacked=0')).toMatchObject({ cause: 'C5', confidence: 'possible' });
  });

  it('did not wait for longer because the server came to it after it was given up', () => {
    const values = { 'event_loop.blocked_ms': 6_000, 'listen.port': 80 };
    const verdict = verdictOf(
      `
      shop        |=====================!
        shop>pay   |===================X  peer=pay:80 budget=2000 ${acked}
          pay                                                       |==|`,
      {},
      (id) => [seen(id, { values })],
    );
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible' });
  });

  it('lay unread where the server, on the same clock, began with it after it was given up', () => {
    const late = (host: string, views: Seen[] = []) =>
      verdictOf(
        `
      shop        |=====================!  host=one
        shop>pay   |===================X  peer=pay:80 budget=2000 ${acked} sockeye.tcp.bytes_acked=101 host=one
          pay                             |==|  host=${host}`,
        {},
        (id) => views.map((view) => seen(id, view)),
      );
    const verdict = late('one');
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible', causes: ['C3', 'C5', 'C9'] });
    expect(verdict.evidence.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'pay:80 began with it 2.300 s after the call did, 0.300 s after the give-up: until then the request lay unread',
        'bytes the peer acknowledged',
        'segments the peer did not acknowledge',
        'retransmits',
      ]),
    );
    expect(late('other').cause).toBe('C5');
    const values = { 'event_loop.blocked_ms': 9_900, 'listen.port': 80 };
    const told = late('one', [{ values }]);
    expect(told).toMatchObject({ cause: 'C3', confidence: 'likely' });
    expect(new Set(told.evidence.map(({ source }) => source))).toEqual(
      new Set(['host', 'client-kernel', 'span']),
    );
  });

  const stuck = { 'event_loop.blocked_ms': 9900, 'listen.port': 80 };
  const free = { 'event_loop.blocked_ms': 0, 'listen.port': 80 };

  it.each([
    { processes: [{ values: stuck }, { pid: '8', values: free }] },
    { processes: [{ values: free }, { pid: '8', values: stuck }] },
    { processes: [{ values: stuck, coversCall: false }] },
    { processes: [{ values: stuck, from: null }] },
    { processes: [{ values: stuck }], isCertain: false },
    { processes: [{ values: stuck }], clocksAgree: false },
  ])('may wait for a process that was stuck, of several or at another time (%o)', (given) => {
    const verdict = judged(acked, given);
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible' });
    expect(verdict.evidence.map(({ attribute }) => attribute)).toContain(
      'sockeye.process.event_loop.blocked_ms',
    );
  });

  it('was not held up by an event loop that was free', () => {
    const verdict = judged(acked, { values: free });
    expect(verdict).toMatchObject({ cause: 'G2', confidence: 'possible' });
    expect(verdict.causes.at(-1)).toBe('C3');
    expect(against(verdict, 'C3')).toBe('the event loop of pay was free');
    expect(verdict.evidence.filter(({ source }) => source === 'host')).toEqual([]);
  });

  it.each([
    { processes: [{ values: free }, { pid: '8' }] },
    { processes: [{ values: free }, { pid: '8', values: free, coversCall: false }] },
    { processes: [{ values: free }, { pid: '8', isSilent: true }] },
    { processes: [{ values: { ...free, 'cpu.throttled_ms': 190 } }] },
    { processes: [{ values: { 'event_loop.blocked_ms': 0 } }] },
    { processes: [{ values: free }], isCertain: false },
    { processes: [{ values: free }], clocksAgree: false },
    { processes: [{ values: free }], hasRoom: false },
    { processes: [] },
  ])('may be held up where not all that may be meant were seen free all the while (%o)', (given) => {
    const verdict = judged(acked, given);
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible' });
    expect(verdict.causes.at(-1)).not.toBe('C3');
  });

  it('may wait for a process that reports no more: a report may be lost, too', () => {
    const verdict = judged(acked, { isSilent: true });
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible' });
    expect(verdict.evidence.map(({ text }) => text)).toContain(
      'pay (process 7), which reports every 10 s, has reported nothing since 12:00:10.000',
    );
  });

  it('says no more of a call that a host of the caller alone was looked at for', () => {
    expect(judged(acked, { side: 'caller' })).toMatchObject({ cause: 'C3', confidence: 'possible' });
  });
});

it('a request that nobody acknowledged on a new connection found its queue full at the last step', () => {
  expect(judged(unacked, { counters: overflow })).toMatchObject({ cause: 'C2', confidence: 'likely' });
  expect(judged(unacked, {}).cause).not.toBe('C2');
});
