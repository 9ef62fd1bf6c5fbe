/** What hosts know decides what a call cannot: the views of its two ends, and the verdicts by them. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { hostQuestion, type HostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import {
  viewHosts,
  type CounterName,
  type HostView,
  type ReportingHost,
  type ValueName,
} from '../../collector/diagnose/hosts/host-view.ts';
import { drawTrace } from './draw-trace.ts';
import { verdictOf } from './expect-verdict.ts';

type Rise = Partial<Record<CounterName, [before: number, after: number]>>;

interface Seen {
  side?: 'caller' | 'callee';
  counters?: Rise;
  values?: Partial<Record<ValueName, number>>;
  isSilent?: boolean;
  isCertain?: boolean;
  to?: string;
  coversCall?: boolean;
}

/** The view of an end of the call of shop to pay, at whose host nothing happened unless told otherwise. */
const seen = (id: (label: string) => string, given: Seen): HostView => {
  const {
    side = 'callee',
    counters = { 'tcp.listen_overflows': [5, 5], 'tcp.retransmit_failures': [2, 2] },
  } = given;
  const { values, isSilent = false, isCertain = true, coversCall = true } = given;
  const { to = '2026-01-01T12:00:10.000Z' } = given;
  return {
    spanId: id('shop>pay'),
    side,
    host: `host-of-${side}`,
    networkNamespace: '',
    isCertain,
    coversCall,
    from: '2026-01-01T12:00:00.000Z',
    to,
    counters: Object.fromEntries(
      Object.entries(counters).map(([name, [before, after]]) => [name, { before, after }]),
    ),
    process:
      values === undefined && !isSilent
        ? null
        : { service: 'pay', pid: '7', at: '2026-01-01T12:00:10.000Z', isSilent, values: values ?? {} },
  };
};

/** A call of shop to pay:80 that waited in vain for two seconds, by what these hosts say. */
const judged = (notes: string, ...views: Seen[]) =>
  verdictOf(
    `
    shop        |=====================!
      shop>pay   |===================X  peer=pay:80 budget=2000 ${notes}`,
    {},
    (id) => views.map((view) => seen(id, view)),
  );

const silent = 'phase=connect connect=1900 sockeye.tcp.retransmits=1';
const acked = 'phase=wait wait=1900 sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0';
const unacked =
  'phase=wait wait=1900 sockeye.tcp.unacked=2 sockeye.tcp.total_retransmits=3 sockeye.connection.reused=false';

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
    { queue: 2, port: 80, confidence: 'likely' },
    { queue: 3, port: 81, confidence: 'likely' },
  ])('$queue of 3 seen waiting at port $port beside it: $confidence', ({ queue, port, confidence }) => {
    const values = { 'listen.port': port, 'listen.queue': queue, 'listen.queue_max': 3 };
    expect(judged(silent, { counters: overflow, values })).toMatchObject({ cause: 'C1', confidence });
  });

  it.each([
    ['12:00:30.000', 'likely'],
    ['12:00:30.001', 'possible'],
  ])('found one by a counter that rose until %s: %s', (until, confidence) => {
    const verdict = judged(silent, { counters: overflow, to: `2026-01-01T${until}Z` });
    expect(verdict).toMatchObject({ cause: 'C1', confidence });
  });

  it('may have found one where one of several hosts overflowed', () => {
    const verdict = judged(silent, { counters: overflow, isCertain: false });
    expect(verdict).toMatchObject({ cause: 'C1', confidence: 'possible' });
  });

  it('found none where the queue did not overflow all the while', () => {
    const verdict = judged(silent, {});
    expect(verdict).toMatchObject({ cause: 'B1', confidence: 'possible' });
    expect(against(verdict, 'C1')).toBe('ListenOverflows of host-of-callee did not rise');
    expect(against(judged(silent, { coversCall: false }), 'C1')).toBe('');
    expect(against(judged(silent, { isCertain: false }), 'C1')).toBe('');
  });

  it('was not seen by a host that was started anew, whose counters go back', () => {
    expect(judged(silent, { counters: { 'tcp.listen_overflows': [9, 0] } }).cause).toBe('B1');
  });

  it('was answered in vain where handshakes are answered again', () => {
    const values = { 'connections.half_open_retransmitted': 1 };
    expect(judged(silent, { values })).toMatchObject({ cause: 'B3', confidence: 'likely' });
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
    [989, 'B1'],
    [990, 'B6'],
  ])('%d tracked connections of 1,000, on either host: %s', (count, cause) => {
    const counters: Rise = { 'conntrack.count': [10, count], 'conntrack.max': [1000, 1000] };
    expect(judged(silent, { side: 'caller', counters }).cause).toBe(cause);
    expect(judged(silent, { counters }).cause).toBe(cause);
  });

  it.each([
    [98, 'C1'],
    [99, 'C6'],
  ])('%d descriptors of 100 open, and its queue overflowed: %s', (open, cause) => {
    const values = { 'descriptors.open': open, 'descriptors.max': 100 };
    const verdict = judged(silent, { values, counters: overflow });
    expect(verdict).toMatchObject({ cause, confidence: 'likely' });
    expect(verdict.evidence.map(({ attribute }) => attribute)).toContain('sockeye.host.tcp.listen_overflows');
  });
});

