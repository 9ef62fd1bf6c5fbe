/** Questions find the hosts they may be about among many. */
import { expect, it } from 'vitest';
import { indexHosts, wantedBy } from '../../collector/diagnose/hosts/host-index.ts';
import type { HostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import type { ReportingHost } from '../../collector/diagnose/hosts/host-view.ts';

const question: HostQuestion = {
  spanId: 'c',
  caller: { host: 'one', service: 'shop', pid: '1' },
  callee: { service: 'pay', addresses: ['pay.local', '10.0.0.2'], port: '80', process: null },
  fromUnixMs: 0,
  toUnixMs: 1,
};

const host = (name: string, addresses: string[] = [], services: string[] = []): ReportingHost => ({
  host: name,
  namespace: '',
  addresses,
  reports: [],
  processes: services.map((service) => ({
    service,
    pid: '1',
    thread: '',
    atMs: 0,
    values: new Map(),
    earlier: [],
    clockAheadMs: null,
  })),
});

const found = (hosts: readonly ReportingHost[], alikeMax = 5) =>
  indexHosts(hosts, alikeMax)(question).map((each) => each.host);

it('wanted are hosts that may be concerned', () => {
  const isWanted = (given: object) =>
    wantedBy([question])({ host: 'x', addresses: [], services: new Set(), ...given });
  expect(
    [{ host: 'one' }, { addresses: ['10.0.0.2'] }, { services: new Set(['pay']) }, { host: 'pay.local' }].map(
      isWanted,
    ),
  ).toEqual([true, true, true, true]);
  expect(isWanted({ services: new Set(['shop']) })).toBe(false);
});

it('the host of the caller is found by its process, those of the callee by service, address and name', () => {
  const hosts = [
    host('one', [], ['shop']),
    host('one', [], ['other']),
    host('two', ['10.0.0.2']),
    host('three', ['10.0.0.3']),
    host('four', [], ['pay']),
    host('pay.local'),
    host('five', [], ['shop']),
  ];
  expect(found(hosts)).toEqual(['one', 'four', 'pay.local', 'two']);
});

it('the host of the process that served the call is found by that process', () => {
  const served = { ...question.callee, process: { host: 'six', service: 'pay-worker', pid: '1' } };
  const asked = { ...question, callee: served };
  const hosts = [host('six', [], ['pay-worker']), host('seven', [], ['pay-worker'])];
  expect(indexHosts(hosts, 5)(asked).map((each) => each.host)).toEqual(['six']);
  const names = { addresses: [], services: new Set<string>() };
  expect(['six', 'seven'].map((name) => wantedBy([asked])({ host: name, ...names }))).toEqual([true, false]);
});

it('a host that is found in several ways is found once', () => {
  expect(found([host('one', ['10.0.0.2'], ['shop', 'pay'])])).toEqual(['one']);
});

it('of hosts that are alike so many are found as may be', () => {
  const hosts = Array.from({ length: 9 }, (_, index) => host(`h${index}`, ['10.0.0.2']));
  expect(found(hosts, 5)).toEqual(['h0', 'h1', 'h2', 'h3', 'h4']);
});
