import { describe, expect, it } from 'vitest';
import { callUrl } from '../../collector/diagnose/call-url.ts';
import type { AttributeValue } from '../../collector/span.ts';
import { makeSpan } from './make-span.ts';

const urlOf = (call: Record<string, AttributeValue>, server?: Record<string, AttributeValue>) =>
  callUrl(makeSpan({ attributes: call }), server ? makeSpan({ attributes: server }) : null);
const pay = { 'server.address': 'payments', 'server.port': 8080 };

describe('the URL that a call asked for', () => {
  it('is the one that was recorded', () => {
    expect(urlOf({ 'url.full': 'https://payments:8443/pay/17?currency=EUR' })).toBe(
      "'https://payments:8443/pay/17?currency=EUR'",
    );
    expect(urlOf({ 'http.url': 'http://payments/pay' })).toBe("'http://payments/pay'");
  });

  it('is put together from its parts, the path of the server’s span where the call has none', () => {
    expect(urlOf({ ...pay, 'url.path': '/pay' })).toBe("'http://payments:8080/pay'");
    expect(urlOf({ ...pay, 'http.target': '/pay?x=1' })).toBe("'http://payments:8080/pay?x=1'");
    expect(urlOf({ ...pay, 'url.path': '/pay', 'url.query': 'x=1' })).toBe("'http://payments:8080/pay?x=1'");
    expect(urlOf(pay, { 'url.path': '/pay/{id}' })).toBe("'http://payments:8080/pay/%7Bid%7D'");
    expect(urlOf(pay)).toBe("'http://payments:8080/'");
    expect(urlOf({ 'server.address': '::1', 'server.port': 80 })).toBe("'http://[::1]/'");
  });

  it('is https where the call says so, had a handshake, or went to a port for it', () => {
    expect(urlOf({ ...pay, 'url.scheme': 'https' })).toBe("'https://payments:8080/'");
    expect(urlOf({ ...pay, 'sockeye.phase.tls_ms': 3 })).toBe("'https://payments:8080/'");
    expect(urlOf({ 'server.address': 'payments', 'server.port': 443 })).toBe("'https://payments/'");
  });

  it('tells no secret', () => {
    expect(urlOf({ 'url.full': 'https://user:pw@payments/pay?api_key=123&n=2&token=x&flag#top' })).toBe(
      "'https://payments/pay?api_key=REDACTED&n=2&token=REDACTED&flag'",
    );
  });

  it('says no more to a shell than a URL', () => {
    expect(urlOf({ 'url.full': "http://payments/$(reboot)`x`'; reboot; '" })).toMatch(/^'[^']+'$/);
    for (const host of ['$(reboot)', 'a b', "o'brien", 'a/b', 'a@b', '']) {
      expect(urlOf({ 'server.address': host, 'server.port': 80 }) ?? '').not.toMatch(
        /reboot|brien|\s|a@b|a\/b/,
      );
    }
  });

  it('is shortened when it is long', () => {
    const path = '/x'.repeat(100);
    expect(urlOf({ 'url.full': `http://payments${path}?q=${'y'.repeat(300)}` })).toBe(
      `'http://payments${path}'`,
    );
    expect(urlOf({ 'url.full': `http://payments/${'z'.repeat(400)}` })).toBe("'http://payments/'");
  });

  it('is none where nothing says where the call went', () => {
    expect(urlOf({})).toBeNull();
    expect(urlOf({ 'url.full': 'file:///etc/passwd' })).toBeNull();
  });
});
