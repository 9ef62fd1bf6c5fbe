import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { drawTrace } from './draw-trace.ts';
import { diagnoseDrawing, verdictOf } from './expect-verdict.ts';

/** The spans of which it is asked what is normal, by their keys. */
function askedOf(drawing: string): string[] {
  const { traceId, spans } = drawTrace(drawing);
  const asked = new Set<string>();
  const get = (key: string) => void asked.add(key);
  diagnoseTrace(traceId, spans, { normals: { get } });
  return [...asked].map((key) => key.replaceAll('\n', ' '));
}

describe('what is normal is read from the store, and only asked for where it could decide', () => {
  it('a call that gave up with nothing below it is its own origin, whatever is normal', () => {
    const asked = askedOf(`
      shop              |=============================!
        shop>payments   |=============================X  phase=connect budget=3000`);
    expect(asked).toEqual([]);
  });

  it('of a call whose server is there, both sides are asked about', () => {
    const asked = askedOf(`
      shop              |=============================!
        shop>payments   |=============================X  phase=wait budget=3000
          payments      |===============================|`);
    expect(asked.map((key) => key.split(' ').at(-1)).toSorted()).toEqual(['client', 'server']);
  });
});

describe('the origin is what used the budget', () => {
  it('a call that never connected is the origin, and the verdict says so in plain words', () => {
    const verdict = verdictOf(`
      checkout               |=============================!
        checkout>payments    |=============================X  peer=payments:8443 phase=connect budget=3000`);
    expect(verdict).toMatchObject({
      by: 'checkout>payments',
      at: 'checkout>payments',
      phase: 'connect',
      confidence: 'possible',
      origin: { service: 'checkout', peer: 'payments:8443', edge: 'checkout->payments' },
      sentence: 'checkout gave up on payments:8443 after 3.000 s: the TCP connect never completed.',
      path: ['checkout', 'checkout>payments'],
    });
    expect(verdict.causes.slice(0, 3)).toEqual(['B1', 'C1', 'A7']);
  });

  it('a chain of callers that gave up because of one call is one story, told from the top', () => {
    const verdict = verdictOf(`
      gateway                    |===============================!
        gateway>checkout         |===============================X  phase=wait budget=3100
          checkout                |=============================!
            checkout>payments     |=============================X  peer=payments:8443 phase=connect budget=3000`);
    expect(verdict).toMatchObject({ by: 'gateway>checkout', at: 'checkout>payments', phase: 'connect' });
    expect(verdict.sentence).toContain('checkout gave up on payments:8443 after 3.000 s');
    expect(verdict.evidence.map(({ text }) => text)).toContain(
      'the first timer to fire was that of checkout, after 3.000 s',
    );
  });

  it('a caller that was only told of the failure is not the one that gave up', () => {
    const verdict = verdictOf(`
      gateway                    |================================!
        gateway>checkout         |================================!  code=504
          checkout                |==============================!   code=504
            checkout>payments     |==============================X  phase=wait budget=3000`);
    expect(verdict).toMatchObject({ by: 'checkout>payments', at: 'checkout>payments', phase: 'wait' });
  });

  it('a call that succeeded but took most of the time is the origin, not the one open at the end', () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |================================|
            shop>a        |============================|
              a           |============================|
            shop>b                                    |===|
              b                                       |===|`);
    expect(verdict).toMatchObject({ at: 'a', phase: 'none', by: 'gateway>shop' });
    expect(verdict.open).toEqual(['b']);
  });

  it('with history, the one that is far beyond its normal time is the origin though it used less', () => {
    const drawing = `
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |====================================|
            shop>a        |===================|
              a           |===================|
            shop>b                            |================|
              b                               |================|`;
    expect(verdictOf(drawing).at).toBe('a');
    expect(verdictOf(drawing, { 'a serve a': 1850, 'b serve b': 20 }).at).toBe('b');
  });

  it('of two that used about the same, the one open at the give-up is the origin', () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |====================================|
            shop>a        |===============|
              a           |===============|
            shop>b                        |====================|
              b                           |====================|`);
    expect(verdict.at).toBe('b');
  });

  it('many short calls in a row are the origin together, not the one that happened to be open', () => {
    const verdict = verdictOf(`
      gateway          |==============================!
        gateway>shop   |==============================X  phase=wait budget=3000
          shop         |====================================!
            shop>db    |===||===||===||===||===||===||===||===|   op="select price"`);
    expect(verdict).toMatchObject({ at: 'shop', cause: 'G2', phase: 'wait', origin: { edge: 'shop->db' } });
    expect(verdict.sentence).toContain('made 7 calls to db');
  });

  it('a deep log call that was open does not hide the slow shallow one', () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |==================================|
            shop>stock    |================================|
              stock       |================================|
            shop>logger                            |==============|
              logger                               |=============|
                logger>disk                         |============|
                  disk                              |============|`);
    expect(verdict.at).toBe('stock');
  });

  it('the time between a client and its server is a candidate like any span', () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |====================================|
            shop>stock    |==================================|  connect=10 wait=3390
              stock                         |==|`);
    expect(verdict).toMatchObject({ at: 'shop>stock', phase: 'wait', origin: { edge: 'shop->stock' } });
  });

  it("a service's own work is the origin when nothing below it used the time", () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop             |===================================|
            shop>stock      |==|
              stock         |==|`);
    expect(verdict).toMatchObject({
      at: 'shop',
      phase: 'none',
      cause: 'G1',
      origin: { edge: 'shop', peer: null },
    });
    expect(verdict.causes).toContain('F1');
  });

  it('streams that run beside the call are not what it waited for', () => {
    const verdict = verdictOf(`
      gateway               |==============================!
        gateway>shop        |==============================X  phase=wait budget=3000
          shop              |====================================|
            shop>events     |=====================================|  sockeye.stream=true
            shop>stock      |==============================|`);
    expect(verdict.at).toBe('shop>stock');
  });
});

describe('what was open is said beside the origin', () => {
  it('the deepest spans open at the give-up', () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X  phase=wait budget=3000
          shop            |====================================|
            shop>a        |===================================|
              a             |=================================|
            shop>b                     |=====~`);
    expect(verdict.open.toSorted()).toEqual(['a', 'shop>b']);
  });
});