describe('a request that was acknowledged and not answered', () => {
  it.each([
    ['event_loop.blocked_ms', 950, 'C3', 'likely'],
    ['event_loop.blocked_ms', 949, 'C3', 'possible'],
    ['event_loop.blocked_ms', 190, 'C3', 'possible'],
    ['event_loop.blocked_ms', 189, 'G2', 'possible'],
    ['cpu.throttled_ms', 950, 'C3', 'likely'],
  ] as const)('%s of %d ms of 1,900: %s, %s', (name, ms, cause, confidence) => {
    expect(judged(acked, { values: { [name]: ms } })).toMatchObject({ cause, confidence });
  });

  it('was not held up by an event loop that was free', () => {
    const verdict = judged(acked, { values: { 'event_loop.blocked_ms': 0 } });
    expect(verdict).toMatchObject({ cause: 'G2', confidence: 'possible' });
    expect(verdict.causes.at(-1)).toBe('C3');
    expect(against(verdict, 'C3')).toBe('the event loop of pay was free');
    expect(verdict.evidence.filter(({ source }) => source === 'host')).toEqual([]);
  });

  it('waits for a process that reports no more', () => {
    const verdict = judged(acked, { isSilent: true });
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'likely' });
    expect(verdict.evidence.map(({ text }) => text)).toContain(
      'pay (process 7), which reports every 10 s, has reported nothing since 12:00:10.000',
    );
  });

  it('may wait for one that reports no more where nothing says that it arrived', () => {
    const verdict = judged('phase=wait wait=1900', { isSilent: true });
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible' });
    expect(verdict.evidence.map(({ source }) => source)).toContain('host');
  });

  it('says no more of a call that a host of the caller alone was looked at for', () => {
    expect(judged(acked, { side: 'caller' })).toMatchObject({ cause: 'C3', confidence: 'possible' });
  });
});

it('a request that nobody acknowledged on a new connection found its queue full at the last step', () => {
  expect(judged(unacked, { counters: overflow })).toMatchObject({ cause: 'C2', confidence: 'likely' });
  expect(judged(unacked, {}).cause).not.toBe('C2');
});

describe('a question', () => {
  const ask = (notes: string, hosts: readonly HostView[] = []) => {
    const { spans } = drawTrace(`
    shop        |=====================!
      shop>pay   |===================X  peer=pay:80 budget=2000 ${notes}`);
    const { verdicts } = diagnoseTrace('1', spans, { normals: new Map(), hosts });
    return hostQuestion(verdicts[0]!, spans[1]);
  };

  it('is about the callee by every name that is known of it, and the time of the call', () => {
    const question = ask(`${silent} network.peer.address=::ffff:10.0.0.2`);
    expect(question?.callee).toEqual({ service: 'pay', addresses: ['10.0.0.2', 'pay'], port: '80' });
    expect(question).toMatchObject({ caller: { service: 'shop' } });
    expect(question!.toUnixMs - question!.fromUnixMs).toBe(2000);
  });

  it('is not asked where the call itself tells its cause', () => {
    expect(ask('type=EADDRNOTAVAIL error="connect EADDRNOTAVAIL"')).toBe(null);
    expect(ask('phase=dns dns=1900')).toBe(null);
  });

  it('is asked until the callee has reported after the call', () => {
    const told = (given: Seen) => [seen(() => '0000000000000002', given)];
    expect(ask(silent, told({ side: 'caller' }))).not.toBe(null);
    expect(ask(silent, told({ coversCall: false }))).not.toBe(null);
    expect(ask(silent, told({ values: {} }))).not.toBe(null);
    expect(ask(silent, told({}))).toBe(null);
    expect(ask(silent, told({ values: { 'listen.port': 80 } }))).toBe(null);
  });
});

