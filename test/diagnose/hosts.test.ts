/** What hosts know decides what a call cannot: the views of its two ends, and the verdicts by them. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { hostQuestion, type HostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import {
  viewHosts,
  type CounterName,
  type HostView,
  type ReportingHost,
} from '../../collector/diagnose/hosts/host-view.ts';
import type {
  ProcessView,
  ReportingProcess,
  ValueName,
} from '../../collector/diagnose/hosts/process-view.ts';
import { drawTrace } from './draw-trace.ts';
import { verdictOf } from './expect-verdict.ts';

type Rise = Partial<Record<CounterName, [before: number, after: number]>>;

interface Seen extends Partial<
  Pick<HostView, 'isCertain' | 'coversCall' | 'hasRoom' | 'clocksAgree' | 'to'>
> {
  side?: 'caller' | 'callee';
  counters?: Rise;
  values?: Partial<Record<ValueName, number>>;
  isSilent?: boolean;
  /** Of several, instead of `values`. */
  processes?: Partial<ProcessView>[];
}

const noon = '2026-01-01T12:00:00.000Z';
const later = '2026-01-01T12:00:10.000Z';
const processOf = (given: Partial<ProcessView>): ProcessView => ({
  service: 'pay',
  pid: '7',
  thread: '',
  from: noon,
  at: later,
  coversCall: true,
  isSilent: false,
  values: {},
  ...given,
});

