/** Servers that share the id of the call they answer, where that call is missing, or where they are not alone. */
import { describe, expect, it } from 'vitest';
import { buildWireTrace } from '../../collector/query/wire-trace.ts';
import { toZipkinSpan } from '../../collector/serve/formats/zipkin-json.ts';
import { drawn, IDS, spansOf } from './read-zipkin.ts';

describe('a span of v2', () => {
  it('whose call never came hangs below the parent that it was sent with', () => {
    const side = (kind: string, id: string, service: string, more: object) => {
      const localEndpoint = { serviceName: service };
      return { traceId: 'abc', id, kind, name: 'get', timestamp: 5, duration: 9, localEndpoint, ...more };
    };
    const first = side('SERVER', 'a', 'web', {});
    const called = side('SERVER', 'b', 'api', { parentId: 'a', shared: true });
    const further = side('SERVER', 'c', 'db', { parentId: 'b', shared: true });
    expect(drawn(spansOf([first, called, further]))).toEqual([
      'web server get',
      '  api server get',
      '    db server get',
    ]);
    const call = side('CLIENT', 'b', 'web', { parentId: 'a' });
    expect(drawn(spansOf([first, call, called]))).toEqual([
      'web server get',
      '  web client get',
      '    api server get',
    ]);
  });

  it('beside another that shares its id gives way to the one that ended last, and says so', () => {
    const side = (kind: string, service: string, timestamp: number, duration: number) => {
      const localEndpoint = { serviceName: service };
      return { ...IDS, kind, name: 'get', timestamp, duration, localEndpoint, shared: kind === 'SERVER' };
    };
    const spans = spansOf([
      side('CLIENT', 'web', 1, 100),
      side('SERVER', 'app', 20, 40),
      side('SERVER', 'proxy', 10, 80),
    ]);
    expect(drawn(spans)).toEqual(['web client get', '  proxy server get']);
    const app = [...buildWireTrace('abc', spans).spans].find(({ service }) => service === 'app');
    expect(app!.flaws).toEqual(['another span has the same id']);
  });

  it('shares the id of the call it answers, and so does no call itself', () => {
    const shared = { ...IDS, parentId: 'ff', timestamp: 5, duration: 1, shared: true };
    for (const kind of ['CLIENT', 'PRODUCER', undefined]) {
      const [span] = spansOf([{ ...shared, kind }]);
      expect(span).toMatchObject({ spanId: '1'.padStart(16, '0'), parentSpanId: 'ff'.padStart(16, '0') });
      expect(toZipkinSpan(span!)).toMatchObject({
        id: span!.spanId,
        parentId: span!.parentSpanId,
        shared: true,
      });
    }
    expect(spansOf([{ ...shared, kind: 'SERVER', parentId: undefined }])[0]!.attributes).toEqual(
      new Map([['zipkin.shared', true]]),
    );
  });
});