describe('several give-ups', () => {
  it('the attempts of one call are one verdict that counts them', () => {
    const verdict = verdictOf(`
      shop              |==================================!
        shop>stock      |=========X |=========X |=========X  peer=stock:80 phase=connect budget=1000`);
    expect(verdict).toMatchObject({ by: 'shop>stock#3', at: 'shop>stock#3' });
    expect(verdict.sentence).toContain('the last of 3 attempts');
    expect(verdict.contributing.map(({ cause }) => cause)).toEqual(['G6']);
  });

  it("attempts that used up a caller's budget are the origin, the waiting between them included", () => {
    const verdict = verdictOf(`
      gateway             |==============================!
        gateway>shop      |==============================X   phase=wait budget=3000
          shop            |=================================!
            shop>stock     |=!     |=!      |=!      |=!    |=!  error="connect ECONNREFUSED 10.0.0.1:80" type=ECONNREFUSED`);
    expect(verdict.phase).toBe('connect');
    expect(verdict.causes.slice(0, 2)).toEqual(
      ['C7', 'C9'].includes(verdict.causes[1] ?? '') ? verdict.causes.slice(0, 2) : ['C7', 'E2'],
    );
  });

  it('the one that explains the failure of the root comes first', () => {
    const { verdicts } = diagnoseDrawing(`
      gateway             |==================================!
        gateway>shop      |=============X    phase=wait budget=1300
        gateway>hint                     |===|
          hint                           |===|
            hint>dns                     |=X                 phase=dns budget=100
        gateway>pay                           |==============X  phase=connect budget=1400`);
    expect(verdicts.map(({ at }) => at)).toEqual(['gateway>pay', 'gateway>shop', 'hint>dns']);
  });

  it('calls that failed side by side are one verdict, but no attempts of one another', () => {
    const verdict = verdictOf(`
      shop              |==========!
        shop>stock      |=========X  peer=stock:80 phase=connect budget=1000
        shop>stock      |=========X  peer=stock:80 phase=connect budget=1000`);
    expect(verdict.sentence).not.toContain('attempts');
    expect(verdict.contributing).toEqual([]);
  });

  it('calls of one name to two peers are two', () => {
    const { verdicts } = diagnoseDrawing(`
      shop              |====================!
        shop>stock      |=======X            op=GET peer=stock:80 phase=connect budget=800
        shop>pay                 |=========X op=GET peer=pay:80 phase=connect budget=1000`);
    expect(verdicts.map(({ at }) => at)).toEqual(['shop>pay', 'shop>stock']);
  });

  it('a call that was cut is its own origin, whatever its server was doing', () => {
    const verdict = verdictOf(`
      shop              |===================!
        shop>pay        |==================!  type=ECONNRESET error="read ECONNRESET" wait=1900
          pay           |==================!`);
    expect(verdict).toMatchObject({ at: 'shop>pay', cause: 'C7', giveUp: { kind: 'reset' } });
  });

  it("a gateway's 504 with nothing behind it is told of the gateway, not as its own work", () => {
    const verdict = verdictOf(`
      shop              |===================!
        shop>proxy      |==================!  code=504 wait=1900
          proxy         |==================!  code=504`);
    expect(verdict).toMatchObject({
      at: 'shop>proxy',
      cause: 'E1',
      phase: 'wait',
      giveUp: { kind: 'gateway' },
    });
  });

  it('a 502 speaks of the failure behind it, also when the service did something else before it answered', () => {
    const verdict = verdictOf(`
      gateway                |====================!
        gateway>shop         |===================!    code=502 wait=2000
          shop               |===================!    code=502
            shop>pay         |=================|      peer=pay:80 queue=1 wait=1799
            shop>pay         |=====X                  peer=pay:80 phase=queue budget=600 timer=abort_signal`);
    expect(verdict).toMatchObject({
      phase: 'queue',
      giveUp: { kind: 'timeout', budgetMs: 600, timer: 'abort_signal' },
      origin: { edge: 'shop->pay' },
    });
  });

  it('a failure that was handled long before is not what a gateway passed on', () => {
    const { verdicts } = diagnoseDrawing(`
      gateway                |=====================!
        gateway>shop         |====================!   code=504 wait=2000
          shop               |====================!   code=504
            shop>cache       |=!                      type=ECONNREFUSED error="connect ECONNREFUSED" connect=200
            shop>stock         |==================|   wait=1800`);
    expect(verdicts[0]?.at).toBe('shop>stock');
    expect(verdicts.map(({ at }) => at)).toContain('shop>cache');
  });

  it('a 504 that a service answers late, because a call of its own had run out of time, is passed on', () => {
    const { verdicts } = diagnoseDrawing(`
      gateway             |==============!
        gateway>shop      |==============!  code=504 wait=1500
          shop            |==============!  code=504
            shop>pay      |=========X       phase=wait timer=abort_signal budget=1000
              pay         |============|`);
    expect(verdicts.map(({ by }) => by)).toEqual(['shop>pay']);
  });

  it('a 504 of a proxy that records nothing is what the caller was answered, and its timer may be too short', () => {
    const [verdict] = diagnoseDrawing(`
      shop             |===================!   code=504
        shop>pay       |===================!   code=504 wait=2000 peer=proxy:80
          pay          |=============================|`).verdicts;
    expect(verdict?.sentence).toMatch(/^shop was answered 504 by proxy:80 after 2\.000 s: pay was still in /);
    expect(verdict?.causes).toContain('E1');
    expect(verdict?.causes).not.toContain('F1');
  });

  it.each([
    ['a moment', '|=========|  skew=8', '|===!'],
    ['later, but what it called had just failed', '|==========|', '|=========!'],
  ])('a handler that ends after the failed answer, %s, is no timer that fired', (_, handler, call) => {
    const { verdicts } = diagnoseDrawing(`
      shop             |=========!    code=502
        handler        ${handler}     kind=internal
          shop>pay     ${call}        type=ECONNREFUSED error="connect ECONNREFUSED" connect=400`);
    expect(verdicts.map(({ giveUp }) => giveUp.kind)).toEqual(['refused']);
  });

  it('a call that failed at the start and was not waited for does not hide who answered that time was over', () => {
    const { verdicts } = diagnoseDrawing(`
      shop             |===================!  code=504
        shop>hello     |=!                    error="ERR unknown subcommand"
        shop>blpop      |=================|   db.system=redis db.query.text="BLPOP done 2"`);
    expect(verdicts).toMatchObject([{ giveUp: { kind: 'gateway' }, at: 'shop' }]);
    expect(verdicts[0]?.sentence).toMatch(
      /^shop answered 504 after .* but "call blpop", which waits by design/,
    );
    expect(verdicts[0]?.causes).not.toContain('E1');
  });
});
