/** Traces that nobody drew: random trees of random spans, then damaged. Seeded, so that a failure can be repeated. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace, diagnoseTree } from '../../collector/diagnose/diagnose-trace.ts';
import { spansInQuestion } from '../../collector/diagnose/in-question.ts';
import { normalKey } from '../../collector/diagnose/normals.ts';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { PHASES } from '../../collector/diagnose/verdict.ts';
import { operationOf, type AttributeValue, type Span, type SpanKind } from '../../collector/span.ts';
import { checkInvariants } from './expect-verdict.ts';
import { makeSpan, START_UNIX_NANO } from './make-span.ts';

const SEEDS = 400;

/** A small linear congruential generator: the same numbers for the same seed, everywhere. */
function makeRandom(seed: number) {
  let state = seed + 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return {
    chance: (share: number) => next() < share,
    below: (limit: number) => Math.floor(next() * limit),
    pick: <T>(items: readonly T[]) => items[Math.floor(next() * items.length)] as T,
  };
}
type Random = ReturnType<typeof makeRandom>;

const KINDS: readonly SpanKind[] = ['client', 'server', 'internal', 'producer', 'consumer', 'unspecified'];
const SERVICES = ['gateway', 'shop', 'pay', 'stock'];
const WORDS = [
  'ETIMEDOUT',
  'socket hang up',
  'connect ECONNREFUSED',
  'context canceled',
  'boom',
  'no such host',
  '',
];
const HTTP = [200, 408, 499, 500, 502, 503, 504, 524];
const resources = SERVICES.map((service) => ({
  attributes: new Map([['service.name', service]]),
  droppedAttributes: 0,
  schemaUrl: '',
}));

function makeRandomSpans(random: Random): Span[] {
  const count = 1 + random.below(60);
  const spanId = (index: number) => index.toString(16).padStart(16, '0');
  return Array.from({ length: count }, (_, index) => {
    const parent = random.chance(0.9) ? random.below(index + (random.chance(0.1) ? 5 : 0)) : -1;
    const startUnixNano = START_UNIX_NANO + BigInt(random.below(5_000)) * 1_000_000n;
    const lengthMs = random.below(random.chance(0.1) ? 100_000 : 3_000) - (random.chance(0.05) ? 500 : 0);
    return makeSpan({
      spanId: random.chance(0.03) ? spanId(random.below(count)) : spanId(index),
      parentSpanId: parent < 0 || index === 0 ? '' : spanId(parent),
      name: random.pick(['GET /', 'select', 'tcp.connect']),
      kind: random.pick(KINDS),
      startUnixNano,
      endUnixNano: random.chance(0.05) ? 0n : startUnixNano + BigInt(lengthMs) * 1_000_000n,
      status: { code: random.pick(['unset', 'ok', 'error', 'error'] as const), message: random.pick(WORDS) },
      attributes: makeRandomAttributes(random),
      resource: random.pick(resources),
    });
  });
}

function makeRandomAttributes(random: Random): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = {};
  const odd = () =>
    random.pick<AttributeValue>([random.below(4_000), -1, NaN, Infinity, 2n ** 70n, 'x', null, true]);
  for (const phase of PHASES) if (random.chance(0.2)) attributes[`sockeye.phase.${phase}_ms`] = odd();
  if (random.chance(0.3))
    attributes['sockeye.timeout.phase'] = random.pick<AttributeValue>([...PHASES, 'none', 7]);
  if (random.chance(0.3))
    attributes['sockeye.timeout.timer'] = random.pick<AttributeValue>(['abort', 'app', odd()]);
  if (random.chance(0.3)) attributes['sockeye.timeout.budget_ms'] = odd();
  if (random.chance(0.3))
    attributes['http.response.status_code'] = random.pick<AttributeValue>([...HTTP, odd()]);
  if (random.chance(0.3)) attributes['error.type'] = random.pick<AttributeValue>([...WORDS, odd()]);
  if (random.chance(0.2)) attributes['sockeye.client.left_ms'] = odd();
  if (random.chance(0.2))
    attributes['server.address'] = random.pick(['pay', '::1', '$(reboot)', "o'brien", '$&', '{peer']);
  if (random.chance(0.2)) attributes['server.port'] = odd();
  if (random.chance(0.2)) attributes['db.system.name'] = odd();
  for (const name of ['unacked', 'total_retransmits', 'send_window', 'bytes_received', 'segments_in']) {
    if (random.chance(0.1)) attributes[`sockeye.tcp.${name}`] = odd();
  }
  return attributes;
}

describe('random traces', () => {
  const diagnosed = Array.from({ length: SEEDS }, (_, seed) => {
    const spans = makeRandomSpans(makeRandom(seed));
    const normals = new Map(
      seed % 2 === 0
        ? []
        : SERVICES.map((service) => [
            normalKey(service, 'GET /', 'server'),
            { count: 50, p50Ms: 500, p10Ms: 500, p90Ms: 500 },
          ]),
    );
    return { seed, spans, normals, diagnosis: diagnoseTrace('1', spans, { normals }) };
  });

  it('get verdicts of most causes, so that they test something', () => {
    const causes = new Set(
      diagnosed.flatMap(({ diagnosis }) => diagnosis.verdicts.map(({ cause }) => cause)),
    );
    expect(causes.size).toBeGreaterThan(10);
  });
  it.each(diagnosed)('seed $seed keeps every promise of a verdict', ({ spans, diagnosis }) => {
    checkInvariants(diagnosis, spans);
    expect(new Set(diagnosis.verdicts.map(({ origin }) => origin.spanId)).size).toBe(
      diagnosis.verdicts.length,
    );
  });
  it('are judged the same by what is normal for the spans in question alone, which are fewer', () => {
    let asked = 0;
    for (const { spans, normals, diagnosis } of diagnosed) {
      const tree = buildTraceTree(spans);
      const inQuestion = spansInQuestion(tree);
      asked += inQuestion.size / spans.length;
      const keys = new Set(
        [...inQuestion].map(({ service, span }) => normalKey(service, operationOf(span), span.kind)),
      );
      const known = new Map([...normals].filter(([key]) => keys.has(key)));
      expect(diagnoseTree('1', tree, { normals: known })).toEqual(diagnosis);
    }
    expect(asked / diagnosed.length).toBeLessThan(0.7);
  });
  it('never put a name into a command that a shell would read as more than a name', () => {
    const commands = diagnosed.flatMap(({ diagnosis }) =>
      diagnosis.verdicts.flatMap(({ nextChecks }) => nextChecks.map(({ command }) => command)),
    );
    expect(commands.filter((command) => /reboot|brien/.test(command))).toEqual([]);
  });
});
