import { describe, expect, it } from 'vitest';
import { corsHeaders, createGuard, refuseRequest } from '../../collector/serve/guard.ts';

const plain = createGuard({ host: '127.0.0.1', origins: [], token: null });
const wildcard = createGuard({ host: '0.0.0.0', origins: [], token: null });
const local = () => ['build-box', '192.168.7.2', 'fe80::1'];

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

const codeFor = (guard = plain, method = 'GET', headers: Record<string, string> = {}) =>
  refuseRequest(guard, method, { host: 'localhost:4319', ...headers }, local)?.code ?? 'allowed';

describe('the Host check', () => {
  it.each([
    'localhost',
    'localhost:4319',
    'LOCALHOST:1',
    'localhost.',
    '127.0.0.1:4319',
    '[::1]:4319',
    '[::1]',
  ])('accepts %s', (host) => expect(codeFor(plain, 'GET', { host })).toBe('allowed'));

  it.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.7.2',
    'build-box',
    '',
    '::1',
  ])('refuses %j on loopback, for every method', (host) => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS'])
      expect(codeFor(plain, method, { host })).toBe('foreign_host');
  });

  it.each(['localhost@evil.example', 'localhost:99999999', 'local host', '[::1', 'localhost/x'])(
    'refuses the malformed %j',
    (host) => expect(codeFor(plain, 'GET', { host })).toBe('foreign_host'),
  );

  it('accepts the bound address and configured names', () => {
    const guard = createGuard({ host: 'Traces.Example', origins: [], token: null, names: ['sockeye'] });
    expect(codeFor(guard, 'GET', { host: 'traces.example:80' })).toBe('allowed');
    expect(codeFor(guard, 'GET', { host: 'sockeye:4319' })).toBe('allowed');
    expect(codeFor(guard, 'GET', { host: 'other' })).toBe('foreign_host');
  });

  it('accepts this machine’s addresses and name when bound to every address, and nothing else', () => {
    for (const host of ['192.168.7.2:4319', 'build-box:4319', '[fe80::1]:4319'])
      expect(codeFor(wildcard, 'GET', { host })).toBe('allowed');
    for (const host of ['192.168.7.3', 'evil.example'])
      expect(codeFor(wildcard, 'GET', { host })).toBe('foreign_host');
  });

  it('says what it got and what it expected', () => {
    const refusal = refuseRequest(plain, 'GET', { host: 'x'.repeat(5000) }, local);
    expect(refusal).toMatchObject({ status: 403, expected: 'localhost, 127.0.0.1, ::1' });
    expect(refusal?.got.length).toBeLessThan(300);
  });
});

describe('the Origin check', () => {
  it('lets requests without an origin and of our own origin change state', () => {
    expect(codeFor(plain, 'POST')).toBe('allowed');
    expect(codeFor(plain, 'POST', { origin: 'http://localhost:4319' })).toBe('allowed');
    expect(codeFor(plain, 'POST', { origin: 'https://LOCALHOST:4319' })).toBe('allowed');
  });

  it.each([
    'http://evil.example',
    'http://localhost:3000',
    'null',
    '',
    'ftp://localhost:4319',
    'localhost:4319',
  ])('refuses state changes from %j and leaves reading to the browser’s own rule', (origin) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH'])
      expect(codeFor(plain, method, { origin })).toBe('foreign_origin');
    expect(codeFor(plain, 'GET', { origin })).toBe('allowed');
  });

  it('lets a configured origin, or any with *, change state', () => {
    const one = createGuard({ host: '127.0.0.1', origins: ['http://app.example'], token: null });
    expect(codeFor(one, 'POST', { origin: 'http://app.example' })).toBe('allowed');
    expect(codeFor(one, 'POST', { origin: 'http://app.example.evil' })).toBe('foreign_origin');
    const any = createGuard({ host: '127.0.0.1', origins: ['*'], token: null });
    expect(codeFor(any, 'POST', { origin: 'http://evil.example' })).toBe('allowed');
  });
});

describe('the token', () => {
  const guard = createGuard({ host: '127.0.0.1', origins: [], token: 'secret:1' });

  it.each(['Bearer secret:1', 'bearer secret:1', basic('anyone:secret:1'), basic(':secret:1')])(
    'is accepted as %s',
    (authorization) => expect(codeFor(guard, 'GET', { authorization })).toBe('allowed'),
  );

  it.each([
    '',
    'Bearer',
    'Bearer secret',
    'Bearer secret:1x',
    'secret:1',
    'Digest secret:1',
    basic('secret:2'),
  ])('is refused as %j', (authorization) =>
    expect(codeFor(guard, 'GET', { authorization })).toBe('token_required'),
  );

  it('is asked of every method but a preflight', () => {
    expect(codeFor(guard, 'GET')).toBe('token_required');
    expect(codeFor(guard, 'OPTIONS')).toBe('token_required');
    expect(codeFor(guard, 'OPTIONS', { 'access-control-request-method': 'POST' })).toBe('allowed');
  });
});

describe('CORS headers', () => {
  const guard = createGuard({ host: '127.0.0.1', origins: ['http://app.example'], token: null });

  it('are absent unless an origin was configured', () => {
    expect(corsHeaders(plain, { origin: 'http://app.example' })).toEqual({});
  });

  it('name the origin when it is configured, and only vary when it is another', () => {
    expect(corsHeaders(guard, { origin: 'http://app.example' })).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': 'http://app.example',
    });
    expect(corsHeaders(guard, { origin: 'http://evil.example' })).toEqual({ vary: 'Origin' });
  });

  it('answer a preflight with the headers it asked for', () => {
    const headers = corsHeaders(guard, {
      origin: 'http://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-tenant',
    });
    expect(headers['access-control-allow-headers']).toBe('content-type,x-tenant');
    expect(headers['access-control-allow-methods']).toContain('POST');
  });
});
