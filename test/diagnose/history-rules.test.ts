/** What is normal for a callee, and how it is told from what an overload made of it. */
import { describe, expect, it } from 'vitest';
import { diagnoseDrawing, verdictOf, type History } from './expect-verdict.ts';

describe('while calls wait for each other', () => {
  const known = { 'pay serve pay': { count: 155, p50Ms: 2466, p10Ms: 75 } };
  const told =
    '"serve pay" of pay takes 2.466 s in the middle of 155 calls, and one in ten 75 ms at most: whether many were held up, or some are quick by nature, their times alone do not tell';

  it('the overload does not become what is normal', () => {
    const verdict = verdictOf(
      `
      shop          |=====!                    host=one
        shop>pay    |=====X                    phase=wait budget=500 timer=grpc_deadline host=one
          pay                          |=|     left=75 host=one`,
      known,
    );
    expect(verdict).toMatchObject({ at: 'shop>pay', cause: 'C3', confidence: 'possible' });
    expect(verdict.causes).not.toContain('F1');
    expect(verdict.evidence.map(({ text }) => text)).toContain(told);
  });
  it('a server that was left in its queue is hardly one that never answers', () => {
    const verdict = verdictOf(
      `
      shop          |========!
        shop>pay    |========X  phase=wait budget=800
          pay       |=======|   left=780`,
      known,
    );
    expect(verdict).toMatchObject({ at: 'pay', cause: 'C5', confidence: 'possible' });
    expect(verdict.alternatives.slice(-2)).toMatchObject([
      { cause: 'G3', against: 'many such calls take about as long, and are answered' },
      { cause: 'F1' },
    ]);
    expect(verdict.evidence.map(({ text }) => text).filter((text) => text === told)).toHaveLength(1);
  });
  it('a budget that one in ten keeps is only possibly too short', () => {
    const drawing = `
      shop          |=========!
        shop>pay    |=========X  phase=wait budget=1000
          pay       |===================|`;
    const judged = (p10Ms: number) =>
      verdictOf(drawing, { 'pay serve pay': { count: 100, p50Ms: 1900, p10Ms } });
    expect(judged(1000)).toMatchObject({ cause: 'F1', confidence: 'likely' });
    expect(judged(999)).toMatchObject({ cause: 'F1', confidence: 'possible' });
    expect(judged(475)).toMatchObject({ cause: 'C5', confidence: 'possible' });
  });
  it('retries that retries multiply are counted together', () => {
    const tries = `
        shop>mid    |=======!
          mid       |=======!
            mid>pay |==X                 phase=wait budget=300
            mid>pay    |==X              phase=wait budget=300
        shop>mid            |=======!
          mid               |=======!
            mid>pay         |==X         phase=wait budget=300
            mid>pay            |==X      phase=wait budget=300`;
    const { verdicts } = diagnoseDrawing(`
      shop          |===============!${tries}`);
    expect(verdicts[0]?.contributing).toEqual([
      {
        cause: 'G6',
        text: 'mid tried 2 times, 0.600 s together; in all that was retried above it, 4 such calls were given up',
      },
    ]);
  });
});

describe('where some calls are quick and most are slow', () => {
  const known = { 'pay serve pay': { count: 100, p50Ms: 900, p10Ms: 5 } };

  it('a limit between them may be too short, and nothing tells whether it is', () => {
    const verdict = verdictOf(
      `
      shop          |=====!
        shop>pay    |=====X     phase=wait budget=500
          pay       |========|  left=500`,
      known,
    );
    expect(verdict).toMatchObject({ cause: 'C5', confidence: 'possible' });
    expect(verdict.causes).toContain('F1');
    expect(verdict.alternatives.at(-1)).toMatchObject({
      cause: 'F1',
      against: 'some calls take less than the limit',
      wouldDecide: expect.stringContaining('of a quiet time'),
    });
  });
  it('so may one be that ran out in what the slow ones call', () => {
    const verdict = verdictOf(
      `
      shop          |=====!
        shop>pay    |=====X     phase=wait budget=500
          pay       |========|  left=500
            pay>db  |=======|   peer=db:5432 op=query wait=750`,
      known,
    );
    expect(verdict).toMatchObject({ at: 'pay>db', confidence: 'possible' });
    expect(verdict.alternatives.at(-1)).toMatchObject({ cause: 'F1' });
  });
  it.each([
    ['that leaves room for the slow ones is not', 'budget=1000', 1000, 1500],
    ['is not where the server was quick', 'budget=500', 500, 100],
  ])('a limit %s', (_, limit, waitedMs, workedMs) => {
    const bar = (ms: number) => `|${'='.repeat(ms / 100)}`;
    const verdict = verdictOf(
      `
      shop          ${bar(waitedMs)}!
        shop>pay    ${bar(waitedMs)}X  phase=wait ${limit}
          pay       ${workedMs < waitedMs ? '    ' : ''}${bar(workedMs)}|`,
      known,
    );
    expect(verdict.causes).not.toContain('F1');
  });
  it('one that took much longer than both is not said to have waited its turn', () => {
    const verdict = verdictOf(
      `
      shop          |====================!
        shop>pay    |====================X  phase=wait budget=2000
          pay       |====================|  left=2100`,
      known,
    );
    expect(verdict).toMatchObject({ cause: 'G3', confidence: 'possible' });
    expect(verdict.causes).toContain('C5');
  });
});

