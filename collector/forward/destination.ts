/** Another backend that spans are forwarded to: what is known of it, and how it is written. Types, and what is shown of it. */
import type { Signal } from '../decode/otlp-pieces.ts';

export interface Destination {
  /** What its queue is known by: as it was named, else its URL without secrets. */
  readonly name: string;
  /** Without secrets. */
  readonly url: string;
  readonly protocol: 'grpc' | 'http';
  readonly isTls: boolean;
  /** A v6 host without brackets. */
  readonly host: string;
  readonly port: number;
  /** Of HTTP, what `/v1/…` is appended to; the whole path of a signal where it ends so. */
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** PEM; the system's CAs and no certificate of ours where null. */
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
  readonly timeoutMs: number;
  readonly signals: readonly Signal[];
  readonly compression: 'gzip' | 'none';
}

/** Where a signal is posted to. */
export function pathOf({ path }: Destination, signal: Signal): string {
  return /\/v1\/(traces|metrics|logs)$/.test(path) ? path : `${path}/v1/${signal}`;
}
