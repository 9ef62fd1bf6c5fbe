/** What is taken from the reports of two hosts about one call: which processes can be meant, and what was when. */
import { describe, expect, it } from 'vitest';
import type { HostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import { viewHosts, type ReportingHost } from '../../collector/diagnose/hosts/host-view.ts';
import type { ReportingProcess } from '../../collector/diagnose/hosts/process-view.ts';

describe('views', () => {
  const question: HostQuestion = {
    spanId: 'c',
    caller: { host: 'one', service: 'shop', pid: '1' },
    callee: { service: 'pay', addresses: ['10.0.0.2', 'pay'], port: '80', process: null },
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
    // The name of a service alone may be anyone's.
    expect(callees([reporting({ addresses: [] })])).toMatchObject([{ host: 'two', isCertain: false }]);
    expect(callees([reporting({ host: 'pay', addresses: [], processes: [] })])).toMatchObject([
      { host: 'pay', isCertain: true },
    ]);
    expect(callees(Array.from({ length: 5 }, () => reporting({ addresses: [] })))).toEqual([]);
  });

  it('of the callee are of the process whose span says that it served the call, however many look like it', () => {
    const workers = Array.from({ length: 9 }, (_, index) => pay({ pid: String(index + 2) }));
    const two = reporting({ addresses: [], processes: workers });
    const served = (host: string, pid: string) => ({
      callee: { ...question.callee, process: { host, service: 'pay', pid } },
    });
    const three = reporting({ host: 'three', processes: workers });
    for (const addresses of [['10.0.0.2'], ['127.0.0.1']]) {
      const { callee } = served('two', '5');
      expect(callees([three, two], { callee: { ...callee, addresses } })).toMatchObject([
        { host: 'two', isCertain: true, processes: [{ pid: '5' }] },
      ]);
    }
    // Instead of one that has not reported, another is found that may be meant.
    for (const unknown of [served('two', '1'), served('one', '5')])
      expect(callees([three, two], unknown)).toMatchObject([
        { host: 'three', isCertain: false, processes: [] },
      ]);
    const threads = ['', '1', '2'].map((thread) => pay({ thread, ...(thread === '2' && { values: {} }) }));
    const found = callees([reporting({ processes: threads })], served('two', '2'));
    expect(found[0]?.processes.map(({ thread }) => thread)).toEqual(['', '1']);
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

  it('have the most descriptors that any report of the call tells of', () => {
    const each = [9, 2, 5, 1].map((open) => ({ 'descriptors.open': open }));
    const at = [90_000, 98_000, 101_000, 106_000];
    expect(processesOf([pay({ at, each })])).toMatchObject([{ values: { 'descriptors.open': 5 } }]);
  });

  it('know when the event loop was blocked for longest, by how long before its report that ended', () => {
    const longest = (ms: number, endedMs: number) => ({
      'event_loop.longest_blocked_ms': ms,
      'event_loop.longest_ended_ms': endedMs,
    });
    const each = [longest(9_000, 0), longest(300, 100), longest(2_000, 1_500), {}];
    const at = [90_000, 100_000, 110_000, 120_000];
    expect(processesOf([pay({ at, each })], 121_000)).toMatchObject([
      { longestBlock: { since: '1970-01-01T00:01:46.500Z', until: '1970-01-01T00:01:48.500Z' } },
    ]);
    expect(processesOf([pay({ at })], 121_000)[0]).not.toHaveProperty('longestBlock');
  });

  it.each([
    [1_900, -7, 1_907],
    [-3, 5, 8],
    [null, 0, null],
    [0, null, null],
  ])(
    "say how far that may be off by the clocks of the caller (%s ms ahead) and the process's own (%s): %s",
    (callerAheadMs, clockAheadMs, clocksApartMs) => {
      const shop = { ...caller, processes: [{ ...caller.processes[0]!, clockAheadMs: callerAheadMs }] };
      const blocked = pay({ clockAheadMs, values: { 'event_loop.longest_blocked_ms': 1_500 } });
      const found = callees([shop, reporting({ processes: [blocked] })]);
      expect(found[0]?.processes).toMatchObject([{ longestBlock: { clocksApartMs } }]);
      const twice = callees([shop, shop, reporting({ processes: [blocked] })]);
      expect(twice[0]?.processes).toMatchObject([{ longestBlock: { clocksApartMs: null } }]);
    },
  );

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