describe('where most calls are quick and some are slow', () => {
  const judged = (p90Ms: number, drawing: string) =>
    verdictOf(drawing, { 'pay serve pay': { count: 100, p50Ms: 20, p90Ms } });
  const left = `
      shop          |=====!
        shop>pay    |=====X     phase=wait budget=500
          pay       |=========|  left=500`;

  it('a limit between them may be too short, and how long the slow ones take is said', () => {
    const verdict = judged(900, left);
    expect(verdict).toMatchObject({ cause: 'G1', confidence: 'possible' });
    expect(verdict.alternatives.at(-1)).toMatchObject({
      cause: 'F1',
      against: 'some calls take less than the limit',
    });
    expect(verdict.evidence.flatMap(({ source, text }) => (source === 'history' ? [text] : []))).toEqual([
      '"serve pay" of pay takes 20 ms in the middle of 100 calls, and one in ten 0.900 s or longer',
    ]);
  });
  it.each([
    ['as short as the slow ones is', 600, left, true],
    ['longer than they are is not', 599, left, false],
    [
      'is not where the server had not been at it for long',
      900,
      left.replace('|=========|', '     |=|'),
      false,
    ],
    ['is not where all are as quick', 20, left, false],
  ])('a limit %s', (_, p90Ms, drawing, isPossible) => {
    expect(judged(p90Ms, drawing).causes.includes('F1')).toBe(isPossible);
  });
  it.each([
    [80, '"serve pay" of pay takes 20 ms in the middle of 100 calls, and one in ten 80 ms or longer'],
    [79, '"serve pay" normally takes 20 ms'],
  ])('one in ten of which take %i ms: %s', (p90Ms, said) => {
    expect(judged(p90Ms, left).evidence.map(({ text }) => text)).toContain(said);
  });
});

describe('a deadline that goes with the request', () => {
  const chain = (history: History) =>
    diagnoseDrawing(
      `
      shop          |==!
        shop>mid    |==X     phase=wait budget=300 timer=grpc_deadline
          mid       |==|
            mid>pay |==X   phase=wait budget=290 timer=grpc_deadline
              pay   |==|   left=290`,
      history,
    ).verdicts;

  it('and is shorter than all of it takes is the cause, wherever it ran out', () => {
    const [verdict] = chain({ 'mid serve mid': 361, 'pay serve pay': 252 });
    expect(verdict).toMatchObject({ by: 'shop>mid', at: 'shop>mid', cause: 'F1', confidence: 'likely' });
  });
  it.each([
    ['of few calls possibly', { 'mid serve mid': { count: 5, p50Ms: 361 } }, 'shop>mid', 'F1'],
    ['of too few nothing is known', { 'mid serve mid': { count: 2, p50Ms: 361 } }, 'pay', 'G3'],
    ['of what it is enough for it is not', { 'mid serve mid': 200, 'pay serve pay': 50 }, 'pay', 'G3'],
    ['of what was left early nobody knows whether it answers', { 'pay serve pay': 361 }, 'pay', 'F1'],
    ['nor by few calls', { 'pay serve pay': { count: 3, p50Ms: 361 } }, 'pay', 'F1'],
  ])('%s', (_, history, at, cause) => {
    const [verdict] = chain(history as History);
    expect(verdict).toMatchObject({ at, cause, confidence: 'possible' });
    expect(verdict!.causes.includes('G3')).toBe(cause === 'G3');
  });
});

