import { describe, expect, it } from 'vitest';
import { matchRoute, splitTarget, type Method, type Route } from '../../collector/serve/route.ts';

const row = (method: Method, path: string): Route => ({
  method,
  path,
  summary: path,
  gives: {},
  handle: () => ({ type: '', body: '' }),
});
const TABLE = [
  row('GET', '/'),
  row('GET', '/api/traces'),
  row('GET', '/api/traces/:id'),
  row('PUT', '/api/traces/:id/pin'),
  row('DELETE', '/api/traces/:id/pin'),
  row('GET', '/jaeger/*'),
];

function match(method: string, target: string): string {
  const found = matchRoute(TABLE, method, splitTarget(target).segments);
  if (found === null) return 'none';
  return 'route' in found
    ? `${found.route.path} ${JSON.stringify(found.path)}`
    : `allow ${found.allow.join(' ')}`;
}

describe('matching', () => {
  it('finds a route by method and path, and what stands for its names', () => {
    expect(match('GET', '/')).toBe('/ {}');
    expect(match('GET', '/api/traces?limit=1')).toBe('/api/traces {}');
    expect(match('GET', '/api/traces/a%2Fb%20c')).toBe('/api/traces/:id {"id":"a/b c"}');
  });

  it('answers HEAD by the row for GET', () => {
    expect(match('HEAD', '/api/traces/1')).toBe('/api/traces/:id {"id":"1"}');
  });

  it('names the methods of a path that has others', () => {
    expect(match('POST', '/api/traces')).toBe('allow GET HEAD OPTIONS');
    expect(match('GET', '/api/traces/1/pin')).toBe('allow PUT DELETE OPTIONS');
    expect(match('get', '/api/traces')).toBe('allow GET HEAD OPTIONS');
  });

  it('takes any number of segments for *', () => {
    expect(match('GET', '/jaeger')).toBe('/jaeger/* {}');
    expect(match('GET', '/jaeger/api/services')).toBe('/jaeger/* {}');
    expect(match('GET', '/jaegers')).toBe('none');
  });

  it.each([
    '/api',
    '/api/traces/',
    '/api/traces//pin',
    '/api/traces/1/',
    '/API/traces',
    '//',
    '/api/../api/traces',
  ])('finds nothing for %s', (target) => expect(match('GET', target)).toBe('none'));
});

describe('a request target', () => {
  it('may hold anything that is escaped', () => {
    const { segments, query } = splitTarget('/a%00b/%3Cscript%3E/ü?q=%26%3D%20x+y&e=');
    expect(segments).toEqual(['a\0b', '<script>', 'ü']);
    expect([...query]).toEqual([
      ['q', '&= x y'],
      ['e', ''],
    ]);
  });

  it.each(['', '*', 'api', 'http://evil.example/api/status', '/%', '/%zz', '/%ff', '/a?q=%', '/a?q=%c3%28'])(
    'is malformed: %j',
    (target) => {
      expect(() => splitTarget(target)).toThrow('cannot be read');
    },
  );
});
