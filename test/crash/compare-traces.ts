/**
 * Compares what is stored with what was sent, trace by trace, over the API: every acknowledged span is there, once, with
 * every field as it was sent; of a request without an answer all spans are there or none.
 */
import { isDeepStrictEqual } from 'node:util';
import { decode } from '../decode/otlp-proto.ts';
import { spansOfTrace } from '../benchmark/workload/make-requests.ts';
import { spanIdHex, TracePlan } from '../benchmark/workload/trace-plan.ts';
import type { SentLog } from './sent-log.ts';

export interface Comparison {
  readonly traces: number;
  readonly spans: number;
  /** Acknowledged and not stored. */
  readonly missing: number;
  readonly doubled: number;
  /** Stored otherwise than sent, or never sent. */
  readonly altered: number;
  /** Requests without an answer of which a part is stored. */
  readonly torn: number;
  /** Traces whose reading was answered with a failure. */
  readonly failed: number;
  /** The first of each kind, for people. */
  readonly examples: readonly string[];
}

/** As many reads at once as a page with its tabs would do. */
const READS_AT_ONCE = 8;
const EXAMPLES_MAX = 10;

interface Tally {
  traces: number;
  spans: number;
  missing: number;
  doubled: number;
  altered: number;
  failed: number;
  /** Of each request without an answer: spans seen, spans looked for. */
  readonly unanswered: Map<number, { seen: number; looked: number }>;
  readonly examples: string[];
}

export async function compareTraces(web: string, log: SentLog): Promise<Comparison> {
  const tally: Tally = {
    traces: 0,
    spans: 0,
    missing: 0,
    doubled: 0,
    altered: 0,
    failed: 0,
    unanswered: new Map(),
    examples: [],
  };
  // Shared by the workers, each of which takes the next.
  const queue = log.requestsOfTraces.keys();
  const worker = async (): Promise<void> => {
    for (const index of queue) await compareTrace(web, log, index, tally);
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker));
  const { unanswered, ...counts } = tally;
  const torn = [...unanswered.values()].filter(({ seen, looked }) => seen > 0 && seen < looked).length;
  return { ...counts, torn };
}

/** What is wrong, in words; empty when nothing is. */
export function faultsOf(when: string, comparison: Comparison): string[] {
  const { missing, doubled, altered, torn, failed, examples } = comparison;
  if (missing + doubled + altered + torn + failed === 0) return [];
  return [
    `${when}: ${missing} spans missing, ${doubled} doubled, ${altered} altered, ${torn} requests torn, ${failed} reads failed`,
    ...examples.slice(0, 3),
  ];
}

async function compareTrace(web: string, log: SentLog, index: number, tally: Tally): Promise<void> {
  const plan = new TracePlan();
  plan.plan(log.workload, index);
  const requests = log.requestsOfTraces[index]!;
  // The sending may have ended in the middle of a trace.
  const fates = Array.from({ length: plan.count }, (_, position) => log.fateOf(requests[position] ?? -1));
  if (fates.every((fate) => fate === 'unsent')) return;
  const traceId = plan.traceIdHex();
  const note = (what: string): void => {
    if (tally.examples.length < EXAMPLES_MAX) tally.examples.push(`trace ${traceId}: ${what}`);
  };
  tally.traces++;
  const stored = await readSpans(web, traceId);
  if (typeof stored === 'string') {
    tally.failed++;
    return note(stored);
  }
  const sent = [...spansOfTrace(log.workload, index)].flatMap((bytes) =>
    spansOfOtlp(decode('TracesData', bytes) as unknown as OtlpData, (id) =>
      Buffer.from(id, 'base64').toString('hex'),
    ),
  );
  for (const [position, fate] of fates.entries()) {
    const spanId = spanIdHex(plan.span(position));
    const found = stored.get(spanId) ?? [];
    stored.delete(spanId);
    if (fate === 'unanswered') countUnanswered(tally, requests[position]!, found.length > 0);
    tally.spans += found.length;
    if (fate === 'acknowledged' && found.length === 0) {
      tally.missing++;
      note(`span ${spanId} is missing`);
    } else if (fate === 'unsent' && found.length > 0) {
      tally.altered++;
      note(`span ${spanId} was never sent`);
    } else if (found.length > 1) {
      tally.doubled++;
      note(`span ${spanId} is there ${found.length} times`);
    } else if (found.length === 1 && !isDeepStrictEqual(found[0], sent[position]![1])) {
      tally.altered++;
      note(`span ${spanId}: ${firstDifference(canonical(found[0]), canonical(sent[position]![1]))}`);
    }
  }
  tally.altered += stored.size;
  for (const spanId of stored.keys()) note(`span ${spanId} is not of this trace`);
}

/** Around the first place where two long texts differ. */
function firstDifference(got: string, sent: string): string {
  let at = 0;
  while (at < got.length && got[at] === sent[at]) at++;
  const around = (text: string) => text.slice(Math.max(0, at - 40), at + 40);
  return `got …${around(got)}…, sent …${around(sent)}…`;
}

function countUnanswered(tally: Tally, request: number, isThere: boolean): void {
  let counts = tally.unanswered.get(request);
  if (counts === undefined) tally.unanswered.set(request, (counts = { seen: 0, looked: 0 }));
  counts.looked++;
  counts.seen += Number(isThere);
}

/** By span id; what was answered instead when it is neither a trace nor "unknown". */
async function readSpans(web: string, traceId: string): Promise<Map<string, object[]> | string> {
  const answer = await fetch(`${web}/api/traces/${traceId}?format=otlp`);
  const text = await answer.text();
  if (answer.status === 404) return new Map();
  if (!answer.ok) return `${answer.status} ${text.slice(0, 300)}`;
  const spans = new Map<string, object[]>();
  for (const [spanId, content] of spansOfOtlp(JSON.parse(text) as OtlpData)) {
    spans.set(spanId, [...(spans.get(spanId) ?? []), content]);
  }
  return spans;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}
interface OtlpData {
  readonly resourceSpans: readonly {
    readonly resource: object;
    readonly scopeSpans: readonly { readonly scope: object; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** Id and content, resource and scope included, of each span. */
function spansOfOtlp({ resourceSpans }: OtlpData, hexOf = (id: string) => id): [string, object][] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span): [string, object] => {
        const { traceId, spanId, parentSpanId = '' } = span;
        const ids = { traceId: hexOf(traceId), spanId: hexOf(spanId), parentSpanId: hexOf(parentSpanId) };
        return [ids.spanId, { resource, scope, span: { ...span, ...ids } }];
      }),
    ),
  );
}

/** JSON with the keys of objects in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
