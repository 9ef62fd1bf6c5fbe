/** A server that began with a request after its caller had given up: whether the request lay with it, or on the way. */
import { describe, expect, it } from 'vitest';
import { verdictOf } from './expect-verdict.ts';
import { seen, type Seen } from './seen-host.ts';

describe('a request that was read after its caller had given up', () => {
  const late = (notes: string, bar = '                           |==|', views: Seen[] = []) =>
    verdictOf(
      `
      shop        |=====================!  host=one
        shop>pay   |===================X  peer=pay:80 budget=2000 phase=wait host=one ${notes}
          pay  ${bar}  host=one`,
      {},
      (id) => views.map((view) => seen(id, view)),
    );
  const lost = 'sockeye.tcp.bytes_acked=0 sockeye.tcp.unacked=1 sockeye.tcp.retransmits=3';

  it.each([
    [
      'on a connection that idled before',
      `${lost} sockeye.connection.reused=true sockeye.connection.idle_ms=6000`,
      ['B5', 'A2', 'A4', 'A3', 'A1', 'A5'],
    ],
    ['on a new one', `${lost} sockeye.connection.reused=false`, ['A2', 'A4', 'A3', 'C2', 'A1', 'A5']],
  ])('was lost on the way where nothing of it was ever acknowledged, %s', (_, notes, causes) => {
    const verdict = late(notes);
    expect(verdict.confidence).toBe('possible');
    expect(verdict.causes.toSorted()).toEqual(causes.toSorted());
    expect(verdict.evidence.map(({ text }) => text)).toContain(
      'pay:80 began with it 2.300 s after the call did, 0.300 s after the give-up: nothing of the request had come through before',
    );
  });
  it('did not wait for a process that has sent the span of it since', () => {
    const silent = [{ processes: [{ isSilent: true }] }] as Seen[];
    const verdict = late('sockeye.tcp.unacked=0', undefined, silent);
    expect(verdict.evidence.map(({ text }) => text).join()).not.toContain('has reported nothing');
    expect(late('sockeye.tcp.unacked=0', '      |===~', silent).by).toBe('shop>pay');
  });
  it('arrived: that is known, whatever the kernel tells of its connection', () => {
    expect(late('wait=1990').sentence).toContain('the request arrived, no answer came');
  });
});
