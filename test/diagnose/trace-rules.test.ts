/** Rules about more than one call: gateways, budgets, retries, the application, the client, and services without the hook. */
import { describe, expect, it } from 'vitest';
import { diagnoseDrawing, failedCall as failed, verdictOf, type History } from './expect-verdict.ts';

describe('gateways', () => {
  it.each([
    ['504', 'E1', 'timeout'],
    ['503', 'E6', 'error'],
    ['502', 'E2', 'error'],
  ])('an answer of %s is %s', (code, cause) => {
    const verdict = failed(`code=${code} wait=900`, '!');
    expect(verdict).toMatchObject({ cause, confidence: 'possible', giveUp: { kind: 'gateway' } });
    expect(verdict.sentence).toContain(`was answered ${code} by pay:80`);
  });
  it('a service that is no gateway and answers 503 lacked something itself', () => {
    const verdict = (name: string) =>
      verdictOf(`
    shop          |==========!
      shop>${name}    |========!  code=503 wait=900
        ${name}       |========!  code=503`);
    expect(verdict('stock').cause).toBe('C5');
    expect(verdict('nginx').cause).toBe('E6');
  });
  it('a call whose budget an earlier phase used up is stuck in that phase, not in the one that was open', () => {
    const verdict = failed('phase=wait timer=abort_signal budget=900 queue=700 wait=200');
    expect(verdict).toMatchObject({ phase: 'queue', cause: 'F4' });
    expect(verdict.sentence).toContain('0.700 s of it went into waiting for a free connection');
    expect(failed('phase=wait timer=http_timeout budget=200 queue=700 wait=200').phase).toBe('wait');
    expect(failed('phase=wait timer=abort_signal budget=900 queue=490 wait=410').phase).toBe('wait');
  });
  it('500 is an answer of the service, and no give-up', () => {
    expect(diagnoseDrawing('shop>pay |===!  code=500').verdicts).toEqual([]);
  });
  it("Envoy's flags say which", () => {
    expect(failed('code=503 response_flags=UF,URX', '!')).toMatchObject({
      cause: 'E2',
      confidence: 'likely',
    });
    expect(failed('code=503 response_flags=UH', '!').cause).toBe('E6');
  });
  it('a gateway that answered 504 and shows nothing behind it is beyond our view', () => {
    const verdict = verdictOf('nginx |=============================!  code=504');
    expect(verdict).toMatchObject({ cause: 'unknown', confidence: 'unknown', phase: 'none' });
    expect(verdict.reason).toContain('beyond our view');
    expect(verdict.causes).toContain('E1');
  });
});

