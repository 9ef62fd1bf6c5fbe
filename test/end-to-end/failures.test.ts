/**
 * Every failure the hook must tell apart, provoked for real in a chain of three processes with the packed hook,
 * then read where a person reads it: the trace's page must name the origin, the phase and the sentence.
 */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Diagnosis, Trace, TracePage, Verdict } from '../../collector/serve/wire.ts';
import { readSentence, startBrowser, type Browser } from './browser.ts';
import { startChain, type Chain } from './chain.ts';
import { startWorld, type World } from './collector.ts';
import { packHook, type PackedHook } from './packed-hook.ts';

interface Expected {
  /** What was really done, as a cause: the verdict's answer set must hold it. */
  truth: string;
  phase: string;
  kind: string;
  edge: string;
  timer: string | null;
  budgetMs: number | null;
}

const failures: Record<string, Expected> = {
  'syn-unanswered': {
    truth: 'C1',
    phase: 'connect',
    kind: 'timeout',
    edge: 'checkout->full.shop.test',
    timer: 'http_timeout',
    budgetMs: 1500,
  },
  refused: {
    truth: 'C7',
    phase: 'connect',
    kind: 'refused',
    edge: 'checkout->closed.shop.test',
    timer: null,
    budgetMs: null,
  },
  'tls-stalled': {
    truth: 'C8',
    phase: 'tls',
    kind: 'timeout',
    edge: 'checkout->mute.shop.test',
    timer: 'abort_signal',
    budgetMs: 800,
  },
  // Here and in `aborted` the handler of payments does nothing: a second after its start its span is known to be open.
  'never-answered': {
    truth: 'G3',
    phase: 'none',
    kind: 'timeout',
    edge: 'payments',
    timer: 'http_timeout',
    budgetMs: 800,
  },
  'body-stalled': {
    truth: 'G5',
    phase: 'receive',
    kind: 'timeout',
    edge: 'checkout->payments',
    timer: 'http_timeout',
    budgetMs: 800,
  },
  'pool-wait': {
    truth: 'F4',
    phase: 'queue',
    kind: 'timeout',
    edge: 'checkout->payments',
    timer: 'abort_signal',
    budgetMs: 600,
  },
  'dns-unknown': {
    truth: 'D2',
    phase: 'dns',
    kind: 'unresolved',
    edge: 'checkout->nobody.shop.test',
    timer: null,
    budgetMs: null,
  },
  'dns-silent': {
    truth: 'D1',
    phase: 'dns',
    kind: 'timeout',
    edge: 'checkout->silent.shop.test',
    timer: 'http_timeout',
    budgetMs: 800,
  },
  aborted: {
    truth: 'G3',
    phase: 'none',
    kind: 'timeout',
    edge: 'payments',
    timer: 'abort_signal',
    budgetMs: 700,
  },
};

let hook: PackedHook;
let world: World;
let chain: Chain;
let browser: Browser;

beforeAll(async () => {
  [hook, world, browser] = await Promise.all([packHook(), startWorld(), startBrowser()]);
  chain = await startChain(world, hook.file);
  // A call that goes well, so that payments' address is known to be payments.
  await chain.call('/well');
});

afterAll(async () => {
  chain?.end();
  await browser?.end();
  await world?.end();
  await hook?.remove();
});

/** Waits for the trace of a path and for its verdict, which is revised until the spans of checkout, and of the origin, have come. */
async function findVerdict(path: string, edge: string): Promise<{ traceId: string; verdict: Verdict }> {
  const query = encodeURIComponent(`service:gateway url.path:${path}`);
  const traceId = await world.getWhen(
    `/api/traces?q=${query}`,
    ({ traces }: TracePage) => traces[0]?.traceId,
  );
  const isSettled = ({ giveUp, origin }: Verdict) => giveUp.service === 'checkout' && origin.edge === edge;
  const verdict = await world.getWhen(`/api/traces/${traceId}/diagnosis`, ({ verdicts }: Diagnosis) =>
    verdicts[0] && isSettled(verdicts[0]) ? verdicts[0] : undefined,
  );
  return { traceId, verdict };
}

describe.each(Object.entries(failures))('%s', (name, { truth, ...expected }) => {
  let traceId: string;
  let verdict: Verdict;

  beforeAll(async () => {
    const call = () => chain.call(`/${name}`);
    await (name === 'dns-silent' ? chain.withSilentDns(call) : call());
    ({ traceId, verdict } = await findVerdict(`/${name}`, expected.edge));
  });

  it('has a verdict that names the origin, the phase and who gave up', () => {
    expect({
      phase: verdict.phase,
      kind: verdict.giveUp.kind,
      edge: verdict.origin.edge,
      timer: verdict.giveUp.timer,
      budgetMs: verdict.giveUp.budgetMs,
    }).toEqual(expected);
  });

  it('holds the true cause in its answer set, and claims no more than it can prove', () => {
    const set = [verdict.cause, ...verdict.alternatives.map(({ cause }) => cause)];
    expect(set).toContain(truth);
    expect(verdict.confidence === 'proven' && set.length > 1).toBe(false);
    expect(verdict.evidence).not.toEqual([]);
  });

  it('has a span of its own kind, whose open phase is the one the verdict names', async () => {
    const { spans } = await world.get<Trace>(`/api/traces/${traceId}`);
    const origin = spans.find(({ spanId }) => spanId === verdict.origin.spanId);
    const isHandler = expected.phase === 'none';
    expect(origin).toMatchObject(
      isHandler
        ? { service: 'payments', kind: 'server', pending: true, phases: [] }
        : { service: 'checkout', kind: 'client', status: { code: 'error' } },
    );
    expect(origin?.phases.at(-1)?.phase ?? 'none').toBe(expected.phase);
    expect(origin?.attributes['sockeye.timeout.phase']).toBe(
      expected.kind === 'timeout' && !isHandler ? expected.phase : undefined,
    );
  });

  it('shows the sentence, the phase and the origin on the page of its trace', async () => {
    const { page, faults } = await browser.open(`${world.page}/trace/${traceId}`);
    onTestFinished(() => page.context().close());
    expect(await readSentence(page)).toBe(verdict.sentence);

    const origin = page.getByRole('row', { name: 'origin of the timeout' });
    const [service] = expected.edge.split('->');
    expect(await origin.getAttribute('aria-label')).toMatch(new RegExp(`^${service}, `));
    expect(await origin.locator(`.phase-${expected.phase}`).count()).toBe(expected.phase === 'none' ? 0 : 1);
    await page.keyboard.press('o');
    await page.waitForURL((url) => url.searchParams.get('span') === verdict.origin.spanId);
    expect(faults).toEqual([]);
  });
});