describe('many calls in a row', () => {
  const calls = (history: History) =>
    verdictOf(
      `
      gate          |===============X  phase=wait budget=1500 kind=client
        shop        |====================|
          shop>db   |=||=||=||=||=||=||=||=||=|  peer=db:5432 op=query`,
      history,
    );
  const each = (ms: number): History => ({ 'shop query': ms, 'shop serve shop': 300 });

  it('that are as fast as ever, and more than usual, are of whoever makes them', () => {
    const verdict = calls(each(150));
    expect(verdict).toMatchObject({ at: 'shop', cause: 'G1', confidence: 'likely', phase: 'none' });
    expect(verdict.title).toBe('shop makes more calls to db:5432 than usual (N+1)');
    expect(verdict.origin).toMatchObject({ edge: 'shop', peer: null });
    expect(verdict.alternatives).toMatchObject([
      {
        cause: 'G2',
        title: 'db:5432 is slow to answer',
        against: expect.stringContaining('as such a call does'),
      },
    ]);
    expect(verdict.sentence).toContain('calls to db:5432');
  });
  it.each([
    ['that are slower than ever', each(50)],
    ['of which as many are usual', { ...each(150), 'shop serve shop': 1400 }],
    ['of which half have as many', { ...each(150), 'shop serve shop': { count: 99, p50Ms: 1400, p10Ms: 5 } }],
    ['of which as many are usual, each a little faster', { ...each(120), 'shop serve shop': 481 }],
  ])('%s are of whom they are made to', (_, history) => {
    const verdict = calls(history);
    expect(verdict).toMatchObject({ cause: 'G2', confidence: 'likely', phase: 'wait', causes: ['G2'] });
    expect(verdict.title).toMatch(/^shop makes \d calls to db:5432, one after another$/);
  });
  it.each([
    ['of which nothing is known', {}],
    ['of which too few are known', { ...each(150), 'shop query': { count: 19, p50Ms: 150 } }],
    ['of whose caller too little is known', { ...each(150), 'shop serve shop': { count: 19, p50Ms: 300 } }],
    ['that are more than usual, and slower', each(120)],
  ])('%s may be of either', (_, history) => {
    const verdict = calls(history as History);
    expect(verdict).toMatchObject({
      cause: 'G2',
      confidence: 'possible',
      phase: 'wait',
      causes: ['G2', 'G1'],
    });
    expect(verdict.alternatives[0]!.title).toBe('shop makes more calls to db:5432 than usual (N+1)');
  });
  const quick = (p10Ms: number) => ({ ...each(150), 'shop query': { count: 99, p50Ms: 150, p10Ms } });
  it.each([
    ['some of whose kind are quick', quick(99), 'possible'],
    ['hardly any of whose kind are so quick', quick(100), 'likely'],
    ['whose kind takes longer than their caller', { ...each(150), 'shop serve shop': 149 }, 'possible'],
  ])('%s are more than usual, %s', (_, history, confidence) => {
    const verdict = calls(history as History);
    expect(verdict).toMatchObject({ cause: 'G1', confidence, phase: 'none', causes: ['G1', 'G2'] });
    const words = verdict.evidence.map(({ text }) => text).join();
    expect(words.includes('there are more of them than usual')).toBe(confidence === 'likely');
  });
  it.each([
    ['as many as make it more than usual', { ...each(150), 'shop serve shop': 450 }, 'G1'],
    ['one too few for it', { ...each(150), 'shop serve shop': 451 }, 'G2'],
  ])('%s', (_, history, cause) => {
    expect(calls(history as History)).toMatchObject({ cause, confidence: 'likely' });
  });
  it('of which half are as fast as ever and half are slow are not more than usual', () => {
    const verdict = verdictOf(
      `
      gate          |=================================X  phase=wait budget=3300 kind=client
        shop        |=======================================|
          shop>db   |=||=====||=||=====||=||=====||=|  peer=db:5432 op=query`,
      { 'shop query': 150, 'shop serve shop': 700 },
    );
    expect(verdict).toMatchObject({ cause: 'G2', confidence: 'likely' });
  });
  it('are told with how long the first and the last of them took', () => {
    const told = calls({}).evidence.map(({ text, value }) => [text, value]);
    expect(told).toContainEqual(['the first of them took 0.200 s', 200]);
    expect(told).toContainEqual(['the last before the give-up took 0.200 s', 200]);
  });
});
