/**
 * How one span ended, judged from that span alone: answered, failed, given up after a time-out, or cancelled. Whether
 * a give-up becomes a verdict is for the whole trace to say (give-ups.ts).
 */
import { numberAttribute, textAttribute, type AttributeValue, type Span } from '../span.ts';
import {
  budgetMsOfText,
  failureOfGrpcStatus,
  failureOfHttpStatus,
  failureOfText,
  type Failure,
} from './error-phase.ts';
import { isLongByDesign } from './long-by-design.ts';
import { isPhase, readPhases } from './phases.ts';
import type { GiveUpKind, Phase } from './verdict.ts';

export type Outcome = 'ok' | 'error' | 'timeout' | 'cancelled';

export interface SpanGiveUp {
  readonly kind: GiveUpKind;
  /** `none` when it was no call: the span's own work. */
  readonly phase: Phase | 'none';
  /** Measured, or said by the error; a call without either is taken to have been waiting. */
  readonly phaseKnown: boolean;
  readonly budgetMs: number | null;
  readonly timer: string | null;
}

export interface SpanOutcome {
  readonly outcome: Outcome;
  /** Set on a call (client, producer) or own work that gave up; a server span only reports how it answered. */
  readonly giveUp: SpanGiveUp | null;
}

const OK: SpanOutcome = { outcome: 'ok', giveUp: null };
const ERROR: SpanOutcome = { outcome: 'error', giveUp: null };
/** A resolver that fails after this long was silent; one that says no does so at once. Its shortest timer is 1 s. */
const SILENT_RESOLVER_MS = 1_000;

export function spanOutcome(span: Span): SpanOutcome {
  return span.endedWell === true ? OK : judge(span, isLongByDesign);
}

/** Of a stream whose end its caller could not do without: judged like any other call. */
export function awaitedStreamOutcome(span: Span): SpanOutcome {
  return judge(span, () => false);
}

function judge(span: Span, isStream: (span: Span) => boolean): SpanOutcome {
  if (span.status.code === 'ok') return OK;
  const httpStatus = httpStatusOf(span);
  const failed = span.status.code === 'error' || span.attributes.has('error.type');
  if (!failed && (httpStatus === null || httpStatus < 400) && !grpcFailed(span)) return OK;
  const failure = failureOf(span, httpStatus);
  if (failure === null) return failed || (httpStatus ?? 0) >= 500 || span.kind === 'client' ? ERROR : OK;
  const outcome = outcomeOf(failure);
  if (span.kind === 'server' || span.kind === 'consumer') return { outcome, giveUp: null };
  const known = measuredPhase(span) ?? failure.phase;
  const phase = known ?? (span.kind === 'internal' ? 'none' : 'wait');
  // A stream's own end is no give-up; one that was never established is.
  if ((phase === 'wait' || phase === 'receive') && isStream(span)) {
    return failure.kind === 'timeout' || failure.kind === 'cancelled' ? OK : ERROR;
  }
  return {
    outcome,
    giveUp: {
      kind: failure.kind,
      phase,
      phaseKnown: known !== null,
      budgetMs: budgetMsOf(span),
      timer: timerOf(span, failure),
    },
  };
}

function outcomeOf(failure: Failure): Outcome {
  if (failure.kind === 'cancelled') return 'cancelled';
  if (failure.kind === 'timeout') return 'timeout';
  return failure.kind === 'gateway' && failure.timer === 'peer' ? 'timeout' : 'error';
}

/** Measured by the hook, said by a status, or read from the error's words, in that order. */
function failureOf(span: Span, httpStatus: number | null): Failure | null {
  const { attributes } = span;
  const timer = textAttribute(attributes, 'sockeye.timeout.timer');
  if (timer !== null || attributes.has('sockeye.timeout.phase')) {
    const aborted = timer === 'abort' && !attributes.has('sockeye.timeout.budget_ms');
    return { kind: aborted ? 'cancelled' : 'timeout', phase: null, timer };
  }
  if (httpStatus !== null) {
    const failure = failureOfHttpStatus(httpStatus);
    if (failure !== null) return failure;
    // An answer came and is itself the error.
    if (httpStatus >= 400) return null;
  }
  const text = errorText(span);
  const grpcStatus = grpcStatusOf(span);
  const failure = grpcStatus === null ? failureOfText(text) : failureOfGrpcStatus(grpcStatus, text);
  return failure?.kind === 'unresolved' && resolverWasSilent(span, text)
    ? { ...failure, kind: 'timeout' }
    : failure;
}

/** The words of a span's error, most specific first, one a line. */
export function errorText(span: Span): string {
  return errorWords(span)
    .map(({ words }) => words)
    .join('\n');
}

/** The same, each with what says it: an attribute of the span or of its exception, or `status.message`. */
export function errorWords(span: Span): { readonly words: string; readonly attribute: string }[] {
  const found: { words: string; attribute: string }[] = [];
  const add = (attribute: string, value: unknown) => {
    if (typeof value === 'string' && value !== '') found.push({ words: value.slice(0, 1_000), attribute });
  };
  for (const key of ['error.type', 'exception.type', 'exception.message', 'db.response.status_code']) {
    add(key, span.attributes.get(key));
  }
  add('status.message', span.status.message);
  for (const { name, attributes } of span.events.slice(0, 8)) {
    if (name !== 'exception') continue;
    for (const key of ['exception.type', 'exception.message']) add(key, attributes.get(key));
  }
  return found;
}

export function httpStatusOf(span: Span): number | null {
  return (
    statusNumber(span.attributes.get('http.response.status_code')) ??
    statusNumber(span.attributes.get('http.status_code'))
  );
}

/** Envoy sends its status as text. */
function statusNumber(value: AttributeValue | undefined): number | null {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : null;
}

/** The gRPC status by number (older conventions) or name; null when the span is no RPC. */
export function grpcStatusOf(span: Span): string | null {
  const number = numberAttribute(span.attributes, 'rpc.grpc.status_code');
  if (number !== null) return String(number);
  return (
    textAttribute(span.attributes, 'rpc.response.status_code') ??
    textAttribute(span.attributes, 'grpc.status_code')
  );
}

function grpcFailed(span: Span): boolean {
  const status = grpcStatusOf(span);
  return status !== null && status !== '0' && status !== 'OK';
}

function resolverWasSilent(span: Span, text: string): boolean {
  const dnsMs = numberAttribute(span.attributes, 'sockeye.phase.dns_ms') ?? 0;
  return dnsMs >= SILENT_RESOLVER_MS && /EAI_AGAIN|Temporary failure in name resolution/.test(text);
}

function measuredPhase(span: Span): Phase | null {
  const named = textAttribute(span.attributes, 'sockeye.timeout.phase');
  return isPhase(named) ? named : (readPhases(span).find((slice) => slice.open)?.phase ?? null);
}

function budgetMsOf(span: Span): number | null {
  const measured = numberAttribute(span.attributes, 'sockeye.timeout.budget_ms');
  if (measured !== null) return Number.isFinite(measured) && measured >= 0 ? measured : null;
  return budgetMsOfText(errorText(span));
}

function timerOf(span: Span, failure: Failure): string | null {
  if (failure.timer !== null) return failure.timer;
  // "connect ETIMEDOUT" and "read ETIMEDOUT" with the system call's name are the kernel's.
  return failure.kind === 'timeout' &&
    /\b(?:connect|read|write) ETIMEDOUT\b|getsockopt: connection timed out|connect: connection timed out/.test(
      errorText(span),
    )
    ? 'kernel'
    : null;
}
