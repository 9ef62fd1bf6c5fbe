/** One attempt a function: to connect, to set up TLS, to ask by HTTP, to hear what a peer says. Each ends within its time. */
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestHttps } from 'node:https';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { connect as connectTls, type PeerCertificate, type TLSSocket } from 'node:tls';
import { openSslReason } from '../../diagnose/tls-words.ts';
import type { Phase } from '../../diagnose/verdict.ts';
import type { Address, AnswerFacts, Certificate, Failure, ListenFacts, Order, TlsFacts } from './reports.ts';
import { labelOf, type Target } from './target.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface Attempt {
  readonly ms: number;
  readonly phases: Partial<Record<Phase, number>>;
  readonly failure: Failure | null;
}

/** Who speaks first does so at once; most protocols wait to be asked. */
const LISTEN_MS = 1_000;
const LEAVE_MS = 500;
const SAID_BYTES_MAX = 200;
/** Read of an answer, to see that it comes. */
const BODY_BYTES_MAX = 64 << 20;

export class PhaseTimeout extends Error {
  override readonly name = 'PhaseTimeout';
}

/** Times phases that follow each other. */
class Clock {
  readonly #beganMs = performance.now();
  #enteredMs = this.#beganMs;
  #phase: Phase;
  readonly #done: Partial<Record<Phase, number>> = {};
  constructor(first: Phase) {
    this.#phase = first;
  }
  enter(next: Phase): void {
    this.#done[this.#phase] = performance.now() - this.#enteredMs;
    this.#enteredMs = performance.now();
    this.#phase = next;
  }
  get elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }
  end(error: Error | null): Attempt {
    const phases = { ...this.#done, [this.#phase]: performance.now() - this.#enteredMs };
    return { ms: this.elapsedMs, phases, failure: error && failureOf(error) };
  }
}

export function failureOf(error: Error & { code?: unknown }): Failure {
  const isTimeout = error instanceof PhaseTimeout;
  const code = typeof error.code === 'string' ? error.code : isTimeout ? 'ETIMEDOUT' : '';
  return { code, message: openSslReason(error.message), isTimeout };
}

/** Whatever the name is, this address is called. */
function placeOf({ host, port }: Target, { address, family }: Address) {
  const lookup: LookupFunction = (_, options, done) =>
    options.all ? done(null, [{ address, family }]) : done(null, address, family);
  return { host, port, lookup, autoSelectFamily: false, ...(isIP(host) === 0 && { servername: host }) };
}

export function tryConnect(target: Target, address: Address, timeoutMs: number): Promise<Attempt> {
  return new Promise((resolve) => {
    const clock = new Clock('connect');
    const socket = openTcp(target, address);
    const stop = stopAfter(timeoutMs, socket, 'no connection');
    socket.once('error', (error) => (stop(), resolve(clock.end(error))));
    socket.once('connect', () => {
      stop();
      resolve(clock.end(null));
      leave(socket);
    });
  });
}

/** In vain, too: who does not trust a certificate sees it all the same where `isStrict` is false. */
export function tryTls(
  target: Target,
  address: Address,
  timeoutMs: number,
  isStrict: boolean,
): Promise<Attempt & TlsFacts> {
  return new Promise((resolve) => {
    const clock = new Clock('connect');
    const socket = openTls(target, address, isStrict);
    let stop = stopAfter(timeoutMs, socket, 'no connection');
    const seen: TlsFacts = { version: '', alpn: '', certificate: null };
    socket.once('connect', () => {
      clock.enter('tls');
      stop();
      stop = stopAfter(timeoutMs, socket, 'no TLS');
    });
    socket.once('error', (error) => (stop(), resolve({ ...clock.end(error), ...seen })));
    // A FIN in the middle of the handshake is an error of Node's own.
    socket.once('secureConnect', () => {
      stop();
      resolve({
        ...clock.end(null),
        version: socket.getProtocol() ?? '',
        alpn: socket.alpnProtocol || '',
        certificate: certificateOf(socket.getPeerCertificate()),
      });
      leave(socket);
    });
  });
}

