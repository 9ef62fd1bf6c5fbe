/** Diagnoses a drawing and shows what a test asks about: labels instead of ids, and invariants that always hold. */
import { expect } from 'vitest';
import { CAUSES } from '../../collector/diagnose/causes.ts';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import type { HostView } from '../../collector/diagnose/hosts/host-view.ts';
import { normalKey, type NormalDuration } from '../../collector/diagnose/normals.ts';
import { PHASES, type Diagnosis, type Verdict } from '../../collector/diagnose/verdict.ts';
import type { Span } from '../../collector/span.ts';
import { drawTrace } from './draw-trace.ts';

/**
 * `{ 'db query': 20 }`: what is normal for the server spans of a service, by its name and operation; with how many of them are
 * known, where these are not many, and what one in ten of them takes at most, or at least, where that is much less, or more.
 */
export type History = Record<
  string,
  number | { count: number; p50Ms: number; p10Ms?: number; p90Ms?: number }
>;

export function normalsOf(history: History): Map<string, NormalDuration> {
  return new Map(
    Object.entries(history).flatMap(([name, known]) => {
      const {
        count,
        p50Ms,
        p10Ms = p50Ms,
        p90Ms = p50Ms,
      } = typeof known === 'number' ? { count: 100, p50Ms: known } : known;
      const [service = '', ...operation] = name.split(' ');
      return (['server', 'client', 'internal'] as const).map(
        (kind) => [normalKey(service, operation.join(' '), kind), { count, p50Ms, p10Ms, p90Ms }] as const,
      );
    }),
  );
}

/** The verdicts of a drawing, checked for what must hold of every verdict. */
export function diagnoseDrawing(
  drawing: string,
  history: History = {},
  hostsOf: (id: (label: string) => string) => readonly HostView[] = () => [],
) {
  const trace = drawTrace(drawing);
  const hosts = hostsOf(trace.id);
  const diagnosis = diagnoseTrace(trace.traceId, trace.spans, { normals: normalsOf(history), hosts });
  checkInvariants(diagnosis, trace.spans);
  const verdicts = diagnosis.verdicts.map((verdict) => ({
    ...verdict,
    by: trace.label(verdict.giveUp.spanId),
    at: trace.label(verdict.origin.spanId),
    open: verdict.openAtGiveUp.map((id) => trace.label(id)),
    path: verdict.path.map((id) => trace.label(id)),
    causes: [verdict.cause, ...verdict.alternatives.map(({ cause }) => cause)],
  }));
  return { ...diagnosis, verdicts };
}

/** The one verdict of a drawing. */
export function verdictOf(
  drawing: string,
  history: History = {},
  hostsOf?: (id: (label: string) => string) => readonly HostView[],
) {
  const { verdicts } = diagnoseDrawing(drawing, history, hostsOf);
  expect(verdicts.map(({ sentence }) => sentence)).toHaveLength(1);
  const [verdict] = verdicts;
  if (verdict === undefined) throw new Error('got no verdict, expected one');
  return verdict;
}

/** The verdict of a call of shop to pay that failed after a second, with these notes. */
export const failedCall = (notes: string, end = 'X') =>
  verdictOf(`
    shop        |==========!
      shop>pay   |========${end}  peer=pay:80 ${notes}`);

export function checkInvariants(diagnosis: Diagnosis, spans: readonly Span[]): void {
  const byId = new Map<string, Span[]>();
  for (const span of spans) byId.set(span.spanId, [...(byId.get(span.spanId) ?? []), span]);
  const known = (spanId: string) => byId.has(spanId);
  for (const verdict of diagnosis.verdicts) {
    checkReferences(verdict, byId);
    expect(known(verdict.giveUp.spanId)).toBe(true);
    expect(known(verdict.origin.spanId)).toBe(true);
    expect(verdict.openAtGiveUp.filter((id) => !known(id))).toEqual([]);
    expect([...PHASES, 'none']).toContain(verdict.phase);
    expect(CAUSES.has(verdict.cause)).toBe(true);
    expect(verdict.alternatives.filter(({ cause }) => !CAUSES.has(cause))).toEqual([]);
    expect(verdict.alternatives.map(({ cause }) => cause)).not.toContain(verdict.cause);
    expect(verdict.cause === 'unknown').toBe(verdict.confidence === 'unknown');
    expect(verdict.reason === null).toBe(verdict.cause !== 'unknown');
    expect(verdict.nextChecks.length).toBeGreaterThan(0);
    expect(JSON.stringify(verdict)).not.toMatch(/\{(host|port|peer|service)\}|undefined|NaN|Infinity/);
    expect(verdict.abandonedMs).toBeGreaterThanOrEqual(0);
  }
}

/** A host's fact is the rise of a counter, or a value of its process, that stands with the verdict. */
function checkHostFact(hosts: Verdict['hosts'], name: string, value: unknown): void {
  const known = hosts.flatMap(({ counters, processes }) => [
    ...Object.entries(counters).flatMap(([counter, { before, after }]) =>
      [after, after - before, before].map((each) => [`sockeye.host.${counter}`, each]),
    ),
    ...processes.flatMap(({ at, values }) => [
      ...Object.entries(values).map(([each, told]) => [`sockeye.process.${each}`, told]),
      ['sockeye.process.at', at],
    ]),
  ]);
  expect(known).toContainEqual([name, value]);
}

/** Evidence resolves to a span and an attribute of it; the path goes from a root to the origin, parent by parent. */
function checkReferences(
  { evidence, path, origin, hosts }: Verdict,
  byId: ReadonlyMap<string, Span[]>,
): void {
  for (const { spanId, attribute, value, source } of evidence) {
    if (spanId === null) {
      expect(['history', 'host']).toContain(source);
      if (source === 'host') checkHostFact(hosts, attribute ?? '', value);
      continue;
    }
    const spans = byId.get(spanId) ?? [];
    expect(spans.length).toBeGreaterThan(0);
    if (attribute === null) continue;
    const told = spans.flatMap(({ attributes, status, events }) => [
      attributes.get(attribute),
      ...(attribute === 'status.message' ? [status.message] : []),
      ...events.map((event) => event.attributes.get(attribute)),
    ]);
    expect(told.some((each) => each === value || isQuoteOf(value, each))).toBe(true);
  }
  expect(evidence.length).toBeGreaterThan(0);
  expect(path.at(-1)).toBe(origin.spanId);
  expect(path.length).toBeGreaterThan(0);
}

/** An error's words are quoted by their last line, and not longer than a sentence. */
function isQuoteOf(quote: unknown, words: unknown): boolean {
  return typeof quote === 'string' && typeof words === 'string' && words.includes(quote.replace(/…$/, ''));
}