describe('budgets', () => {
  const slow = (server: string) => `
      gate          |=========!
        gate>pay    |=========X  phase=wait budget=1000
          pay       ${server}`;
  const history = (ms: number): History => ({ 'pay serve pay': ms });

  describe('of few known calls', () => {
    const known = (count: number, p50Ms: number): History => ({ 'pay serve pay': { count, p50Ms } });
    const judged = (history: History, server = '|===================|') =>
      verdictOf(slow(server).replaceAll('gate', 'shop'), history);
    const words = (verdict: ReturnType<typeof judged>) =>
      verdict.evidence.flatMap(({ source, text }) => (source === 'history' ? [text] : []));

    it('the budget is possibly too short, with how many there were and how many it takes', () => {
      const verdict = judged(known(12, 1900));
      expect(verdict).toMatchObject({ cause: 'F1', confidence: 'possible', causes: ['F1', 'G1', 'G2'] });
      expect(words(verdict)).toEqual([
        '"serve pay" of pay took 1.900 s in the middle of 12 calls: too few to say what is normal, which takes 20',
      ]);
    });
    it.each([
      ['as many as it takes', known(20, 1900), '|===================|', 'F1', 'likely'],
      ['too few for anything', known(2, 1900), '|===================|', 'G1', 'possible'],
      ['mostly shorter than the budget', known(12, 999), '|===================|', 'G1', 'possible'],
      ['half as long as this one', known(12, 1000), '|===================|', 'F1', 'possible'],
      ['less than half as long', known(12, 999), '|====================|', 'G1', 'possible'],
      ['of which this one has not ended', known(12, 1900), '|===================~', 'G3', 'possible'],
    ])('%s', (_, history, server, cause, confidence) => {
      expect(judged(history, server)).toMatchObject({ cause, confidence });
    });
    it('that decide nothing are told all the same', () => {
      expect(words(judged(known(1, 1900)))).toEqual([
        '"serve pay" of pay took 1.900 s in the middle of 1 call: too few to say what is normal, which takes 20',
      ]);
    });
  });

  it('a budget below what the server normally takes is too short', () => {
    const drawing = slow('|===================|').replaceAll('gate', 'shop');
    expect(verdictOf(drawing, history(1000))).toMatchObject({
      cause: 'F1',
      confidence: 'likely',
      at: 'shop>pay',
    });
    expect(verdictOf(drawing, history(999)).at).toBe('pay');
  });
  it("a gateway's is E1", () => {
    expect(verdictOf(slow('|===================|').replaceAll('gate', 'gateway'), history(1900)).cause).toBe(
      'E1',
    );
  });
  it('without history the slow server is the origin, and the short budget an alternative', () => {
    const verdict = verdictOf(slow('|===================|'));
    expect(verdict).toMatchObject({ at: 'pay', cause: 'G1', confidence: 'possible' });
    expect(verdict.causes).toContain('F1');
  });
  it('attempts whose server took the same longer time each time show what is normal for it', () => {
    const verdict = verdictOf(`
      gate          |===================================!
        gate>pay    |=========X                            phase=wait budget=1000
          pay       |============|
        gate>pay                |=========X                phase=wait budget=1000
          pay                   |=============|
        gate>pay                            |=========X    phase=wait budget=1000
          pay                               |=============|`);
    expect(verdict).toMatchObject({ cause: 'F1', confidence: 'possible' });
    expect(verdict.contributing.map(({ cause }) => cause)).toEqual(['G6']);
  });
  it('an inner call that was allowed more than the outer had left, and was answered in its own time, is an inversion', () => {
    const drawing = (budgetMs: number) => `
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop          |================|
            shop>pay     |==============|   sockeye.timeout.budget_ms=${budgetMs}
              pay        |==============|`;
    expect(verdictOf(drawing(5000))).toMatchObject({ cause: 'F2', confidence: 'likely', at: 'pay' });
    expect(verdictOf(drawing(800)).cause).toBe('F2');
    expect(verdictOf(drawing(799)).cause).toBe('G1');
  });
  it('beside an inner call that failed it only contributes', () => {
    const verdict = verdictOf(`
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop          |===================!
            shop>pay    |===================X  phase=connect budget=2000 peer=pay:80`);
    expect(verdict).toMatchObject({ at: 'shop>pay', cause: 'B1', phase: 'connect' });
    expect(verdict.contributing.map(({ cause }) => cause)).toEqual(['F2']);
  });
  it('an inner call without any limit contributes too', () => {
    const verdict = verdictOf(`
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop         |=~
            shop>pay    |~  connect=1900 peer=pay:80`);
    expect(verdict).toMatchObject({ at: 'shop>pay', phase: 'connect' });
    expect(verdict.contributing.map(({ cause }) => cause)).toEqual(['F6']);
    expect(verdict.sentence).toBe(
      'gate gave up on shop after 1.000 s: shop was still waiting for pay:80, connecting.',
    );
  });
});

describe('the application', () => {
  it('own work far beyond its normal time is not a limit that is too short; what it calls unseen may be slow', () => {
    const drawing = `
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop         |==============|`;
    const slow = verdictOf(drawing, { 'shop serve shop': 20 });
    expect(slow).toMatchObject({ cause: 'G1', confidence: 'possible' });
    expect(slow.causes).toContain('G2');
    expect(slow.alternatives.find(({ cause }) => cause === 'G2')?.title).toBe(
      'something that shop calls is slow to answer',
    );
    expect(slow.causes).not.toContain('F1');
    expect(verdictOf(drawing, { 'shop serve shop': 750 }).causes).toContain('F1');
  });
  it('a handler that ended only because its client left never answers', () => {
    const drawing = (leftMs: number) => `
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop         |=========!  left=${leftMs}`;
    expect(verdictOf(drawing(950)).cause).toBe('G3');
    expect(verdictOf(drawing(949)).cause).toBe('G1');
  });
  it.each([
    ['when nothing is known of it', {}, true],
    ['when it took twice as long as it normally does', { 'shop serve shop': 500 }, true],
    ['not when it took longer', { 'shop serve shop': 499 }, false],
  ])('or its client was too impatient: %s', (_, history, isPossible) => {
    const verdict = verdictOf(
      `
      gate             |=========!
        gate>shop      |=========X  phase=wait budget=1000
          shop         |=========!  left=1000`,
      history,
    );
    expect(verdict).toMatchObject({ cause: 'G3', confidence: 'possible' });
    expect(verdict.causes.includes('F1')).toBe(isPossible);
  });
  it('four calls in a row are not yet many', () => {
    const drawing = (bars: string) => `
      gate             |===================!
        gate>shop      |===================X  phase=wait budget=2000
          shop         |=====================|
            shop>db    ${bars}  db.system=postgresql`;
    expect(verdictOf(drawing('|====||====||====||====|')).at).not.toBe('shop');
    expect(verdictOf(drawing('|==||==||==||==||==|')).at).toBe('shop');
  });
});