describe('views', () => {
  const question: HostQuestion = {
    spanId: 'c',
    caller: { host: 'one', service: 'shop', pid: '1' },
    callee: { service: 'pay', addresses: ['10.0.0.2', 'pay'], port: '80' },
    fromUnixMs: 100_000,
    toUnixMs: 103_000,
  };
  const reporting = (given: Partial<ReportingHost> & { at?: number[] } = {}): ReportingHost => {
    const { at = [95_000, 105_000], ...rest } = given;
    return {
      host: 'two',
      namespace: '',
      addresses: ['10.0.0.2'],
      reports: at.map((atMs) => ({ atMs, counters: new Map([['tcp.listen_overflows', atMs]]) })),
      processes: [{ service: 'pay', pid: '2', atMs: 105_000, values: new Map([['listen.port', 80]]) }],
      ...rest,
    };
  };
  const caller = reporting({
    host: 'one',
    addresses: ['10.0.0.1'],
    processes: [{ service: 'shop', pid: '1', atMs: 105_000, values: new Map() }],
  });
  const view = (hosts: ReportingHost[], changed: Partial<HostQuestion> = {}, nowMs = 106_000) =>
    viewHosts({ ...question, ...changed }, hosts, nowMs);
  const callees = (...given: Parameters<typeof view>) =>
    view(...given).filter(({ side }) => side === 'callee');

  it('are of both ends', () => {
    expect(view([caller, reporting()])).toMatchObject([
      { side: 'caller', host: 'one', isCertain: true, process: { pid: '1' } },
      { side: 'callee', host: 'two', isCertain: true, process: { pid: '2', values: { 'listen.port': 80 } } },
    ]);
    expect(view([])).toEqual([]);
  });

  it('of the callee go by its address, else by its service, else by its name', () => {
    const others = { host: 'three', addresses: ['10.0.0.3'] };
    expect(callees([reporting(others), reporting()])).toMatchObject([{ host: 'two', isCertain: true }]);
    const both = [reporting(others), reporting({ addresses: [] })];
    expect(callees(both)).toMatchObject([
      { host: 'three', isCertain: false },
      { host: 'two', isCertain: false },
    ]);
    expect(callees([reporting({ host: 'pay', addresses: [], processes: [] })])).toMatchObject([
      { host: 'pay' },
    ]);
    expect(callees(Array.from({ length: 5 }, () => reporting({ addresses: [] })))).toEqual([]);
  });

  it("of a loopback address are of the caller's own network", () => {
    const local = { ...question.callee, addresses: ['127.0.0.1'] };
    expect(callees([reporting(), caller], { callee: local })).toMatchObject([{ host: 'one', process: null }]);
    expect(callees([reporting()], { callee: local })).toEqual([]);
  });

  it.each([
    { at: [90_000, 99_000, 101_000, 103_000, 110_000], compared: [99_000, 103_000], coversCall: true },
    { at: [100_000, 103_000], compared: [100_000, 103_000], coversCall: true },
    { at: [100_001, 103_000], compared: [100_001, 103_000], coversCall: false },
    { at: [100_000, 102_999], compared: [100_000, 102_999], coversCall: false },
  ])('compare the reports next to the call ($at)', ({ at, compared: [before, after], coversCall }) => {
    expect(callees([reporting({ at })])).toMatchObject([
      { coversCall, counters: { 'tcp.listen_overflows': { before, after } } },
    ]);
  });

  it.each([
    { atMs: 100_000, isOfTheCall: true },
    { atMs: 99_999, isOfTheCall: false },
    { atMs: 115_000, isOfTheCall: true },
    { atMs: 115_001, isOfTheCall: false },
  ])('tell what a process said within a report of the call ($atMs)', ({ atMs, isOfTheCall }) => {
    const processes = [{ service: 'pay', pid: '2', atMs, values: new Map([['listen.port', 80]]) }];
    const [found] = callees([reporting({ processes })]);
    expect(found?.process?.values).toEqual(isOfTheCall ? { 'listen.port': 80 } : {});
  });

  it.each([
    { nowMs: 124_999, isSilent: false },
    { nowMs: 125_000, isSilent: true },
  ])('say when a process that reported before the call does so no more ($nowMs)', ({ nowMs, isSilent }) => {
    const processes = [{ service: 'pay', pid: '2', atMs: 99_999, values: new Map<string, number>() }];
    expect(callees([reporting({ processes })], {}, nowMs)).toMatchObject([{ process: { isSilent } }]);
  });
});
