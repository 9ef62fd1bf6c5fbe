import { describe, expect, it } from 'vitest';
import { parseQuery } from '../../collector/query/parse-query.ts';
import type { Incident } from '../../collector/serve/wire.ts';
import { errorQuery, matchIncidents, readSearch, type PastedError } from '../../ui/search/pasted-error.ts';
import { sayQuery } from '../../ui/search/plain-words.ts';
import shop from './fixtures/incidents-shop.json';

function errorOf(line: string): PastedError {
  const read = readSearch(line);
  if (read.kind !== 'error') throw new Error(`read as ${read.kind}`);
  return read.error;
}

describe('what is put into the search box', () => {
  it.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['service:checkout timeout:true', 'query'],
    ['service:checkout (duration>2s OR status:error)', 'query'],
    ['operation:"GET /timeout of 10.0.0.1:80"', 'query'],
    ['-status:error http.response.status_code>=500', 'query'],
    ['phase:connect', 'query'],
    ['db.system.name~^post', 'query'],
    ['checkout', 'query'],
    ['face', 'query'],
    ['7D1C4E5F60718293A4B5C6D7E8F9E09B', 'trace'],
    ['a4b5c6d7e8f9e09b', 'trace'],
    ['traceparent: 00-7d1c4e5f60718293a4b5c6d7e8f9e09b-00f067aa0ba902b7-01 connection timed out', 'trace'],
    ['{"level":"error","trace_id":"7d1c4e5f60718293a4b5c6d7e8f9e09b","msg":"timeout"}', 'trace'],
    ['Error: socket hang up', 'error'],
    ['connect ETIMEDOUT 10.0.3.7:8443', 'error'],
    ['something odd at 10.0.3.7:8443', 'error'],
    ['ERROR /race Error: gave up after 700 ms', 'error'],
    ['2026-11-22T13:57:13.351Z ERROR /race Error: gave up after 700 ms', 'error'],
    ['2026-11-22T13:57:13.351Z request failed', 'error'],
    ['2026-11-22T13:57:13.351Z', 'query'],
    ['service:checkout timeout', 'query'],
    ['service:checkout Error:', 'query'],
    ['2026-11-22T13:57:13.351Z status:504 upstream timeout', 'error'],
  ])('%s is read as %s', (text, kind) => {
    expect(readSearch(text).kind).toBe(kind);
  });

  it('gives a trace id in lower case', () => {
    expect(readSearch(' 7D1C4E5F60718293A4B5C6D7E8F9E09B ')).toEqual({
      kind: 'trace',
      traceId: '7d1c4e5f60718293a4b5c6d7e8f9e09b',
    });
  });
});

describe('plain words', () => {
  it('look for services and operations of that name', () => {
    expect(readSearch('checkout')).toEqual({ kind: 'query', q: '(service~checkout OR operation~checkout)' });
    expect(readSearch('gateway /buy')).toMatchObject({
      q: '(service~gateway OR operation~gateway) (service~/buy OR operation~/buy)',
    });
  });

  it('that are a status or a host look for calls that were answered so, or went there', () => {
    expect(readSearch('504')).toMatchObject({
      q: '(service~504 OR operation~504 OR http.response.status_code:504 OR http.status_code:504)',
    });
    expect(readSearch('POST loyalty.nowhere')).toMatchObject({
      q: '(service~POST OR operation~POST) (service~loyalty.nowhere OR operation~loyalty.nowhere OR server.address:loyalty.nowhere OR network.peer.address:loyalty.nowhere)',
    });
    for (const word of ['504', 'loyalty.nowhere', '10.0.3.7'])
      expect(() => parseQuery((readSearch(word) as { q: string }).q)).not.toThrow();
    expect(readSearch('/orders/504')).toMatchObject({ q: '(service~/orders/504 OR operation~/orders/504)' });
  });

  it('that found nothing say how to ask for what they do not look at', () => {
    const says = (text: string) => sayQuery((readSearch(text) as { q: string }).q);
    expect(says('payments')).toContain('server.address:payments');
    expect(says('status:error')).toBe('The query is status:error');
  });

  it.each(['service:a', 'a OR b', '-a', 'operation:"GET /x"', 'duration>2s'])(
    '%s is a query and stays itself',
    (q) => {
      expect(readSearch(q)).toEqual({ kind: 'query', q });
    },
  );
});