/** The view of an end of the call of shop to pay, at whose host nothing happened unless told otherwise. */
const seen = (id: (label: string) => string, given: Seen): HostView => {
  const {
    side = 'callee',
    counters = { 'tcp.listen_overflows': [5, 5], 'tcp.retransmit_failures': [2, 2] },
    hasRoom = true,
    values,
    isSilent,
    processes = values || isSilent ? [{ values: values ?? {}, isSilent: isSilent ?? false }] : [],
    ...rest
  } = given;
  return {
    spanId: id('shop>pay'),
    side,
    host: `host-of-${side}`,
    networkNamespace: '',
    isCertain: true,
    coversCall: true,
    hasRoom,
    clocksAgree: true,
    from: noon,
    to: later,
    counters: Object.fromEntries(
      Object.entries(counters).map(([name, [before, after]]) => [name, { before, after }]),
    ),
    unchanged: hasRoom
      ? Object.entries(counters).flatMap(([name, [before, after]]) => (before === after ? [name] : []))
      : [],
    processes: processes.map(processOf),
    ...rest,
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
  ] as const)('%s of %d ms: %s, %s', (name, ms, cause, confidence) => {
    const verdict = judged(acked, { values: { [name]: ms, 'listen.port': 80 } });
    expect(verdict).toMatchObject({ cause, confidence });
    expect(verdict.evidence.filter(({ source }) => source === 'host')).toHaveLength(ms < 950 ? 0 : 1);
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
    expect(ask(silent, told({ hasRoom: false }))).not.toBe(null);
    expect(ask(silent, told({ processes: [{}, { coversCall: false }] }))).not.toBe(null);
    expect(ask(silent, told({}))).toBe(null);
    expect(ask(silent, told({ processes: [{}, { coversCall: false, isSilent: true }] }))).toBe(null);
  });

  it('is not asked of many calls taken together', () => {
    const { spans } = drawTrace(`
      gateway          |==============================!
        gateway>shop   |==============================X  phase=wait budget=3000
          shop         |====================================!
            shop>db    |===||===||===||===||===||===||===||===|   op="select price"`);
    const [verdict] = diagnoseTrace('1', spans, { normals: new Map() }).verdicts;
    expect(verdict).toMatchObject({
      origin: { spanId: spans[2]!.spanId },
      confidence: 'likely',
      cause: 'G2',
    });
    expect(hostQuestion(verdict!, spans[2])).toBe(null);
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
  /** Reports of the process at these times, the newest last, each with these values. */
  const pay = (
    given: Partial<Omit<ReportingProcess, 'values'>> & {
      at?: number[];
      values?: Record<string, number>;
      each?: readonly Readonly<Record<string, number>>[];
    },
  ): ReportingProcess => {
    const { at = [95_000, 105_000], values = { 'listen.port': 80 }, each, ...rest } = given;
    const reports = at.map((atMs, index) => ({
      atMs,
      values: new Map(Object.entries({ ...values, ...each?.[index] })),
    }));
    const who = { service: 'pay', pid: '2', thread: '', clockAheadMs: 0 };
    return { ...who, ...reports.at(-1)!, earlier: reports.slice(0, -1), ...rest };
  };
  const reporting = (given: Partial<ReportingHost> & { at?: number[] } = {}): ReportingHost => {
    const { at = [95_000, 105_000], ...rest } = given;
    return {
      host: 'two',
      namespace: '',
      addresses: ['10.0.0.2'],
      reports: at.map((atMs) => ({ atMs, counters: new Map([['tcp.listen_overflows', atMs]]) })),
      processes: [pay({})],
      ...rest,
    };
  };
  const caller = reporting({
    host: 'one',
    addresses: ['10.0.0.1'],
    processes: [pay({ service: 'shop', pid: '1', values: {} })],
  });
  const view = (hosts: ReportingHost[], changed: Partial<HostQuestion> = {}, nowMs = 106_000) =>
    viewHosts({ ...question, ...changed }, hosts, nowMs);
  const callees = (...given: Parameters<typeof view>) =>
    view(...given).filter(({ side }) => side === 'callee');

  it('are of both ends', () => {
    expect(view([caller, reporting()])).toMatchObject([
      { side: 'caller', host: 'one', isCertain: true, processes: [{ pid: '1' }] },
      {
        side: 'callee',
        host: 'two',
        isCertain: true,
        processes: [{ pid: '2', values: { 'listen.port': 80 } }],
      },
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
    expect(callees([reporting(), caller], { callee: local })).toMatchObject([{ host: 'one', processes: [] }]);
    expect(callees([reporting()], { callee: local })).toEqual([]);
    expect(callees([caller, { ...caller, namespace: '2' }], { callee: local })).toMatchObject([
      { host: 'one', isCertain: false },
      { host: 'one', isCertain: false },
    ]);
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
    { at: [98_000, 105_000], hasRoom: true },
    { at: [98_001, 105_000], hasRoom: false },
    { at: [98_000, 104_999], hasRoom: false },
  ])('tell what did not rise where reports lie well before and after the call ($at)', ({ at, hasRoom }) => {
    const reports = at.map((atMs) => ({ atMs, counters: new Map([['tcp.listen_overflows', 5]]) }));
    expect(callees([reporting({ reports })])).toMatchObject([
      { coversCall: true, hasRoom, unchanged: hasRoom ? ['tcp.listen_overflows'] : [] },
    ]);
  });

  it('tell nothing of the totals of a host that was started anew meanwhile', () => {
    const reportsOf = (...overflows: number[]) =>
      overflows.map((count, index) => ({
        atMs: 90_000 + 10_000 * index,
        counters: new Map([
          ['tcp.listen_overflows', count],
          ['tcp.retransmit_failures', 3],
        ]),
      }));
    for (const overflows of [
      [500, 7, 7],
      [5, 0, 5],
    ])
      expect(callees([reporting({ reports: reportsOf(...overflows) })])).toMatchObject([
        { counters: {}, unchanged: [] },
      ]);
  });

  it.each([
    [0, true],
    [2_000, true],
    [-2_000, true],
    [2_001, false],
    [-12_000, false],
    [null, false],
  ])("know whether the caller's clock, %s ms ahead, is that of reports: %s", (clockAheadMs, clocksAgree) => {
    const shop = { ...caller, processes: [{ ...caller.processes[0]!, clockAheadMs }] };
    expect(view([shop, reporting()])).toMatchObject([{ clocksAgree }, { clocksAgree }]);
    expect(callees([reporting()])).toMatchObject([{ clocksAgree: false }]);
  });

  const processesOf = (processes: ReportingProcess[], nowMs?: number) =>
    callees([reporting({ processes })], {}, nowMs)[0]!.processes;

  it('are of all processes that may have been called, whichever reported last', () => {
    const found = processesOf([
      pay({ pid: '1', values: {} }),
      pay({ pid: '2' }),
      pay({ pid: '3', service: 'other' }),
      pay({ pid: '4', service: 'other', values: { 'listen.port': 81 } }),
      pay({ pid: '5', thread: '1', values: { 'event_loop.blocked_ms': 9_000 } }),
      pay({ pid: '6', service: 'other', each: [{ 'listen.port': 80 }, { 'listen.port': 81 }] }),
    ]);
    expect(found.map(({ pid }) => pid)).toEqual(['1', '2', '3', '6']);
    expect(processesOf(Array.from({ length: 8 }, () => pay({})))).toHaveLength(8);
    expect(processesOf(Array.from({ length: 9 }, () => pay({})))).toEqual([]);
  });

  it.each([
    { at: [98_000, 105_000], coversCall: true },
    { at: [98_001, 105_000], coversCall: false },
    { at: [98_000, 104_999], coversCall: false },
    { at: [102_500, 112_500], coversCall: false },
    { at: [98_000, 108_000, 118_000], coversCall: true },
    { at: [98_000, 110_001], coversCall: false },
  ])('of a process cover the call by reports that follow each other ($at)', ({ at, coversCall }) => {
    expect(processesOf([pay({ at })])).toMatchObject([{ coversCall }]);
  });

  it('of a process that was blocked cover the call though it reported late', () => {
    const each = [0, 40_000].map((blockedMs) => ({ 'event_loop.blocked_ms': blockedMs }));
    const blocked = pay({ at: [98_000, 150_000], each });
    expect(processesOf([blocked], 151_000)).toMatchObject([
      { coversCall: true, from: '1970-01-01T00:01:38.000Z', at: '1970-01-01T00:02:30.000Z' },
    ]);
  });

  it('keep what was said of the call when later reports say nothing of it', () => {
    const each = [{ 'event_loop.blocked_ms': 7 }, { 'event_loop.blocked_ms': 2_000 }];
    const at = [92_500, 102_500];
    const soon = processesOf([pay({ at, each })], 103_000);
    expect(soon).toMatchObject([{ values: { 'event_loop.blocked_ms': 2_000 } }]);
    const none = { 'event_loop.blocked_ms': 0 };
    const late = processesOf([pay({ at: [...at, 112_500, 122_500], each: [...each, none, none] })], 123_000);
    expect(late).toMatchObject([
      { coversCall: true, at: '1970-01-01T00:01:52.500Z', values: { 'event_loop.blocked_ms': 2_000 } },
    ]);
    const first = pay({ at: [102_500, 112_500], each: [{ 'event_loop.blocked_ms': 2_000 }, none] });
    expect(processesOf([first])).toMatchObject([
      { coversCall: false, from: null, values: { 'event_loop.blocked_ms': 2_000 } },
    ]);
  });

  it('have the measures of the report in which most waited', () => {
    const each = [5, 1, 3, 2].map((queue) => ({ 'listen.queue': queue }));
    const at = [90_000, 98_000, 101_000, 106_000];
    expect(processesOf([pay({ at, each })])).toMatchObject([{ values: { 'listen.queue': 3 } }]);
  });

  it.each([
    { at: [100_000], isOfTheCall: true },
    { at: [99_999], isOfTheCall: false },
    { at: [115_000], isOfTheCall: true },
    { at: [115_001], isOfTheCall: false },
  ])('tell what a process measured within a report of the call ($at)', ({ at, isOfTheCall }) => {
    const [found] = processesOf([pay({ at })]);
    expect(found?.values).toEqual(isOfTheCall ? { 'listen.port': 80 } : {});
  });

  it.each([
    { nowMs: 124_999, isSilent: false },
    { nowMs: 125_000, isSilent: true },
  ])('say when a process that reported before the call does so no more ($nowMs)', ({ nowMs, isSilent }) => {
    expect(processesOf([pay({ at: [99_999] })], nowMs)).toMatchObject([{ isSilent }]);
  });
});
