/**
 * The process that `sockeye doctor` starts: it has the hook, calls the target as a program would, one step at a time, and tells
 * its parent of each. What the kernel knows of these calls the hook sees, and sends as of any program.
 *
 *     dns ─▶ connect, to each address by itself ─▶ tls ─▶ request, or http2, or listen, where nothing can be asked
 *
 * It goes on as long as one address can be reached, and ends with its parent.
 */
import { get } from 'node:http';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createSecureContext } from 'node:tls';
import {
  failureOf,
  isAboutCertificate,
  PhaseTimeout,
  tryConnect,
  tryHttp2,
  tryListen,
  tryRequest,
  tryTls,
  type Attempt,
} from './attempts.ts';
import { askServers, isInHostsFile, lookUp, nameServers } from './look-up.ts';
import type { Address, Ended, LookupFacts, Order, Report, Step } from './reports.ts';

/** A name may have hundreds. */
const ADDRESSES_TRIED_MAX = 16;
/** Slower than this, each of its servers is asked what it has to say. */
const SLOW_LOOKUP_MS = 1_000;
const WARM_UP_MS = 1_000;

type Result = Attempt & Pick<Ended, 'lookup' | 'tls' | 'answer' | 'heard'>;
type InSpan = <Value>(step: Step, run: () => Promise<Value>) => Promise<{ value: Value; spanId: string }>;

process.once('disconnect', () => process.exit());
// A terminal sends it to the parent as well, who ends this process.
process.on('SIGINT', () => {});
process.once('message', (order: Order) => void probe(order).then(end));

function tell(report: Report): void {
  process.send?.(report);
}

/** The parent ends this process when it has the spans of the last step. */
function end(): void {
  tell({ kind: 'done' });
}

async function probe(order: Order): Promise<void> {
  const { target, timeoutMs } = order;
  await warmUp(order);
  const inSpan = spansOf(order);
  const take = async (step: Step, address: string, run: () => Promise<Result>): Promise<Result> => {
    tell({ kind: 'begun', step, address });
    const startUnixMs = Date.now();
    const { value, spanId } = await inSpan(step, run);
    tell({ kind: 'ended', step, address, spanId, startUnixMs, ...value });
    return value;
  };

  const addresses = await findAddresses(order, take);
  const tried = await Promise.all(
    addresses.slice(0, ADDRESSES_TRIED_MAX).map(async (each) => ({
      each,
      ...(await take('connect', each.address, () => tryConnect(target, each, timeoutMs))),
    })),
  );
  const reached = tried.find(({ failure }) => failure === null)?.each;
  if (reached === undefined) return;
  const { address } = reached;
  if (target.isTls) {
    const { failure } = await take('tls', address, () => handshake(order, reached));
    if (failure !== null) return;
  }
  if (target.isHttp2) await take('http2', address, () => tryHttp2(target, reached, timeoutMs));
  else if (target.http === null) {
    await take('listen', address, async () => tryListen(target, reached, timeoutMs));
  } else await take('request', address, () => tryRequest(order, reached));
}

/** What a program loads at its first call is none of the target's time: modules, certificates, what the kernel is asked by. */
async function warmUp({ hook, target }: Order): Promise<void> {
  if (target.isTls) createSecureContext();
  const ours = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (hook === null || ours === undefined) return;
  const signal = AbortSignal.timeout(WARM_UP_MS);
  await new Promise((resolve) =>
    get(ours, { agent: false, signal }, (answer) => answer.resume().once('close', resolve)).once(
      'error',
      resolve,
    ),
  );
}

type Take = (step: Step, address: string, run: () => Promise<Result>) => Promise<Result>;

async function findAddresses({ target, timeoutMs }: Order, take: Take): Promise<readonly Address[]> {
  const { host, isAddress } = target;
  if (isAddress) return [{ address: host, family: isIP(host) }];
  const { lookup } = await take('dns', '', async () => {
    const beganMs = performance.now();
    let addresses: readonly Address[] = [];
    let failure: Result['failure'] = null;
    try {
      addresses = await within(timeoutMs, lookUp(host));
    } catch (error) {
      failure = failureOf(error as Error);
    }
    const ms = performance.now() - beganMs;
    const inHostsFile = await isInHostsFile(host);
    const isAsked = !inHostsFile && (failure !== null || ms >= SLOW_LOOKUP_MS);
    const facts: LookupFacts = {
      addresses,
      servers: nameServers(),
      isInHostsFile: inHostsFile,
      asked: isAsked ? await askServers(host, timeoutMs) : [],
    };
    return { ms, phases: { dns: ms }, failure, lookup: facts };
  });
  return lookup?.addresses ?? [];
}

/** A lookup cannot be called back: it is left alone. */
async function within<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new PhaseTimeout(`no address within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A certificate that is not trusted is looked at by a second one, which trusts it. */
async function handshake({ target, timeoutMs }: Order, address: Address): Promise<Result> {
  const { version, alpn, certificate, ...strict } = await tryTls(target, address, timeoutMs, true);
  const { failure } = strict;
  if (failure === null || !isAboutCertificate(failure))
    return { ...strict, tls: { version, alpn, certificate } };
  const lax = await tryTls(target, address, timeoutMs, false);
  return { ...strict, tls: { version: lax.version, alpn: lax.alpn, certificate: lax.certificate } };
}

/** What of OpenTelemetry's API is needed, of the hook's own copy. */
interface SpanApi {
  readonly context: { active(): object; with<Value>(context: object, run: () => Value): Value };
  readonly trace: {
    getTracer(name: string): { startSpan(name: string): ApiSpan };
    setSpan(context: object, span: ApiSpan): object;
  };
}
interface ApiSpan {
  spanContext(): { readonly spanId: string };
  end(): void;
}

/** A span around each step: the hook's span of the call that is made in it is its child. */
function spansOf({ hook }: Order): InSpan {
  const api = hook === null ? null : apiOf(hook);
  if (api === null) return async (_, run) => ({ value: await run(), spanId: '' });
  const tracer = api.trace.getTracer('sockeye.doctor');
  return async (step, run) => {
    const span = tracer.startSpan(step);
    const { spanId } = span.spanContext();
    try {
      const value = await api.context.with(api.trace.setSpan(api.context.active(), span), run);
      return { value, spanId };
    } finally {
      span.end();
    }
  };
}

function apiOf(hook: string): SpanApi | null {
  try {
    return createRequire(hook)('@opentelemetry/api') as SpanApi;
  } catch {
    return null;
  }
}
