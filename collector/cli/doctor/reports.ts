/** What the process that probes is told to do, and what it tells of each step. Types only: they cross a process by JSON. */
import type { Phase } from '../../diagnose/verdict.ts';
import type { Target } from './target.ts';

/** `listen`: what a peer says of itself, where nothing is known that could be asked. */
export type Step = 'dns' | 'connect' | 'tls' | 'request' | 'http2' | 'listen';

export interface Order {
  readonly target: Target;
  /** Of each step. */
  readonly timeoutMs: number;
  readonly method: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The file of the hook that is loaded; null without. */
  readonly hook: string | null;
}

export interface Address {
  readonly address: string;
  readonly family: number;
}

export interface Failure {
  /** `ECONNREFUSED`, `CERT_HAS_EXPIRED`; '' where the error has none. */
  readonly code: string;
  readonly message: string;
  /** The step was not over in its time. */
  readonly isTimeout: boolean;
}

export interface AskedServer {
  readonly server: string;
  readonly ms: number;
  readonly addresses: readonly string[];
  /** `ENOTFOUND`, `ETIMEOUT`; '' where it gave addresses. */
  readonly code: string;
}

export interface LookupFacts {
  readonly addresses: readonly Address[];
  /** As the system is configured. */
  readonly servers: readonly string[];
  /** The name stands in the hosts file, which is asked before any server. */
  readonly isInHostsFile: boolean;
  /** Each server by itself, where the lookup failed or was slow. */
  readonly asked: readonly AskedServer[];
}

export interface Certificate {
  readonly subject: string;
  /** `DNS:a, DNS:b, IP Address:10.0.0.1`. */
  readonly names: string;
  readonly issuer: string;
  readonly isSelfSigned: boolean;
  readonly validFromUnixMs: number;
  readonly validToUnixMs: number;
}

export interface TlsFacts {
  /** '' where the handshake did not come so far. */
  readonly version: string;
  readonly alpn: string;
  readonly certificate: Certificate | null;
}

export interface AnswerFacts {
  readonly status: number;
  readonly reason: string;
  /** As it may be shown. */
  readonly location: string;
  readonly server: string;
  readonly firstByteMs: number;
  readonly bodyBytes: number;
  /** What is long by design, too much, or still comes when its time is over, was not read to its end. */
  readonly isRestUnread: boolean;
}

export interface ListenFacts {
  /** What the peer said first, as far as it was read; '' when it said nothing. */
  readonly said: string;
  readonly isClosed: boolean;
}

export interface Begun {
  readonly kind: 'begun';
  readonly step: Step;
  /** '' of a lookup. */
  readonly address: string;
}

export interface Ended {
  readonly kind: 'ended';
  readonly step: Step;
  readonly address: string;
  /** Of the span around the step, by which the call's own is found; '' without the hook. */
  readonly spanId: string;
  readonly startUnixMs: number;
  readonly ms: number;
  /** As measured by the probe itself; the last one is where it failed, if it did. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly failure: Failure | null;
  readonly lookup?: LookupFacts;
  readonly tls?: TlsFacts;
  readonly answer?: AnswerFacts;
  readonly heard?: ListenFacts;
}

export type Report = Begun | Ended | { readonly kind: 'done' };
