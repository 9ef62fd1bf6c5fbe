/** What TLS libraries say of a handshake that failed, in words. Pure. */

/** By the names of alerts (RFC 8446, section 6): all are the peer's. */
const ALERT_WORDS = new Map<string, string>([
  ['certificate required', 'the peer demands a client certificate'],
  ['bad certificate', 'the peer demands another client certificate, or any'],
  ['certificate unknown', 'the peer does not take the client certificate'],
  ['unsupported certificate', 'the peer does not take the client certificate'],
  ['certificate revoked', 'to the peer, the client certificate is revoked'],
  ['certificate expired', 'to the peer, the client certificate has expired'],
  ['unknown ca', 'the peer does not trust the CA of the client certificate'],
  ['access denied', 'the peer denies access'],
  ['handshake failure', 'the peer takes nothing of what was offered, or demands a client certificate'],
  ['insufficient security', 'to the peer, all ciphers that were offered are too weak'],
  ['protocol version', 'the peer takes none of the TLS versions that were offered'],
  ['no application protocol', 'the peer speaks none of the protocols that were offered (ALPN)'],
  ['unrecognized name', 'the peer serves no such name (SNI)'],
  ['internal error', 'the peer had an error of its own'],
]);

/** Node's codes (`ERR_SSL_TLSV13_ALERT_…`), OpenSSL's reasons, Java, Go. One that OpenSSL calls no alert is one, too. */
const ALERT = /(?:alert[:_ ]+|remote error: tls: |tlsv1_(?!alert))([a-z_ ]+)/i;

/** null where no alert is known in the words. */
export function tlsAlertWords(text: string): string | null {
  const name = ALERT.exec(text)?.[1]?.toLowerCase().replaceAll('_', ' ').trim();
  return (name !== undefined && ALERT_WORDS.get(name)) || null;
}

/** `403D…:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/…:918:…`: only the reason. */
export function openSslReason(text: string): string {
  return /:error:[\dA-F]+:[^:]*:[^:]*:([^:\n]+)/.exec(text)?.[1] ?? text;
}
