import { describe, expect, it } from 'vitest';
import { at, IDS, place, spansOf, told } from './read-zipkin.ts';

describe('a span of v1', () => {
  const read = (span: object) =>
    spansOf([{ ...IDS, name: 'x', ...span }], 'v1').map((one) => ({
      ...told(one),
      startUs: Number(one.startUnixNano / 1000n),
      ids: [one.spanId, one.parentSpanId],
    }));

  it('that holds both sides is two, the server within the client, whose times are the span’s own', () => {
    const both = read({
      parentId: 'ff',
      timestamp: 90,
      duration: 120,
      annotations: [
        at('cs', 100, 'a'),
        at('sr', 120, 'b'),
        at('ss', 180, 'b'),
        at('cr', 200, 'a'),
        at('note', 130, 'b'),
      ],
      binaryAnnotations: [{ key: 'k', value: 'v', endpoint: place('b') }],
    });
    const [client, server] = both;
    expect(client).toMatchObject({
      service: 'a',
      kind: 'client',
      startUs: 90,
      durationUs: 120,
      ids: ['0000000000000001', '00000000000000ff'],
      events: [],
    });
    expect(server).toMatchObject({
      service: 'b',
      kind: 'server',
      startUs: 120,
      durationUs: 60,
      ids: ['fffffffffffffffe', '0000000000000001'],
      events: ['note'],
      attributes: { k: 'v', 'zipkin.shared': true },
    });
  });

  it('by which a service calls itself is two all the same', () => {
    const both = read({
      annotations: [at('cs', 1, 'a'), at('sr', 2, 'a'), at('ss', 3, 'a'), at('cr', 4, 'a')],
    });
    expect(both.map(({ kind, durationUs }) => [kind, durationUs])).toEqual([
      ['client', 3],
      ['server', 1],
    ]);
  });

  it('of a server shares its id where it gives no time of its own, and else does not', () => {
    const annotations = [at('sr', 5, 'a'), at('ss', 7, 'a')];
    expect(read({ annotations })[0]).toMatchObject({ ids: ['fffffffffffffffe', '0000000000000001'] });
    const [own] = read({ annotations, timestamp: 5, duration: 2 });
    expect(own).toMatchObject({ ids: ['0000000000000001', ''], durationUs: 2 });
  });

  it('whose clock was set back before it ended took nothing of its own, and leaves the others as they are', () => {
    const annotations = [at('cs', 1, 'a'), at('sr', 9, 'b'), at('ss', 7, 'b'), at('cr', 4, 'a')];
    expect(read({ annotations }).map(({ kind, startUs, durationUs }) => [kind, startUs, durationUs])).toEqual(
      [
        ['client', 1, 3],
        ['server', 9, 0],
      ],
    );
  });

  it('that began and ended in one microsecond has ended, as has one without sides that says so', () => {
    expect(read({ annotations: [at('cs', 5, 'a'), at('cr', 5, 'a')] })[0]!.durationUs).toBe(0);
    expect(read({ timestamp: 5, duration: 0 })[0]!.durationUs).toBe(0);
    expect(read({ timestamp: 5, duration: 0, annotations: [at('cs', 5, 'a')] })[0]!.durationUs).toBe(0);
  });

  it('of which only the beginning came has not ended', () => {
    const [open] = spansOf([{ ...IDS, annotations: [at('cs', 5, 'a')] }], 'v1');
    expect(open).toMatchObject({ kind: 'client', startUnixNano: 5_000n, endUnixNano: 0n });
  });

  it('of a message is that of its producer, and of its consumer, with the broker', () => {
    const broker = [{ key: 'ma', value: true, endpoint: place('kafka') }];
    const [sent] = read({ annotations: [at('ms', 5, 'a'), at('ws', 8, 'a')], binaryAnnotations: broker });
    expect(sent).toMatchObject({ kind: 'producer', durationUs: 3, attributes: { 'peer.service': 'kafka' } });
    const [got] = read({ annotations: [at('mr', 9, 'b')], binaryAnnotations: broker });
    expect(got).toMatchObject({
      kind: 'consumer',
      startUs: 9,
      durationUs: 0,
      attributes: { 'peer.service': 'kafka' },
    });
    const [polled] = read({ annotations: [at('wr', 6, 'b'), at('mr', 9, 'b')] });
    expect(polled).toMatchObject({ kind: 'consumer', startUs: 6, durationUs: 3 });
    const [neither] = read({ annotations: [at('wr', 6, 'b')] });
    expect(neither).toMatchObject({ service: 'b', kind: 'internal', events: ['wr'] });
  });

  it('without sides is where its marker says, and its address is whom it knows', () => {
    const [local] = read({
      timestamp: 5,
      duration: 2,
      binaryAnnotations: [
        { key: 'lc', value: '', endpoint: place('a') },
        { key: 'sa', value: true, endpoint: place('db') },
        { key: 'rows', value: 7 },
      ],
    });
    expect(local).toMatchObject({
      service: 'a',
      kind: 'internal',
      durationUs: 2,
      attributes: { 'peer.service': 'db', rows: '7' },
    });
    expect(local!.attributes).not.toHaveProperty('lc');
    const [server] = read({ binaryAnnotations: [{ key: 'ca', value: true, endpoint: place('caller') }] });
    expect(server).toMatchObject({ kind: 'server', attributes: { 'peer.service': 'caller' } });
  });

  it('whose client has the server’s own name did not call itself', () => {
    const annotations = [at('sr', 5, 'a'), at('ss', 7, 'a')];
    const ca = { key: 'ca', value: true, endpoint: { serviceName: 'a', ipv4: '10.0.0.9' } };
    expect(read({ annotations, binaryAnnotations: [ca] })[0]!.attributes).toEqual({
      'network.peer.address': '10.0.0.9',
      'zipkin.shared': true,
    });
  });

  it('has tags of any name', () => {
    const tags = ['__proto__', 'constructor'].map((key) => ({ key, value: 'x' }));
    expect(Object.keys(read({ binaryAnnotations: tags })[0]!.attributes)).toEqual([
      '__proto__',
      'constructor',
    ]);
  });
});
