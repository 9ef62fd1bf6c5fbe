/** The sentence of a verdict names who gave up, on whom and after how long, wherever the time went. */
import { expect, test } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { drawTrace } from './draw-trace.ts';
import { diagnoseDrawing, verdictOf } from './expect-verdict.ts';

const sentenceOf = (drawing: string) => {
  const verdict = diagnoseDrawing(drawing).verdicts[0]!;
  expect(verdict.sentence).toContain(`${verdict.giveUp.service} `);
  return verdict.sentence;
};

test('an inner call that went on, and was given up later, was still waited for', () => {
  const drawing = `
    shop           |=========!
      shop>pay     |=========X                      peer=pay:80 phase=wait budget=1000 timer=abort_signal
        pay        |==============================|
          pay>bank |=============================X  peer=bank:443 phase=wait budget=3000`;
  expect(sentenceOf(drawing)).toBe(
    'shop gave up on pay:80 after 1.000 s: pay was still waiting for bank:443, for an answer.',
  );
});

test('an inner call that failed before is told with what it failed of', () => {
  const drawing = `
    shop           |===================!
      shop>pay     |===================X  peer=pay:80 phase=wait budget=2000 timer=abort_signal
        pay        |==============================|
          pay>bank |================X  peer=bank:443 phase=connect budget=1700 sockeye.tcp.total_retransmits=1`;
  expect(sentenceOf(drawing)).toBe(
    'shop gave up on pay:80 after 2.000 s: pay gave up on bank:443 after 1.700 s: the TCP connect never completed (1 SYN retransmit, no reply).',
  );
});

test('the call that was given up is itself what failed', () => {
  const drawing = `
    shop        |=========!
      shop>pay  |=========X  peer=pay:80 phase=connect budget=1000`;
  expect(sentenceOf(drawing)).toBe('shop gave up on pay:80 after 1.000 s: the TCP connect never completed.');
});

test('a peer that is known by its name and a bare address is named', () => {
  const drawing = `
    shop        |=========!
      shop>pay  |=========X  peer=10.0.3.7:80 peer.service=payments phase=connect budget=1000`;
  expect(sentenceOf(drawing)).toBe(
    'shop gave up on payments after 1.000 s: the TCP connect never completed.',
  );
  expect(sentenceOf(drawing.replace('10.0.3.7', 'pay'))).toContain('gave up on pay:80 after');
});

test.each(['10.0.3.7', '127.0.0.1', '::1', 'localhost'])('so is one at %s whose service is known', (host) => {
  const { traceId, spans } = drawTrace(`
    shop        |=========!
      shop>pay  |=========X  server.address=${host} server.port=80 phase=connect budget=1000`);
  const toldOf = (name: string) => {
    const context = { normals: new Map(), nameCallee: () => name };
    return diagnoseTrace(traceId, spans, context).verdicts[0]!;
  };
  expect(toldOf('payments')).toMatchObject({
    title: 'SYN dropped on the way to payments',
    sentence: 'shop gave up on payments after 1.000 s: the TCP connect never completed.',
    origin: { peer: `${host}:80` },
  });
  for (const name of [host, `orders@${host}`])
    expect(toldOf(name).sentence).toContain(`gave up on ${host}:80 after`);
});

test.each([
  ['code=200', 'shop was answered 504 by 10.0.3.7:80 after'],
  ['code=504', 'shop was answered 504 by pay after'],
])('whoever answered in the place of the service behind it is not named as that (%s)', (served, words) => {
  const drawing = `
    shop        |=========!
      shop>pay  |=========!  peer=10.0.3.7:80 code=504 wait=1000
        pay     |=============|  ${served}`;
  expect(sentenceOf(drawing)).toContain(words);
});

test('of several attempts, the last is told as the last of them, wherever the time went', () => {
  const drawing = `
    shop        |=======================!
      shop>pay  |======X |======X |======X      peer=pay:80 phase=wait budget=700
        pay                        |===========|`;
  const { sentence, contributing } = diagnoseDrawing(drawing).verdicts[0]!;
  expect(sentence).toBe(
    'shop gave up on pay:80 after 0.700 s (the last of 3 attempts in 2.500 s): pay was still in "serve pay", with nothing recorded below, 0.600 s of it.',
  );
  expect(contributing).toContainEqual({ cause: 'G6', text: 'shop tried 3 times, 2.500 s together' });
});

test('that the last of several attempts waited is told once', () => {
  const drawing = `
    shop        |===================!
      shop>pay  |====X |====X |====X            peer=pay:80 phase=wait
        pay                   |==============|`;
  const { cause, evidence } = verdictOf(drawing, { 'pay serve pay': 1400 });
  expect(cause).toBe('F1');
  const told = evidence.map(({ text }) => text).filter((text) => text.startsWith('shop waited'));
  expect(told).toEqual(['shop waited 0.500 s, in the last of 3 attempts']);
});

test('attempts that failed otherwise before are counted with those that failed alike', () => {
  const drawing = (first: string) => `
    shop        |========================!
      shop>pay  |===!                       peer=pay:80 ${first}
      shop>pay        |=!  |=!  |=!         peer=pay:80 type=ECONNREFUSED error="connect ECONNREFUSED"
      shop>pay                        |==|  peer=pay:80`;
  const told = (first: string) => diagnoseDrawing(drawing(first)).verdicts[0]!;
  const { sentence, contributing, evidence } = told('type=ECONNRESET error="read ECONNRESET"');
  expect(sentence).toContain(
    'after 0.200 s (the last of 4 attempts in 1.800 s, 1 of which failed otherwise): the connection was refused.',
  );
  expect(contributing[0]?.text).toContain(
    'shop tried 4 times, 1.800 s together, 1 of which failed otherwise',
  );
  expect(evidence.map(({ text }) => text)).toContain('shop waited 0.200 s, in the last of 4 attempts');
  // An error that is no give-up may be an answer.
  expect(told('').sentence).toContain('the last of 3 attempts in 1.200 s)');
});

test('a service that answered just before its call was given up passes that on, with its callee and its limit', () => {
  const drawing = `
    shop              |==============================!   code=504
      shop>gateway    |==============================!   code=504
        gateway       |==============================!   code=504
          gateway>pay |===============================X  peer=pay:80 phase=wait timer=app budget=3000
            pay       |====================================================|`;
  const { giveUp, sentence } = diagnoseDrawing(drawing).verdicts[0]!;
  expect(giveUp).toMatchObject({ service: 'gateway', budgetMs: 3000, timer: 'app' });
  expect(sentence).toBe(
    'gateway gave up on pay:80 after 3.200 s: pay was still in "serve pay", with nothing recorded below, 3.200 s of it.',
  );
});