describe('the client itself', () => {
  const blocked = (blockedMs: number, bytes: number) =>
    failed(
      `phase=wait wait=900 sockeye.process.event_loop_blocked_ms=${blockedMs} sockeye.tcp.unread=${bytes}`,
    );
  it('a blocked event loop is the cause only where the answer lay unread', () => {
    expect(blocked(450, 100)).toMatchObject({ cause: 'F3', confidence: 'likely' });
    expect(blocked(449, 100).cause).not.toBe('F3');
    const silent = blocked(900, 0);
    expect(silent.cause).not.toBe('F3');
    expect(silent.contributing.map(({ cause }) => cause)).toEqual(['F3']);
  });
});

describe('services without the hook', () => {
  it('a Go client that could not dial is stuck in connect, by its words alone', () => {
    const verdict = failed('error="dial tcp 10.0.3.7:80: connect: connection timed out"', '!');
    expect(verdict).toMatchObject({ phase: 'connect', giveUp: { kind: 'timeout', timer: 'kernel' } });
    expect(verdict.causes).toEqual(expect.arrayContaining(['B1', 'C1', 'B3']));
  });
  it('a Java read time-out waited for the answer', () => {
    const verdict = failed('error="java.net.SocketTimeoutException: Read timed out"', '!');
    expect(verdict).toMatchObject({ phase: 'wait', confidence: 'possible', cause: 'C3' });
  });
  it('a Python read time-out names its budget', () => {
    const verdict = failed(
      'error="HTTPConnectionPool(host=\'pay\', port=80): Read timed out. (read timeout=0.9)"',
      '!',
    );
    expect(verdict.giveUp.budgetMs).toBe(900);
  });
  it('words that fit every phase leave the cause unknown, and say what is missing', () => {
    const verdict = failed('error="context deadline exceeded"', '!');
    expect(verdict).toMatchObject({
      cause: 'unknown',
      confidence: 'unknown',
      phase: 'wait',
      category: 'unknown',
    });
    expect(verdict.reason).toContain('no phases of the call were recorded');
    expect(verdict.alternatives.length).toBeGreaterThan(3);
    expect(verdict.sentence).toContain('in which phase it hung was not recorded');
  });
});