function openTcp(target: Target, address: Address): Socket {
  const { servername: _, ...place } = placeOf(target, address);
  return connect(place);
}

function openTls(target: Target, address: Address, rejectUnauthorized: boolean): TLSSocket {
  const protocols = target.isHttp2 ? ['h2'] : ['h2', 'http/1.1'];
  const offered = target.http === null && !target.isHttp2 ? {} : { ALPNProtocols: protocols };
  return connectTls({ ...placeOf(target, address), ...offered, rejectUnauthorized });
}

function certificateOf(given: PeerCertificate): Certificate | null {
  const { subject, issuer } = given;
  if (subject === undefined || issuer === undefined) return null;
  return {
    subject: nameOf(subject),
    names: given.subjectaltname ?? '',
    issuer: nameOf(issuer),
    isSelfSigned: JSON.stringify(subject) === JSON.stringify(issuer),
    validFromUnixMs: Date.parse(given.valid_from),
    validToUnixMs: Date.parse(given.valid_to),
  };
}

function nameOf({ CN, O, OU }: PeerCertificate['subject']): string {
  return [CN, O, OU].flat().find(Boolean) ?? '';
}

/** Errors that tell of the certificate, not of the handshake. */
export function isAboutCertificate({ code }: Failure): boolean {
  return /CERT|SIGNATURE|ISSUER|CRL|CA_|HOSTNAME/.test(code) && !code.startsWith('ERR_SSL_');
}

export function tryRequest(
  { target, timeoutMs, method, headers }: Order,
  address: Address,
): Promise<Attempt & { readonly answer?: AnswerFacts }> {
  return new Promise((resolve) => {
    const clock = new Clock('connect');
    const { path = '/', credentials = null } = target.http ?? {};
    const request = (target.isTls ? requestHttps : requestHttp)({
      ...placeOf(target, address),
      method,
      path,
      headers: { accept: '*/*', 'user-agent': 'sockeye-doctor', ...collected(headers) },
      auth: credentials,
      agent: false,
      rejectUnauthorized: true,
    });
    let stop = stopAfter(timeoutMs, request, 'no connection');
    let answer: Omit<AnswerFacts, 'isRestUnread'> | null = null;
    const end = (error: Error | null, isRestUnread = false): void => {
      stop();
      resolve({ ...clock.end(error), ...(answer !== null && { answer: { ...answer, isRestUnread } }) });
      // What comes late is nobody's.
      request.on('error', () => {}).destroy();
    };
    request.once('socket', (socket) => {
      const sent = () => {
        clock.enter('send');
        stop();
        stop = stopAfter(timeoutMs, request, 'no answer');
      };
      socket.once('connect', () => (target.isTls ? clock.enter('tls') : sent()));
      if (target.isTls) socket.once('secureConnect', sent);
    });
    request.once('finish', () => {
      // A request without a body is handed over before there is a connection.
      const { socket } = request;
      const wait = () => clock.enter('wait');
      if (socket?.connecting === false) wait();
      else socket?.once(target.isTls ? 'secureConnect' : 'connect', wait);
    });
    request.once('error', (error) => end(error));
    request.once('response', (response) => {
      const firstByteMs = clock.elapsedMs;
      clock.enter('receive');
      const awaitMore = (): void => {
        stop();
        stop = stopAfter(timeoutMs, request, 'no more of the answer');
      };
      awaitMore();
      answer = { ...factsOf(response), firstByteMs, bodyBytes: 0 };
      if (/^text\/event-stream/i.test(response.headers['content-type'] ?? '')) return end(null, true);
      response.on('data', (chunk: Buffer) => {
        answer = { ...answer!, bodyBytes: answer!.bodyBytes + chunk.length };
        const isOverdue = clock.elapsedMs - firstByteMs > timeoutMs;
        if (isOverdue || answer.bodyBytes > BODY_BYTES_MAX) return end(null, true);
        awaitMore();
      });
      response.once('end', () => end(null));
      response.once('error', (error) => end(error));
    });
    request.once('upgrade', (response: IncomingMessage) => {
      answer = { ...factsOf(response), firstByteMs: clock.elapsedMs, bodyBytes: 0 };
      end(null, true);
    });
    request.end();
  });
}