describe('a pasted error', () => {
  it.each([
    ['dial tcp 10.0.3.7:8443: connect: getsockopt: connection timed out', '10.0.3.7', 8443, 'connect'],
    ['dial tcp 10.0.0.2:51234->10.0.3.7:8443: getsockopt: connection timed out', '10.0.3.7', 8443, 'connect'],
    ['dial tcp: lookup payments on 10.0.0.10:53: no such host', 'payments', null, 'dns'],
    ['Error: connect ETIMEDOUT 10.0.3.7:8443 at TCPConnectWrap.afterConnect', '10.0.3.7', 8443, 'connect'],
    ['Error: connect ECONNREFUSED ::1:8443', '::1', 8443, 'connect'],
    ['Error: connect ETIMEDOUT fd00:1::7:443 - Local (:::0)', 'fd00:1::7', 443, 'connect'],
    ['Error: connect ECONNREFUSED [fd00::7]:8443', 'fd00::7', 8443, 'connect'],
    ['getaddrinfo ENOTFOUND payments.internal', 'payments.internal', null, 'dns'],
    ['getaddrinfo EAI_AGAIN payments', 'payments', null, 'dns'],
    ['Post "https://payments:8443/pay": net/http: TLS handshake timeout', 'payments', 8443, 'tls'],
    [
      'Get "http://search/q": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
      'search',
      null,
      'wait',
    ],
    ['TypeError: fetch failed cause: HeadersTimeoutError UND_ERR_HEADERS_TIMEOUT', null, null, 'wait'],
    ['org.postgresql.util.PSQLException: Connection to db.internal:5432 refused', 'db.internal', 5432, null],
    ['rpc error: code = DEADLINE_EXCEEDED desc = context deadline exceeded', null, null, null],
    ['upstream request timeout 504 from 10.0.3.7', '10.0.3.7', null, null],
  ])('%s names %s port %s in %s', (line, host, port, phase) => {
    expect(errorOf(line)).toMatchObject({ host, port, phase });
  });

  it.each([
    ['2026-11-22T14:03:22Z connect ETIMEDOUT 10.0.3.7:8443', '2026-11-22T14:03:22.000Z'],
    ['2026-11-22T14:03:22.118456789Z connect ETIMEDOUT', '2026-11-22T14:03:22.118Z'],
    ['2026-11-22T15:03:22+01:00 connect ETIMEDOUT', '2026-11-22T14:03:22.000Z'],
    ['2026/11/22 14:03:22 UTC dial tcp 10.0.3.7:8443: i/o timeout', '2026-11-22T14:03:22.000Z'],
    ['[2026-11-22 14:03:22,118Z] ERROR Read timed out', '2026-11-22T14:03:22.118Z'],
    ['{"ts":1795356202118,"msg":"socket hang up"}', '2026-11-22T14:03:22.118Z'],
    ['1795356202.118 ETIMEDOUT', '2026-11-22T14:03:22.000Z'],
  ])('%s was written at %s', (line, iso) => {
    expect(new Date(errorOf(line).atUnixMs ?? 0).toISOString()).toBe(iso);
  });

  it.each([
    [
      '2026-11-22T13:57:13.351Z ERROR /hang-fetch TimeoutError: The operation was aborted due to timeout 23',
      '/hang-fetch',
      'TimeoutError',
    ],
    ['ERROR /race Error: gave up after 700 ms', '/race', null],
    ['GET https://payments/v1/pay?id=3 ECONNRESET', '/v1/pay', 'ECONNRESET'],
    ['path=/buy UND_ERR_HEADERS_TIMEOUT', '/buy', 'UND_ERR_HEADERS_TIMEOUT'],
    ['TypeError: fetch failed at run (/app/server.js:23:11)', null, 'TypeError'],
    ['socket hang up', null, null],
  ])('%s names the path %s and the error %s', (line, path, errorType) => {
    expect(errorOf(line)).toMatchObject({ path, errorType });
  });

  it('without a time has none, and a clock alone is no host', () => {
    expect(errorOf('14:03:22 socket hang up')).toMatchObject({ host: null, port: null, atUnixMs: null });
  });

  it('asks for calls to the same place that failed', () => {
    expect(errorQuery(errorOf('connect ETIMEDOUT 10.0.3.7:8443'))).toBe(
      '(server.address:10.0.3.7 OR network.peer.address:10.0.3.7) ' +
        '(server.port:8443 OR network.peer.port:8443) (timeout:true OR status:error)',
    );
    expect(errorQuery(errorOf('connect ECONNREFUSED [fd00::7]:8443'))).toContain('server.address:"fd00::7"');
  });
});

