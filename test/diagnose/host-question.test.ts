/** Whom a verdict asks, about what, and until when. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { hostQuestion } from '../../collector/diagnose/hosts/host-question.ts';
import type { HostView } from '../../collector/diagnose/hosts/host-view.ts';
import { drawTrace } from './draw-trace.ts';
import { acked, seen, silent, type Seen } from './seen-host.ts';

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
    expect(question?.callee).toEqual({
      service: 'pay',
      addresses: ['10.0.0.2', 'pay'],
      port: '80',
      process: null,
    });
    expect(question).toMatchObject({ caller: { service: 'shop' } });
    expect(question!.toUnixMs - question!.fromUnixMs).toBe(2000);
  });

  it('is about the process that says it served the call, where it does', () => {
    const { spans } = drawTrace(`
    shop        |=====================!
      shop>pay   |===================X  peer=pay:80 budget=2000 ${acked}
        pay                         |==|`);
    const [verdict] = diagnoseTrace('1', spans, { normals: new Map() }).verdicts;
    const attributes = new Map<string, string | number>([
      ['service.name', 'pay'],
      ['host.name', 'two'],
      ['process.pid', 7],
    ]);
    const server = { ...spans[2]!, resource: { ...spans[2]!.resource, attributes } };
    expect(hostQuestion(verdict!, spans[1], server)?.callee.process).toEqual({
      host: 'two',
      service: 'pay',
      pid: '7',
    });
  });

  it('is asked until the process has reported that served the call', () => {
    const { spans } = drawTrace(`
    shop        |=====================!
      shop>pay   |===================X  peer=pay:80 budget=2000 ${acked}
        pay                         |==|`);
    const server = (pid?: number) => {
      const attributes = new Map<string, string | number>([
        ['service.name', 'pay'],
        ['host.name', 'host-of-callee'],
      ]);
      if (pid !== undefined) attributes.set('process.pid', pid);
      return { ...spans[2]!, resource: { ...spans[2]!.resource, attributes } };
    };
    const hosts = [seen(() => '0000000000000002', { processes: [{ pid: '7' }] })];
    const [verdict] = diagnoseTrace('1', spans, { normals: new Map(), hosts }).verdicts;
    expect(hostQuestion(verdict!, spans[1], server(8))).not.toBe(null);
    expect(hostQuestion(verdict!, spans[1], server(7))).toBe(null);
    expect(hostQuestion(verdict!, spans[1], server())).toBe(null);
  });

  it('is not asked where the call itself tells its cause', () => {
    expect(ask('type=EADDRNOTAVAIL error="connect EADDRNOTAVAIL"')).toBe(null);
    expect(ask('phase=dns dns=1900')).toBe(null);
  });

  it('is asked until the callee has reported after the call, and the caller, where it reports', () => {
    const told = (...given: Seen[]) => given.map((each) => seen(() => '0000000000000002', each));
    expect(ask(silent, told({ side: 'caller' }))).not.toBe(null);
    expect(ask(silent, told({ hasRoom: false }))).not.toBe(null);
    expect(ask(silent, told({ processes: [{}, { coversCall: false }] }))).not.toBe(null);
    expect(ask(silent, told({}))).toBe(null);
    expect(ask(silent, told({ processes: [{}, { coversCall: false, isSilent: true }] }))).toBe(null);
    const late: Seen = { side: 'caller', hasRoom: false, processes: [{}] };
    expect(ask(silent, told(late, {}))).not.toBe(null);
    expect(ask(silent, told({ ...late, hasRoom: true }, {}))).toBe(null);
    expect(ask(silent, told({ ...late, processes: [{ isSilent: true }] }, {}))).toBe(null);
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
      confidence: 'possible',
      cause: 'G2',
    });
    expect(hostQuestion(verdict!, spans[2])).toBe(null);
  });
});
