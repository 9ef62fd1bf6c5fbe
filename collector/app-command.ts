/**
 * The command that starts a Node service with the hook and sends to this collector: printed at the start, and shown by
 * the page while no span has come. It holds no secret: what only its owner may know is a variable of the shell. Pure.
 */
import { X509Certificate } from 'node:crypto';

export interface Reached {
  /** As `/api/status` says it. */
  readonly otlpGrpc: string;
  /** The hook's file; null when it is not installed beside the collector. */
  readonly hook: string | null;
  /** A Node that can load it. */
  readonly node: string;
  readonly hasToken: boolean;
  readonly tls: { readonly cert: Buffer; readonly certFile: string; readonly asksForClient: boolean } | null;
}

/** Null without the hook. */
export function appCommand({ otlpGrpc, hook, node, hasToken, tls }: Reached): string | null {
  if (hook === null) return null;
  const certificate = tls && new X509Certificate(tls.cert);
  const address = nameFor(otlpGrpc.replace(/^(?:0\.0\.0\.0|\[::\]):/, '127.0.0.1:'), certificate);
  const isUsual = tls === null && /^(?:127\.0\.0\.1|localhost):4317$/.test(address);
  const variables = {
    ENDPOINT: isUsual ? null : `${tls === null ? 'http' : 'https'}://${address}`,
    HEADERS: hasToken ? '"authorization=Bearer $SOCKEYE_TOKEN"' : null,
    // One that a CA signed is trusted by way of the CA, which is not known here.
    CERTIFICATE: tls && certificate?.checkIssued(certificate) ? quoted(tls.certFile) : null,
    CLIENT_CERTIFICATE: tls?.asksForClient ? '"$CLIENT_CERT"' : null,
    CLIENT_KEY: tls?.asksForClient ? '"$CLIENT_KEY"' : null,
  };
  const set = Object.entries(variables).filter(([, value]) => value !== null);
  return [
    ...set.map(([name, value]) => `OTEL_EXPORTER_OTLP_${name}=${value}`),
    `${quoted(node)} --require ${quoted(hook)} app.js`,
  ].join(' ');
}

/** Which variables of the shell the command takes, in words; null when none. */
export function sayVariables(command: string): string | null {
  const hints = [
    ...(command.includes('$SOCKEYE_TOKEN') ? ['SOCKEYE_TOKEN to the token of this collector'] : []),
    ...(command.includes('$CLIENT_KEY')
      ? ['CLIENT_CERT and CLIENT_KEY to the files of a client’s certificate and key']
      : []),
  ];
  return hints.length === 0 ? null : `first set ${hints.join(', ')}`;
}

/** The address, with a name that the certificate is for where it is for none of the address itself. */
function nameFor(address: string, certificate: X509Certificate | null): string {
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (certificate === null || certificate.checkIP(host) || certificate.checkHost(host)) return address;
  const names = certificate.subjectAltName?.matchAll(/DNS:([\w.-]+)/g) ?? [];
  const [name] = [...names].map(([, found]) => found);
  return certificate.checkHost('localhost') ? `localhost:${port}` : name ? `${name}:${port}` : address;
}

/** For a shell; most paths need nothing. */
function quoted(text: string): string {
  return /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
