/** The workload is what it says, and the same for the same seed. */
import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { decode } from '../decode/otlp-proto.ts';
import { makeRequests, spansOfTrace } from './workload/make-requests.ts';
import { FAILURES, SERVICES, spanIdHex, TracePlan, type Workload } from './workload/trace-plan.ts';

const WEEK_MS = 7 * 86_400_000;
const WORKLOAD: Workload = {
  seed: 7,
  spans: 20_000,
  failedShare: 0.03,
  startUnixMs: Date.UTC(2026, 10, 15),
  spreadMs: WEEK_MS,
};

interface Otlp {
  readonly resourceSpans: readonly {
    readonly resource: object;
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number };
}

const requests = [...makeRequests(WORKLOAD, { spansPerRequest: 100 })];
const spansOf = (bytes: Uint8Array): OtlpSpan[] =>
  (decode('TracesData', bytes) as unknown as Otlp).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans),
  );
const spans = requests.flatMap(({ bytes }) => spansOf(bytes));
const digest = (workload: Workload): string => {
  const all = [...makeRequests(workload, { spansPerRequest: 50 })].map(({ bytes }) => bytes);
  return hash('sha256', Buffer.concat(all));
};

test('the same seed gives the same bytes, another one others', () => {
  const small = { ...WORKLOAD, spans: 2_000 };
  expect(digest(small)).toBe(digest(small));
  expect(digest(small)).not.toBe(digest({ ...small, seed: 8 }));
});

test('a request holds spans of one process, up to the size asked for', () => {
  expect(Math.max(...requests.map((request) => request.spans))).toBe(100);
  for (const { bytes } of requests) {
    expect((decode('TracesData', bytes) as unknown as Otlp).resourceSpans).toHaveLength(1);
  }
  expect(requests.reduce((sum, request) => sum + request.spans, 0)).toBe(spans.length);
});

test('a span is about 500 bytes with 11 attributes; one of a failed call has what the hook adds', () => {
  const bytes = requests.reduce((sum, request) => sum + request.bytes.length, 0);
  expect(bytes / spans.length).toBeGreaterThan(420);
  expect(bytes / spans.length).toBeLessThan(550);
  const [failed = [], well = []] = [2, undefined].map((code) =>
    spans.filter(({ status }) => status.code === code),
  );
  expect(failed.length + well.length).toBe(spans.length);
  expect(new Set(well.map(({ attributes }) => attributes.length))).toEqual(new Set([11]));
  expect(failed.filter(({ attributes }) => attributes.length <= 11)).toEqual([]);
});

test('traces have 8 to 40 spans, each below another of its trace, spread over the week', () => {
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  const counts = [...traces.values()].map((trace) => trace.length);
  expect(Math.min(...counts)).toBe(8);
  expect(Math.max(...counts)).toBe(40);
  for (const trace of traces.values()) {
    const ids = new Set(trace.map(({ spanId }) => spanId));
    expect(ids.size).toBe(trace.length);
    expect(trace.filter(({ parentSpanId }) => parentSpanId === undefined)).toHaveLength(1);
    expect(trace.filter(({ parentSpanId: id }) => id !== undefined && !ids.has(id))).toEqual([]);
  }
  const starts = spans.map(
    (span) => Number(BigInt(span.startTimeUnixNano) / 1_000_000n) - WORKLOAD.startUnixMs,
  );
  expect(starts.reduce((least, start) => Math.min(least, start), WEEK_MS)).toBeLessThan(WEEK_MS * 0.01);
  const latest = starts.reduce((most, start) => Math.max(most, start), 0);
  expect(latest).toBeGreaterThan(WEEK_MS * 0.99);
  expect(latest).toBeLessThan(WEEK_MS + 60_000);
  for (const { startTimeUnixNano, endTimeUnixNano } of spans) {
    expect(BigInt(endTimeUnixNano)).toBeGreaterThan(BigInt(startTimeUnixNano));
  }
});

test('every service calls every other, and as many calls fail as asked for', () => {
  const plan = new TracePlan();
  const edges = new Set<string>();
  let calls = 0;
  let failed = 0;
  for (let index = 0; index < 2_000; index++) {
    plan.plan(WORKLOAD, index);
    for (let position = 0; position < plan.count; position++) {
      const { role, service, peer, failure } = plan.span(position);
      if (role !== 'client') continue;
      edges.add(`${service} ${peer}`);
      calls++;
      failed += Number(failure >= 0);
    }
  }
  expect(edges.size).toBe(SERVICES.length * (SERVICES.length - 1));
  expect(failed / calls).toBeCloseTo(WORKLOAD.failedShare, 2);
  expect(FAILURES.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
});

test('a trace is known from the seed and its number alone', () => {
  const plan = new TracePlan();
  plan.plan(WORKLOAD, 123);
  const sent = spans.filter(
    ({ traceId }) => Buffer.from(traceId, 'base64').toString('hex') === plan.traceIdHex(),
  );
  const made = [...spansOfTrace(WORKLOAD, 123)].flatMap(spansOf);
  const byId = (list: readonly OtlpSpan[]) => list.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
  expect(byId(made)).toEqual(byId(sent));
  const ids = Array.from({ length: plan.count }, (_, position) => spanIdHex(plan.span(position)));
  expect(made.map(({ spanId }) => Buffer.from(spanId, 'base64').toString('hex'))).toEqual(ids);
});
