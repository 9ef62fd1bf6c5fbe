/** The words of TLS libraries for a handshake that failed. */
import { expect, test } from 'vitest';
import { openSslReason, tlsAlertWords } from '../../collector/diagnose/tls-words.ts';
import { failedCall } from './expect-verdict.ts';

const RAW =
  '403D49B43B7F0000:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 116';

test.each([
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /demands a client certificate$/],
  [RAW, /demands a client certificate$/],
  ['remote error: tls: certificate required', /demands a client certificate$/],
  ['Received fatal alert: handshake_failure', /or demands a client certificate$/],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', /or demands a client certificate$/],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', /\(ALPN\)$/],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /none of the TLS versions/],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', /no such name/],
])('%s is put into words', (text, words) => {
  expect(tlsAlertWords(text)).toMatch(words);
});

test.each(['ERR_SSL_WRONG_VERSION_NUMBER', 'SSL alert number 116', 'alert', ''])(
  '%s is no known alert',
  (text) => {
    expect(tlsAlertWords(text)).toBeNull();
  },
);

test('of what OpenSSL says, the reason alone is the same at each run', () => {
  expect(openSslReason(RAW)).toBe('tlsv13 alert certificate required');
  expect(openSslReason(`write EPROTO ${RAW}\n`)).toBe('tlsv13 alert certificate required');
  expect(openSslReason('connect ECONNREFUSED 127.0.0.1:1')).toBe('connect ECONNREFUSED 127.0.0.1:1');
});

test('a verdict says what the peer wanted', () => {
  const verdict = failedCall(
    `type=ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED error="${RAW}" connect=1 tls=2`,
    '!',
  );
  expect(verdict.sentence).toMatch(
    /could not set up TLS with pay:80 after .* s: the peer demands a client cert/,
  );
  expect(verdict.evidence[0]!.text).toBe('the error says: tlsv13 alert certificate required');
  expect(failedCall('type=ERR_SSL_WRONG_VERSION_NUMBER error="wrong version number"', '!').sentence).toMatch(
    /: the handshake failed\.$/,
  );
});
