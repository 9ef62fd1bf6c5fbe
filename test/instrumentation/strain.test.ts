import { describe, expect, it } from 'vitest';
import { serviceVersion } from '../../instrumentation/settings.ts';
import { hasEnvoyHeaders, meshListening } from '../../instrumentation/sidecar.ts';
import { cpuGroupFolders, readThrottledMs } from '../../instrumentation/strain/cpu-throttling.ts';
import { lookupQueue, lookupThreads } from '../../instrumentation/strain/lookup-queue.ts';
import { keepPauses } from '../../instrumentation/strain/pauses.ts';

describe('pauses', () => {
  it('count as far as they lie within the time asked about', () => {
    const pauses = keepPauses(8);
    pauses.add(100, 150);
    pauses.add(200, 300);
    expect(pauses.within(0, 1000)).toBe(150);
    expect(pauses.within(120, 250)).toBe(80);
    expect(pauses.within(150, 200)).toBe(0);
    expect(pauses.within(300, 400)).toBe(0);
  });

  it('tell of the longest that ended within the time asked about', () => {
    const pauses = keepPauses(8);
    pauses.add(0, 90);
    pauses.add(100, 150);
    pauses.add(200, 220);
    expect(pauses.longest(150, 220)).toEqual({ startMs: 100, endMs: 150 });
    expect(pauses.longest(151, 220)).toEqual({ startMs: 200, endMs: 220 });
    expect(pauses.longest(151, 219)).toBeUndefined();
  });

  it('are forgotten, the oldest first, beyond their number', () => {
    const pauses = keepPauses(2);
    for (const start of [0, 10, 20]) pauses.add(start, start + 5);
    expect(pauses.within(0, 100)).toBe(10);
  });
});

describe('throttling', () => {
  it('is read from cpu.stat of both versions, and unknown where there is none', () => {
    expect(readThrottledMs('usage_usec 1\nnr_throttled 3\nthrottled_usec 250000\n')).toBe(250);
    expect(readThrottledMs('nr_periods 5\nnr_throttled 3\nthrottled_time 250000000\n')).toBe(250);
    expect(readThrottledMs('usage_usec 1\n')).toBeUndefined();
  });

  it('is looked for in the group of the process, then at the top, where a container sees its own', () => {
    expect(cpuGroupFolders('0::/kubepods/pod1\n')).toEqual([
      '/sys/fs/cgroup/kubepods/pod1',
      '/sys/fs/cgroup',
      '/sys/fs/cgroup/cpu',
      '/sys/fs/cgroup/cpu,cpuacct',
    ]);
    expect(cpuGroupFolders('4:memory:/m\n2:cpu,cpuacct:/docker/a\n0::/\n')[0]).toBe(
      '/sys/fs/cgroup/cpu,cpuacct/docker/a',
    );
  });
});

describe('lookups of names', () => {
  it('wait in order when the threads they may have are taken', () => {
    const queue = lookupQueue(2);
    const [first, second, third, fourth] = [0, 1, 2, 3].map((nowMs) => queue.ask(nowMs));
    expect([first, second, third, fourth].map((each) => each!.begunMs)).toEqual([0, 1, undefined, undefined]);
    queue.end(second!, 50);
    expect([third!.begunMs, fourth!.begunMs]).toEqual([50, undefined]);
    queue.end(first!, 90);
    expect(fourth!.begunMs).toBe(90);
  });

  it('that leave the queue without a thread let the next one pass', () => {
    const queue = lookupQueue(1);
    const [first, second, third] = [0, 1, 2].map((nowMs) => queue.ask(nowMs));
    queue.end(second!, 10);
    queue.end(first!, 20);
    expect([second!.begunMs, third!.begunMs]).toEqual([undefined, 20]);
  });

  it.each([
    [undefined, 2],
    ['4', 2],
    ['1', 1],
    ['128', 64],
    ['0', 2],
    ['9999', 512],
  ])('have, of a pool of %s threads, %i', (size, threads) => {
    expect(lookupThreads(size)).toBe(threads);
  });
});

describe('a mesh', () => {
  const row = (port: string, state: string) =>
    `   0: 00000000:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  0 0 1 1\n`;

  it('is known by the ports of its proxy that are listened on', () => {
    expect(meshListening(`  sl  local_address\n${row('1F90', '0A')}${row('3A99', '0A')}`)).toBe('istio');
    expect(meshListening(row('102F', '0A'))).toBe('linkerd');
    expect(meshListening(row('3A99', '01') + row('1F90', '0A'))).toBeUndefined();
    expect(meshListening('')).toBeUndefined();
  });

  it('is known by what Envoy adds to answers', () => {
    expect(hasEnvoyHeaders({ 'content-type': 'text/plain', 'x-envoy-upstream-service-time': '3' })).toBe(
      true,
    );
    expect(hasEnvoyHeaders({ 'x-envoyish': '1' })).toBe(false);
  });
});

describe('the version of a service', () => {
  it('is that of the environment, else of the package', () => {
    const folder = import.meta.dirname;
    expect(
      serviceVersion({ OTEL_RESOURCE_ATTRIBUTES: 'a=b, service.version=2.1.0 ,c=d' }, undefined, folder),
    ).toBe('2.1.0');
    expect(serviceVersion({}, undefined, folder)).toBe('0.1.0');
    expect(serviceVersion({}, '/nowhere/app.js', '/')).toBeUndefined();
  });
});