function factsOf({ statusCode = 0, statusMessage = '', headers }: IncomingMessage) {
  const { location = '', server = '' } = headers;
  const shownLocation = withoutSecrets(location);
  return { status: statusCode, reason: statusMessage, location: shownLocation, server: String(server) };
}

/** Several of a name are several lines. */
function collected(headers: Order['headers']): Record<string, string | string[]> {
  const byName = Map.groupBy(headers, ([name]) => name.toLowerCase());
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.length === 1 ? all[0]![1] : all.map(([, value]) => value)]),
  );
}

/** Whether the peer answers the preface of HTTP/2, as a server of gRPC does. */
export function tryHttp2(target: Target, address: Address, timeoutMs: number): Promise<Attempt> {
  return new Promise((resolve) => {
    const clock = new Clock('connect');
    const socket = target.isTls ? openTls(target, address, true) : openTcp(target, address);
    socket.once(target.isTls ? 'secureConnect' : 'connect', () => clock.enter('wait'));
    const authority = `${target.isTls ? 'https' : 'http'}://${labelOf(target)}`;
    const session = connectHttp2(authority, { createConnection: () => socket });
    const stop = stopAfter(timeoutMs, session, 'no HTTP/2');
    const end = (error: Error | null): void => {
      stop();
      resolve(clock.end(error));
      session.on('error', () => {});
      if (!session.destroyed) session.close();
      setTimeout(() => session.destroy(), LEAVE_MS).unref();
    };
    session.once('remoteSettings', () => end(null));
    session.once('error', (error) => end(error));
    session.once('close', () => end(hungUp()));
  });
}

/** A peer that closes what it took, before anything was said, has nothing behind it, or does not want us. */
export function tryListen(
  target: Target,
  address: Address,
  timeoutMs: number,
): Promise<Attempt & { readonly heard: ListenFacts }> {
  return new Promise((resolve) => {
    const clock = new Clock('connect');
    const socket = target.isTls ? openTls(target, address, true) : openTcp(target, address);
    const stop = stopAfter(timeoutMs, socket, 'no connection');
    let listening: NodeJS.Timeout | undefined;
    const end = (error: Error | null, heard: ListenFacts): void => {
      stop();
      clearTimeout(listening);
      resolve({ ...clock.end(error), heard });
      leave(socket);
    };
    const silent = { said: '', isClosed: false };
    socket.once('error', (error) => end(error, { ...silent, isClosed: true }));
    socket.once(target.isTls ? 'secureConnect' : 'connect', () => {
      stop();
      clock.enter('wait');
      listening = setTimeout(() => end(null, silent), Math.min(LISTEN_MS, timeoutMs));
      socket.once('data', (chunk: Buffer) =>
        end(null, { ...silent, said: chunk.subarray(0, SAID_BYTES_MAX).toString() }),
      );
      socket.once('end', () => end(hungUp(), { ...silent, isClosed: true }));
    });
  });
}

/** As Node says of a peer that ends a connection too soon. */
function hungUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

/** By a FIN: a reset would be an error to a peer that has just said something. */
function leave(socket: Socket): void {
  socket.on('error', () => {});
  socket.resume().end();
  setTimeout(() => socket.destroy(), LEAVE_MS).unref();
}

/** Returns what takes it back. */
function stopAfter(ms: number, stopped: { destroy(error: Error): unknown }, what: string): () => void {
  const timer = setTimeout(() => stopped.destroy(new PhaseTimeout(`${what} within ${ms / 1000} s`)), ms);
  return () => clearTimeout(timer);
}
