/** Servers in real trouble, each in its own way: what they report of themselves decides why a call to them was in vain. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../end-to-end/collector.ts';
import { hostFacts, startTwoEnds, type TwoEnds, type TwoEndsOptions } from './two-ends.ts';

/** Longer than the call, and shorter than it is from one report to the next. */
const TROUBLE_MS = 5_000;
/** Two reports that did not come, and some more. */
const LATER = { timeout: 60_000, interval: 250 };
/** More than the server has open at its start. */
const DESCRIPTORS = 40;

let world: World;

beforeAll(async () => {
  group = makeGroup();
  world = await startWorld();
});
afterAll(async () => {
  try {
    await world?.end();
  } finally {
    if (group !== undefined) rmdirSync(group.folder);
  }
});

async function withTwoEnds(
  options: Omit<TwoEndsOptions, 'otlpEndpoint' | 'web' | 'address'>,
  work: (ends: TwoEnds) => Promise<void>,
): Promise<void> {
  const { otlpEndpoint, page: web } = world;
  const ends = await startTwoEnds({ otlpEndpoint, web, address: '127.0.0.1', ...options });
  try {
    await ends.haveReported();
    await work(ends);
  } finally {
    await ends.end();
  }
}

const isLikely = ({ confidence }: { confidence: string }) => confidence === 'likely';

interface Group {
  folder: string;
  limitTo(share: number): void;
}

/** A control group that may use a whole CPU; undefined, and none left behind, where that cannot be made. */
function makeGroup(): Group | undefined {
  for (const [root, file, quotaOf] of [
    ['/sys/fs/cgroup', 'cpu.max', (us: number) => `${us} 100000`],
    ['/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', String],
  ] as const) {
    const folder = join(root, `sockeye-causes-${process.pid}`);
    const limitTo = (share: number) => writeFileSync(join(folder, file), quotaOf(share * 100_000));
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    try {
      if (!existsSync(join(folder, file))) throw new Error('the other hierarchy');
      limitTo(1);
      return { folder, limitTo };
    } catch {
      // Not allowed here.
      rmdirSync(folder);
    }
  }
  return undefined;
}

/** Asked without leaving one behind: where all tests are skipped, nothing clears up after them. */
function canMakeGroup(): boolean {
  const made = makeGroup();
  if (made !== undefined) rmdirSync(made.folder);
  return made !== undefined;
}

let group: Group | undefined;

describe.skipIf(process.platform !== 'linux').concurrent('a call in vain is found to be of a server', () => {
  it('whose event loop was blocked', async () => {
    const trouble = { name: 'block', forMs: TROUBLE_MS };
    await withTwoEnds({ name: 'blocked', trouble }, async (ends) => {
      await ends.getIntoTrouble();
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({
        cause: 'C3',
        phase: 'wait',
        origin: { edge: 'shop-blocked->pay-blocked' },
      });
      expect(hostFacts(verdict, 'sockeye.process.event_loop.blocked_ms')).toEqual([
        expect.stringMatching(
          /^pay-blocked \(process \d+\), reporting at \S+: its event loop was blocked for \d+\.\d+ s since \S+, \d+\.\d+ s at a stretch from /,
        ),
      ]);
    });
  });

  it('of which the worker is known that came to it late', async () => {
    const trouble = { name: 'block', forMs: TROUBLE_MS, workers: 2 };
    await withTwoEnds({ name: 'cluster', trouble }, async (ends) => {
      await ends.getIntoTrouble();
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C3', phase: 'wait' });
      const callee = verdict.hosts.find(({ side }) => side === 'callee');
      expect(callee?.processes).toHaveLength(1);
      expect(callee?.processes[0]?.pid).not.toBe(String(ends.server.child.pid));
    });
  });

  it('that was stopped, and went on later', async () => {
    await withTwoEnds({ name: 'stopped' }, async (ends) => {
      ends.server.child.kill('SIGSTOP');
      await ends.callInVain();
      ends.server.child.kill('SIGCONT');
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C3', phase: 'wait' });
      expect(hostFacts(verdict, 'sockeye.process.event_loop.blocked_ms')).toEqual([
        expect.stringMatching(/ s at a stretch from /),
      ]);
    });
  });

  it('that was stopped, and says nothing any more', { timeout: 120_000 }, async () => {
    await withTwoEnds({ name: 'silent' }, async (ends) => {
      ends.server.child.kill('SIGSTOP');
      await ends.callInVain();
      const silence = (verdict: Parameters<typeof hostFacts>[0]) => hostFacts(verdict, 'sockeye.process.at');
      const verdict = await ends.verdict((each) => silence(each).length > 0, LATER);
      // It may have ended, or its reports may be lost on their way.
      expect(verdict).toMatchObject({ cause: 'C3', phase: 'wait', confidence: 'possible' });
      expect(silence(verdict)).toEqual([
        expect.stringMatching(
          /^pay-silent \(process \d+\), which reports every 10 s, has reported nothing since /,
        ),
      ]);
    });
  });

  it('that collected garbage', async () => {
    const trouble = { name: 'garbage', forMs: TROUBLE_MS };
    const server = { flags: ['--expose-gc'] };
    await withTwoEnds({ name: 'garbage', trouble, server }, async (ends) => {
      await ends.getIntoTrouble();
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C3', phase: 'wait' });
      expect(hostFacts(verdict, 'sockeye.process.memory.collected_ms')).toEqual([
        expect.stringMatching(/: it collected garbage for \d+\.\d+ s since /),
      ]);
    });
  });

  it.skipIf(!canMakeGroup())('that was out of its CPU quota', async () => {
    const trouble = { name: 'compute', forMs: TROUBLE_MS };
    const script = `echo $$ > ${group?.folder}/cgroup.procs; exec "$0" "$@"`;
    const server = { starter: ['sh', '-c', script] };
    await withTwoEnds({ name: 'throttled', trouble, server }, async (ends) => {
      await ends.getIntoTrouble();
      // Less than it gets on a machine that is busy with others.
      group?.limitTo(0.01);
      await ends.callInVain();
      group?.limitTo(1);
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C3', phase: 'wait' });
      expect(hostFacts(verdict, 'sockeye.process.cpu.throttled_ms')).toEqual([
        expect.stringMatching(/: it was out of its CPU quota for \d+\.\d+ s since /),
      ]);
    });
  });

  it('that had no descriptor left, and closed the connection for that', async () => {
    const trouble = { name: 'files', forMs: TROUBLE_MS };
    const server = { starter: ['sh', '-c', `ulimit -n ${DESCRIPTORS}; exec "$0" "$@"`] };
    await withTwoEnds({ name: 'files', trouble, server }, async (ends) => {
      await ends.getIntoTrouble();
      await ends.callInVain();
      const verdict = await ends.verdict(isLikely);
      expect(verdict).toMatchObject({ cause: 'C6', giveUp: { kind: 'reset' } });
      expect(hostFacts(verdict, 'sockeye.process.descriptors.open')).toEqual([
        expect.stringMatching(new RegExp(`: \\d+ descriptors open, of ${DESCRIPTORS}$`)),
      ]);
    });
  });
});