describe('the incident a pasted error belongs to', () => {
  const incidents = shop.incidents as Incident[];
  const find = (line: string) =>
    matchIncidents(errorOf(line), incidents).map((incident) => incident.fingerprint);

  it('shares its address', () => {
    expect(find('dial tcp 10.0.3.7:8443: getsockopt: connection timed out')[0]).toBe(
      'checkout-payments-connect',
    );
  });

  it('is that of the callee it names', () => {
    expect(find('connect ECONNREFUSED shipping:8080')).toEqual(['checkout-shipping-refused']);
  });

  it('went on at its time, give or take five minutes', () => {
    const line = (time: string) => `${time} connect ECONNREFUSED shipping:8080`;
    expect(find(line('2026-11-22T14:08:55Z'))).toHaveLength(1);
    expect(find(line('2026-11-22T14:08:56Z'))).toHaveLength(0);
    expect(find(line('2026-11-22T13:56:05Z'))).toHaveLength(1);
    expect(find(line('2026-11-22T13:56:04Z'))).toHaveLength(0);
  });

  it('has its port, where it knows one, by address and by name', () => {
    expect(find('connect ECONNREFUSED shipping:8081')).toEqual([]);
    expect(find('dial tcp 10.0.3.7:8080: getsockopt: connection timed out')).toEqual([]);
    expect(find('Get "http://search:9999/q": context deadline exceeded')).toEqual(['gateway-search-wait']);
  });

  it.each([
    ['dial tcp 10.0.3.9:8080: connect: getsockopt: connection timed out', []],
    ['read tcp 10.0.0.2:51234->10.0.3.9:8080: read: connection reset by peer', []],
    ['dial tcp 10.0.3.9:8080: connect: connection refused', ['checkout-shipping-refused']],
    ['Error: connect ECONNREFUSED 10.0.3.7:8443', []],
    ['connect EHOSTUNREACH 10.0.3.7:8443', []],
    ['something odd at 10.0.3.7:8443', ['checkout-payments-connect']],
    ['Error: socket hang up calling 10.0.3.7:8443', ['checkout-payments-connect']],
    ['dial tcp: lookup payments on 10.0.0.10:53: no such host', []],
    ['dial tcp: lookup payments on 10.0.0.10:53: i/o timeout', []],
    ['504 from upstream payments:8443', ['checkout-payments-connect']],
  ])('is of no kind that the line contradicts: %s', (line, found) => {
    expect(find(line)).toEqual(found);
  });

  it('is no other one behind the same address: a laptop has one address for all', () => {
    const local = incidents.map((incident, index) => ({
      ...incident,
      shared: [
        { key: 'network.peer.address', value: '127.0.0.1', share: 1 },
        { key: 'network.peer.port', value: String(33_987 + index), share: 1 },
      ],
    }));
    const [match, ...others] = matchIncidents(errorOf('connect ETIMEDOUT 127.0.0.1:33988'), local);
    expect([match?.fingerprint, others]).toEqual(['gateway-search-wait', []]);
    expect(matchIncidents(errorOf('connect ETIMEDOUT 127.0.0.1:33989'), local)).toEqual([]);
    // An origin inside a service is a server span, whose peer is the caller.
    const inside = local.map((incident) => ({ ...incident, edge: 'search' }));
    expect(matchIncidents(errorOf('connect ETIMEDOUT 127.0.0.1:33988'), inside)).toEqual([]);
  });

  it('is none when nothing names the place', () => {
    expect(find('dial tcp 10.9.9.9:8443: getsockopt: connection timed out')).toEqual([]);
    expect(find('socket hang up')).toEqual([]);
  });
});
