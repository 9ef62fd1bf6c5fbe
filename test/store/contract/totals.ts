/** Sums against a count, span by span, of what is left: traces in parts, late ones too, restarts and retention between. */
import { expect, test } from 'vitest';
import { serviceOf, textAttribute, type Span } from '../../../collector/span.ts';
import { AROUND_NOON, makeRequest, traceId, type SentSpan } from '../make-request.ts';
import type { TestedStore } from './tested-store.ts';

const TRACES = 60;
const ROUNDS = 6;
const SERVICES = ['gateway', 'checkout', 'payments', 'ledger'];

interface Counts {
  calls: number;
  errors: number;
  timeouts: number;
}
type Totals = Record<string, Counts>;

export function checkTotals(tested: TestedStore): void {
  test('sums are those of the spans that are left, whatever came late, was restarted or dropped', async () => {
    const random = randomFrom(20261123);
    const parts = Array.from({ length: ROUNDS }, (): SentSpan[] => []);
    for (let trace = 1; trace <= TRACES; trace++) {
      for (const span of drawTrace(trace.toString(16), random)) parts[random(ROUNDS)]!.push(span);
    }
    const arrivedUnixMs: number[] = [];
    let gone = 0;
    for (const [round, spans] of parts.entries()) {
      await tested.store.append(makeRequest(...spans));
      // What is stored by now is one block.
      await tested.store.status();
      arrivedUnixMs.push(Date.now());
      await expect.poll(() => Date.now()).toBeGreaterThan(arrivedUnixMs[round]! + 20);
      if (random(2) === 0) await tested.reopen();
      if (round === 3) gone = await tested.store.applyRetention(Date.now() - arrivedUnixMs[1]! - 1, 1e9);
      const left = await readAll(tested);
      expect(left.length).toBe(parts.slice(0, round + 1).flat().length - gone);
      expect(await totalsOf(tested), `round ${round}`).toEqual(count(left));
    }
    expect(gone).toBeGreaterThan(0);
  });
}

function randomFrom(seed: number): (below: number) => number {
  return (below) => ((seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff) >> 8) % below;
}

/** A server span, and calls one below the other, of which the last may never have arrived. */
function drawTrace(trace: string, random: (below: number) => number): SentSpan[] {
  const startMs = random(600_000);
  const spans: SentSpan[] = [{ trace, id: '1', service: SERVICES[0]!, startMs }];
  for (let depth = 1, caller = SERVICES[0]!; depth <= 1 + random(4); depth++) {
    const callee = SERVICES[random(SERVICES.length)]!;
    const id = String(2 * depth);
    spans.push({
      trace,
      id,
      parent: String(2 * depth - 1),
      service: caller,
      kind: 'client',
      startMs,
      ...drawOutcome(callee, random(5)),
    });
    if (random(6) === 0) break;
    spans.push({ trace, id: String(2 * depth + 1), parent: id, service: callee, startMs });
    caller = callee;
  }
  return spans;
}

function drawOutcome(callee: string, draw: number): Pick<SentSpan, 'error' | 'attributes'> {
  const attributes = { 'server.address': callee };
  if (draw === 0) return { error: 'ECONNRESET', attributes };
  if (draw > 1) return { attributes };
  return { error: 'TimeoutError', attributes: { ...attributes, 'sockeye.timeout.phase': 'wait' } };
}

async function readAll({ store }: TestedStore): Promise<Span[]> {
  const traces = Array.from({ length: TRACES }, (_, index) => traceId((index + 1).toString(16)));
  return (await Promise.all(traces.map((id) => store.readTrace(id)))).flat();
}

/** A call belongs to the service that answered, else to its address; a server span whose caller is missing to no edge. */
function count(spans: readonly Span[]): Totals {
  const totals: Totals = {};
  const add = (name: string, span?: Span): void => {
    const counts = (totals[name] ??= { calls: 0, errors: 0, timeouts: 0 });
    if (span === undefined) return;
    counts.calls++;
    if (span.status.code !== 'error') return;
    if (span.status.message === 'TimeoutError') counts.timeouts++;
    else counts.errors++;
  };
  for (const span of spans) {
    const service = serviceOf(span);
    add(service, span.kind === 'server' ? span : undefined);
    if (span.kind === 'client')
      add(`${service} to ${textAttribute(span.attributes, 'server.address')}`, span);
    else if (span.parentSpanId === '') add(`user to ${service}`, span);
  }
  return totals;
}

async function totalsOf({ store }: TestedStore): Promise<Totals> {
  const totals: Totals = {};
  const add = (name: string, { calls, errors, timeouts }: Counts): void => {
    const counts = (totals[name] ??= { calls: 0, errors: 0, timeouts: 0 });
    counts.calls += calls;
    counts.errors += errors;
    counts.timeouts += timeouts;
  };
  // A callee by its address and the same by its own spans are two groups of one name.
  for (const group of await store.readCallGroups(AROUND_NOON)) {
    add(`${group.from ?? 'user'} to ${group.to}`, group);
  }
  for (const stats of await store.readServiceStats(AROUND_NOON, { byOperation: false, service: null })) {
    add(stats.service, stats);
  }
  return totals;
}