describe('what the process of a server says of its own work', () => {
  const work = (notes: string, bar = '===================|') =>
    verdictOf(`
      gate          |==========!
        gate>pay    |==========X  phase=wait budget=1000
          pay       |${bar}  ${notes}`);
  const codes = (notes: string, bar?: string) => work(notes, bar).causes.toSorted();
  const blocked = (ms: number, more = '') =>
    work(`sockeye.process.event_loop_blocked_ms=${ms} sockeye.process.gc_ms=0 ${more}`);

  it('a handler that ended in its own time answers', () => {
    expect(codes('left=1100')).not.toContain('G3');
    expect(codes('')).not.toContain('G3');
    expect(codes('left=1100', '==========|')).toContain('G3');
    expect(codes('', '==========|')).toContain('G3');
    expect(codes('', '==========~')).toContain('G3');
  });

  it('one whose event loop was blocked all the while computed or did not run, and waited for nobody', () => {
    const verdict = blocked(1990);
    expect(verdict).toMatchObject({
      at: 'pay',
      cause: 'G1',
      confidence: 'possible',
      causes: ['G1', 'C3', 'F1'],
    });
    expect(verdict.alternatives[0]?.wouldDecide).toContain('a process that is stopped uses none');
    expect(verdict.sentence).toContain('; its event loop was blocked for 1.090 s of that.');
    expect(verdict.evidence.map(({ text }) => text)).toContain(
      'its event loop was blocked for 1.990 s of its 2.000 s',
    );
  });

  it.each([
    // Of 2,000 ms, 900 after the give-up, in which all of it may have been.
    [1450, 'G1', 'likely', ['G1', 'C3', 'F1']],
    [1449, 'C3', 'possible', ['C3', 'G1', 'F1']],
    [0, 'C3', 'possible', ['C3', 'G1', 'F1']],
  ])('blocked all the while, its thread computed for %d ms: %s', (ms, cause, confidence, causes) => {
    const verdict = blocked(1990, `sockeye.process.event_loop_blocked_cpu_ms=${ms}`);
    expect(verdict).toMatchObject({ cause, confidence, causes });
    expect(verdict.evidence).toContainEqual(
      expect.objectContaining({
        attribute: 'sockeye.process.event_loop_blocked_cpu_ms',
        text: expect.stringMatching(/^its thread computed meanwhile for .* of its 2\.000 s$/),
      }),
    );
  });

  it.each([
    [1890, ['G1', 'C3', 'F1']],
    [1889, ['G1', 'C3', 'G2', 'F1', 'G4']],
  ])('of 2,000 ms, 900 of them after the give-up, blocked for %d: %j', (ms, causes) => {
    expect(blocked(ms)).toMatchObject({ causes, confidence: 'possible' });
  });

  it.each([
    ['sockeye.process.gc_ms', 1450, 'C3'],
    ['sockeye.process.gc_ms', 1449, 'G1'],
    ['sockeye.process.throttled_ms', 1450, 'C3'],
  ])('blocked by %s of %d ms: %s', (name, ms, cause) => {
    const verdict = work(`sockeye.process.event_loop_blocked_ms=2000 ${name}=${ms}`);
    expect(verdict).toMatchObject({ cause, confidence: cause === 'C3' ? 'likely' : 'possible' });
  });

  it.each([
    [109, 'the event loop of pay was free'],
    [110, ''],
  ])('blocked for %d ms of 1,100: %s', (ms, against) => {
    const verdict = blocked(ms);
    expect(verdict.alternatives.find(({ cause }) => cause === 'C3')?.against).toBe(against);
    expect(verdict.causes.at(-1) === 'C3').toBe(against !== '');
  });
});

describe('a timer that fired late', () => {
  const late = (notes: string, budget = 500) =>
    failed(
      `phase=wait timer=abort_signal budget=${budget} sockeye.process.event_loop_blocked_ms=880 sockeye.tcp.send_window=65536 ${notes}`,
    );

  it('because the client was busy until after its time, and only then sent the request', () => {
    const verdict = late('send=870 wait=30');
    expect(verdict).toMatchObject({ cause: 'F3', confidence: 'likely', causes: ['F3'] });
    expect(verdict.sentence).toBe(
      'shop gave up on pay:80 after 0.900 s: its event loop was blocked for 0.880 s, so that the request was sent too late, and the timer of 0.500 s fired 0.400 s late.',
    );
    expect(verdict.evidence.map(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'the event loop was blocked for 0.880 s',
        'the request had been sent 0.870 s after the call began',
        'the timer of 0.500 s fired 0.400 s late',
      ]),
    );
  });

  it.each([
    ['the request had been sent in time, and nobody answered', 'send=499 wait=401', 500],
    ['the timer fired nearly in time', 'send=870 wait=30', 851],
  ])('but where %s, the peer is in question', (_, notes, budget) => {
    expect(late(notes, budget).cause).not.toBe('F3');
  });

  it('on a connection that it had not even seen to be there', () => {
    const hung = (more: string) =>
      failed(
        `phase=connect timer=abort_signal sockeye.tcp.retransmits=0 sockeye.process.event_loop_blocked_ms=880 ${more}`,
      );
    const verdict = hung('budget=500 sockeye.tcp.state=ESTABLISHED');
    expect(verdict).toMatchObject({ cause: 'F3', confidence: 'likely' });
    expect(verdict.sentence).toContain('so that the request was never sent, and the timer of 0.500 s fired');
    expect(verdict.evidence.map(({ text }) => text)).toEqual(
      expect.arrayContaining(['the request had not been sent', 'the connection was established']),
    );
    expect(hung('sockeye.tcp.state=ESTABLISHED').sentence).toContain(
      'the connection stood, but the program had not seen it yet',
    );
    expect(hung('budget=500 sockeye.tcp.state=SYN_SENT').cause).not.toBe('F3');
  });

  it('where the request was sent when the time was just over', () => {
    expect(late('send=500 wait=400').cause).toBe('F3');
    expect(late('send=870 wait=30', 818).cause).toBe('F3');
  });
});
