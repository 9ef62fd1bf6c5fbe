/** Rules about the phase that a call was stuck in, and about connections that broke. */
import { describe, expect, it } from 'vitest';
import { diagnoseTrace } from '../../collector/diagnose/diagnose-trace.ts';
import { drawTrace } from './draw-trace.ts';
import { diagnoseDrawing, failedCall as failed, verdictOf } from './expect-verdict.ts';

describe('dns', () => {
  it('a name that does not exist is proven', () => {
    const verdict = failed('type=ENOTFOUND error="getaddrinfo ENOTFOUND pay" dns=900', '!');
    expect(verdict).toMatchObject({ cause: 'D2', confidence: 'proven', phase: 'dns', category: 'dns' });
    expect(verdict.giveUp.kind).toBe('unresolved');
    expect(verdict.sentence).toBe('shop could not resolve the name of pay:80 after 0.900 s.');
  });
  it('a resolver that fails at once may be silent or not, and most likely answered', () => {
    expect(failed('type=EAI_AGAIN error="getaddrinfo EAI_AGAIN pay" dns=20', '!')).toMatchObject({
      cause: 'D2',
      confidence: 'likely',
      causes: ['D2', 'D1'],
    });
  });
  it('a lookup that was open at the give-up is a silent or slow resolver', () => {
    expect(failed('phase=dns budget=900')).toMatchObject({
      cause: 'D1',
      confidence: 'possible',
      causes: ['D1', 'D3', 'D5', 'D6'],
    });
  });
  it.each([
    [451, ['D1', 'D5']],
    [450, ['D1', 'D3', 'D5', 'D6']],
  ])('%d ms of 900 spent waiting for a thread: hanging lookups or other work held it', (queueMs, causes) => {
    const verdict = failed(`phase=dns budget=900 dns=900 sockeye.process.dns_queue_ms=${queueMs}`);
    expect(verdict).toMatchObject({ confidence: 'possible', causes });
  });
  it.each([
    [5250, 'D6'],
    [5251, 'D3'],
    [4999, 'D3'],
  ])('a lookup that succeeded after %d ms is %s', (dnsMs, cause) => {
    const drawing = `
      gate           |===========================================================!
        gate>shop    |===========================================================X  phase=wait budget=6000
          shop       |===========================================================|
            shop>pay |===========================================================|  dns=${dnsMs} connect=1 wait=500`;
    expect(verdictOf(drawing)).toMatchObject({ phase: 'dns', cause });
  });
});

describe('a lookup that waited for a thread', () => {
  const lookup = (host: string) =>
    failed(`phase=dns budget=900 dns=900 sockeye.process.dns_queue_ms=880 server.address=${host}`);

  it.each(['localhost', 'ip6-localhost'])('of %s hardly waited for a resolver', (host) => {
    const verdict = lookup(host);
    expect(verdict).toMatchObject({ cause: 'D5', confidence: 'possible' });
    const against = `${host} usually stands in the machine's own hosts file, and no resolver is asked for it then`;
    expect(verdict.alternatives).toMatchObject([{ cause: 'D1', against }]);
  });
  it.each(['api.localhost', 'localhost.example', 'pay'])('of %s may have', (host) => {
    const verdict = lookup(host);
    expect(verdict).toMatchObject({ cause: 'D1', causes: ['D1', 'D5'] });
    expect(verdict.alternatives.map(({ against }) => against)).toEqual(['']);
  });
});

describe('connect', () => {
  it('a refused connection is a closed port or a rule that rejects, and not a timeout', () => {
    const verdict = failed('type=ECONNREFUSED error="connect ECONNREFUSED 10.0.0.1:80" connect=900', '!');
    expect(verdict.giveUp).toMatchObject({ kind: 'refused', timer: null });
    expect(verdict).toMatchObject({ cause: 'C7', confidence: 'possible', phase: 'connect' });
    expect(verdict.causes).toEqual(['C7', 'E2', 'B4', 'C9', 'D4']);
    expect(verdict.sentence).toBe(
      'shop was turned away by pay:80 after 0.900 s: the connection was refused.',
    );
  });
  it.each([
    ['whom the caller calls so', 'peer.service=payments', true],
    ['whom it calls so by another word', 'service.peer.name=payments', true],
    ['a gateway', 'peer.service=api-gateway', true],
    ['a database', 'db.system.name=redis', false],
  ])('of %s that refused, a dead backend of a gateway is suspected: %s', (_, notes, isSuspected) => {
    const verdict = failed(`type=ECONNREFUSED error="connect ECONNREFUSED" ${notes}`, '!');
    expect(verdict.causes.includes('E2')).toBe(isSuspected);
    expect(verdict.causes).toContain('C7');
  });
  it.each([
    ['a service that was seen there', '', 'payments', false],
    ['one that its caller calls otherwise', 'peer.service=pay', 'payments', false],
    ['what its caller alone says', 'peer.service=payments', 'payments', true],
    ['a topic', 'messaging.destination.name=payments', 'payments', true],
    ['a proxy that was seen there', '', 'nginx', true],
    ['an address', '', 'pay', true],
  ])('by %s, too', (_, notes, callee, isSuspected) => {
    const { traceId, spans } = drawTrace(`
      shop        |==========!
        shop>pay  |========!  server.address=pay server.port=80 type=ECONNREFUSED error="connect ECONNREFUSED" ${notes}`);
    const context = { normals: new Map(), nameCallee: () => callee };
    const { alternatives } = diagnoseTrace(traceId, spans, context).verdicts[0]!;
    expect(alternatives.some(({ cause }) => cause === 'E2')).toBe(isSuspected);
  });
  it('a refusal without any segment coming back was an ICMP reject', () => {
    const verdict = failed('type=ECONNREFUSED error="connect ECONNREFUSED" sockeye.tcp.segments_in=0', '!');
    expect(verdict).toMatchObject({ cause: 'B4', confidence: 'likely' });
    expect(verdict.evidence.map(({ source }) => source)).toContain('client-kernel');
  });
  it('values of a shared connection prove nothing', () => {
    const shared = 'sockeye.tcp.segments_in=0 sockeye.tcp.scope=connection';
    expect(failed(`type=ECONNREFUSED error="connect ECONNREFUSED" ${shared}`, '!').confidence).toBe(
      'possible',
    );
  });
  it('an unreachable host', () => {
    expect(failed('type=EHOSTUNREACH error="connect EHOSTUNREACH 10.0.0.1:80"', '!')).toMatchObject({
      cause: 'A7',
      confidence: 'likely',
      giveUp: { kind: 'unreachable' },
    });
  });
  it("no local port left is the client's own limit, proven by the code", () => {
    expect(failed('type=EADDRNOTAVAIL error="connect EADDRNOTAVAIL"', '!')).toMatchObject({
      cause: 'F7',
      confidence: 'proven',
    });
  });
  it.each([
    [999, 'F1'],
    [1000, 'B1'],
  ])('a connect given up after %d ms says %s', (connectMs, cause) => {
    const verdict = failed(`phase=connect budget=1000 connect=${connectMs}`);
    expect(verdict).toMatchObject({ cause, confidence: 'possible' });
    expect(verdict.causes).toEqual(expect.arrayContaining(['B1', 'C1', 'B3']));
  });
  it('a retransmit seen by the kernel is said in the sentence', () => {
    const verdict = failed('phase=connect connect=900 sockeye.tcp.total_retransmits=3');
    expect(verdict.sentence).toContain('never completed (3 SYN retransmits, no reply)');
    expect(verdict.cause).toBe('B1');
  });
  it.each([
    ['open', '|========X  phase=connect connect=1000'],
    ['refused', '|========!  type=ECONNREFUSED error="connect ECONNREFUSED"'],
    ['unreachable', '|========!  type=EHOSTUNREACH error="connect EHOSTUNREACH"'],
  ])('the address that a name stood for is told where a connect was %s', (_, call) => {
    const told = (peer: string, other = '') =>
      verdictOf(`
        shop        |=====================!
          shop>pay  ${call} peer=${peer}:80 network.peer.address=10.0.0.9
          shop>pay             |=====|  peer=${peer}:80 network.peer.address=${other === '' ? '10.0.0.9' : other}`)
        .evidence.filter(({ attribute }) => attribute === 'network.peer.address')
        .map(({ value, text }) => [value, text]);
    const tried = ['10.0.0.9', 'the address that was tried for pay'];
    expect(told('pay')).toEqual([tried]);
    expect(told('pay', '10.0.0.1')).toEqual([
      tried,
      ['10.0.0.1', 'the address at which another call of shop to pay:80 was answered'],
    ]);
    expect(told('10.0.0.9', '10.0.0.1').map(([, text]) => text)).not.toContain(tried[1]);
  });
  it('what the kernel knew stands as evidence', () => {
    const kernel = 'sockeye.tcp.state=SYN_SENT sockeye.tcp.retransmits=2 sockeye.tcp.segments_in=0';
    const { evidence } = failed(`phase=connect connect=3000 ${kernel}`);
    const known = evidence.filter(({ source }) => source === 'client-kernel');
    expect(known.map(({ attribute, value }) => [attribute, value])).toEqual([
      ['sockeye.tcp.state', 'SYN_SENT'],
      ['sockeye.tcp.retransmits', 2],
      ['sockeye.tcp.segments_in', 0],
    ]);
  });
});

describe('tls', () => {
  it('a handshake that hangs', () => {
    expect(failed('phase=tls')).toMatchObject({ cause: 'C8', confidence: 'possible', phase: 'tls' });
  });
  it('one whose every byte was acknowledged was not lost on the way there', () => {
    const acked = failed('phase=tls sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0');
    expect(acked.causes.toSorted()).toEqual(['A4', 'C3', 'C8']);
    const resent = failed('phase=tls sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=1');
    expect(resent.causes).toEqual(expect.arrayContaining(['A1', 'A2']));
  });
  it('a certificate that is refused', () => {
    const verdict = failed('type=CERT_HAS_EXPIRED error="certificate has expired" connect=1 tls=20', '!');
    expect(verdict).toMatchObject({ cause: 'C8', confidence: 'likely', giveUp: { kind: 'tls' } });
  });
});

describe('queue', () => {
  it('a pool of PostgreSQL that gave nothing until the give-up is waited for in queue, without any phases', () => {
    const { verdicts } = diagnoseDrawing(`
      gate           |===================!
        gate>shop    |===================X  phase=wait budget=2000
          shop       |=====================|
            shop>pg  |==~                   op=pg-pool.connect peer=db:5432`);
    expect(verdicts[0]).toMatchObject({ at: 'shop>pg', phase: 'queue', cause: 'F4', confidence: 'possible' });
  });
  it('no free connection, and nothing known of its holders', () => {
    const verdict = failed('phase=queue budget=900');
    expect(verdict).toMatchObject({ cause: 'F4', confidence: 'possible', phase: 'queue' });
    expect(verdict.sentence).toContain('no connection became free');
  });
  it('a holder that ended well leaves the pool the likeliest', () => {
    const { verdicts } = diagnoseDrawing(`
      shop          |==============!
        shop>pay    |==============|  peer=pay:80 wait=1500
        shop>pay      |========X      peer=pay:80 phase=queue budget=900`);
    expect(verdicts.map(({ cause }) => cause)).toEqual(['F4']);
  });
  const full = 'sockeye.pool.in_use=2 sockeye.pool.max=2 sockeye.pool.pending=4';
  it('a full pool of which a connection was given back at last is the cause, and is shown', () => {
    const late = `phase=wait timer=abort_signal budget=1500 queue=1437 wait=67`;
    const verdict = failed(`${late} ${full}`);
    expect(verdict).toMatchObject({ cause: 'F4', confidence: 'likely', causes: ['F4', 'G2'] });
    expect(verdict.evidence.map(({ attribute, value }) => [attribute, value])).toEqual(
      expect.arrayContaining([
        ['sockeye.pool.in_use', 2],
        ['sockeye.pool.max', 2],
        ['sockeye.pool.pending', 4],
      ]),
    );
    expect(failed(`${late} ${full.replace('max=2', 'max=3')}`).confidence).toBe('possible');
    // Nobody knows of its holders.
    expect(failed(`phase=queue budget=900 ${full}`).confidence).toBe('possible');
  });
  it.each([
    ['====|        ', 'likely'],
    ['============|', 'possible'],
  ])('a full pool whose other call was %s: %s', (bar, confidence) => {
    const { verdicts } = diagnoseDrawing(`
      shop          |===============!
        shop>pay    |${bar}  peer=pay:80 wait=500
        shop>pay      |========X        peer=pay:80 phase=queue budget=900 ${full}`);
    expect(verdicts.find(({ phase }) => phase === 'queue')).toMatchObject({ cause: 'F4', confidence });
  });
  it('a holder that hangs itself is where to look, not the pool', () => {
    const { verdicts } = diagnoseDrawing(`
      shop          |==============!
        shop>pay    |==============X  peer=pay:80 phase=wait budget=1500
        shop>pay      |========X      peer=pay:80 phase=queue budget=900`);
    const queued = verdicts.find(({ phase }) => phase === 'queue');
    expect(queued?.cause).toBe('C3');
    expect(queued?.alternatives.find(({ cause }) => cause === 'F4')?.against).toContain('failed itself');
  });
});

describe('send', () => {
  it('a closed window is a server that does not read', () => {
    expect(failed('phase=send sockeye.tcp.send_window=0')).toMatchObject({
      cause: 'C4',
      confidence: 'likely',
    });
  });
  it('without kernel evidence it is only possible', () => {
    const verdict = failed('phase=send');
    expect(verdict).toMatchObject({ cause: 'C4', confidence: 'possible' });
    expect(verdict.causes).toEqual(expect.arrayContaining(['A2', 'A4', 'B5']));
  });
  it('a window that is merely small proves nothing', () => {
    expect(failed('phase=send sockeye.tcp.send_window=1').confidence).toBe('possible');
  });
  it.each([
    [0, { at: 'shop>pay', cause: 'C4', confidence: 'likely', phase: 'send' }],
    [1, { at: 'pay', cause: 'G3', confidence: 'possible' }],
  ])('a server that has begun and leaves the request unread is that, by a window of %i', (window, said) => {
    const verdict = verdictOf(`
      shop        |==========!
        shop>pay   |========X  peer=pay:80 phase=send budget=900 send=890 sockeye.tcp.send_window=${window} sockeye.tcp.not_sent=9
          pay      |==========~`);
    expect(verdict).toMatchObject(said);
  });
});

describe('wait', () => {
  it('of a peer that has not begun to speak HTTP/2 blames no handler', () => {
    const verdict = failed(
      'phase=wait budget=900 sockeye.http2.answered=false sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0',
    );
    expect(verdict.causes).toEqual(['C3', 'C5', 'A4']);
    expect(verdict.sentence).toContain('the connection was open, but the peer never began to speak HTTP/2');
  });
  it('without kernel evidence the request may have been lost as well', () => {
    const verdict = failed('phase=wait budget=900');
    expect(verdict).toMatchObject({ cause: 'C3', confidence: 'possible', phase: 'wait' });
    expect(verdict.causes).toEqual(expect.arrayContaining(['C5', 'G3', 'A2', 'A3', 'B5', 'C2']));
    expect(verdict.sentence).toContain('no answer came, and whether it arrived is not known');
  });
  it('a request that was acknowledged was not lost', () => {
    const acked = 'sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0 sockeye.tcp.bytes_acked=101';
    const verdict = failed(`phase=wait ${acked}`);
    expect(verdict.causes).toEqual(['C3', 'G2', 'C5', 'G3', 'A4']);
    expect(verdict.sentence).toContain('sent and acknowledged, no answer came');
  });
  const begun = (received: number, more = 'sockeye.tcp.unread=0 url.full=http://pay/') =>
    failed(
      `phase=wait sockeye.tcp.unacked=0 sockeye.tcp.total_retransmits=0 sockeye.tcp.bytes_acked=101 sockeye.tcp.bytes_received=${received} ${more}`,
    );
  it('an answer that began, and whose head never ended, is sent slowly', () => {
    const verdict = begun(35);
    expect(verdict).toMatchObject({ cause: 'G5', confidence: 'possible', phase: 'wait' });
    expect(verdict.alternatives.find(({ cause }) => cause === 'C3')?.against).toBe('bytes of an answer came');
    expect(verdict.sentence).toContain('bytes came back, but never the whole head of an answer');
    expect(verdict.evidence).toContainEqual(
      expect.objectContaining({ attribute: 'sockeye.tcp.bytes_received', value: 35 }),
    );
  });
  it.each([
    [1, 'G5', 'bytes came back, but never'],
    [0, 'C3', 'sent and acknowledged, no first byte came'],
  ])('%d bytes of an answer mean %s', (received, cause, words) => {
    const verdict = begun(received);
    expect(verdict.cause).toBe(cause);
    expect(verdict.sentence).toContain(words);
  });
  it.each([
    ['of TLS', 'sockeye.tcp.unread=0 url.full=https://pay/'],
    ['of a greeting', 'sockeye.tcp.unread=0'],
    ['that were not read', 'sockeye.tcp.unread=35 url.full=http://pay/'],
  ])('bytes %s are none of a head that never ended', (_, more) => {
    const verdict = begun(35, more);
    expect(verdict.causes).toEqual(['C3', 'G2', 'C5', 'G3', 'A4']);
    expect(verdict.sentence).toContain('sent and acknowledged, no answer was read');
  });
  it('bytes of a connection that is shared tell nothing of this call', () => {
    const shared = begun(35, 'sockeye.tcp.unread=0 url.full=http://pay/ sockeye.tcp.scope=connection');
    expect(shared.cause).toBe('C3');
    expect(shared.sentence).not.toMatch(/first byte|bytes came back/);
  });
  it('on a reused connection, where only what is not yet recovered is known, too', () => {
    const reused = 'sockeye.connection.reused=true sockeye.tcp.retransmits=0 sockeye.tcp.unacked=0';
    expect(failed(`phase=wait ${reused}`).causes).toEqual(['C3', 'G2', 'C5', 'G3', 'A4']);
    const lost = 'sockeye.connection.reused=true sockeye.tcp.retransmits=4 sockeye.tcp.unacked=1';
    expect(failed(`phase=wait ${lost}`).causes).toEqual(['A2', 'B5', 'A3', 'A4']);
  });
  it('one that was retransmitted and never acknowledged was', () => {
    const verdict = failed('phase=wait sockeye.tcp.unacked=1 sockeye.tcp.total_retransmits=5');
    expect(verdict.causes).toEqual(['A2', 'B5', 'A3', 'A4', 'C2']);
  });
  it('a connection that was new cannot have been forgotten while idle', () => {
    expect(failed('phase=wait sockeye.connection.reused=false').causes).not.toContain('B5');
  });
  it('a database is slow first of all', () => {
    expect(failed('phase=wait db.system.name=postgresql')).toMatchObject({
      cause: 'G2',
      confidence: 'possible',
    });
  });
  it("a statement ended by the database's timer is a slow query, a lock time-out a lock", () => {
    const statement = 'type=57014 error="canceling statement due to statement timeout" db.system=postgresql';
    expect(failed(statement, '!')).toMatchObject({ cause: 'G2', confidence: 'likely' });
    const ofMariaDb =
      'type=ER_STATEMENT_TIMEOUT error="Query execution was interrupted (max_statement_time exceeded)"';
    expect(failed(ofMariaDb, '!')).toMatchObject({ cause: 'G2', confidence: 'likely' });
    const lock = 'error="Lock wait timeout exceeded; try restarting transaction" db.system=mysql';
    expect(failed(lock, '!')).toMatchObject({ cause: 'G4', confidence: 'likely' });
  });
  it('a server that began long after the call is short of workers, or far away', () => {
    const verdict = verdictOf(`
      shop          |=========!
        shop>pay    |=========X  phase=wait budget=1000
          pay              |==========|  left=200`);
    expect(verdict).toMatchObject({ at: 'shop>pay', cause: 'C5', confidence: 'possible' });
    expect(verdict.causes).toContain('A5');
  });
  it('whose request was acknowledged at once was not held up on the way', () => {
    const verdict = verdictOf(`
      shop          |=========!
        shop>pay    |=========X  phase=wait budget=1000 sockeye.tcp.unacked=0 sockeye.tcp.retransmits=0
          pay              |==========|  left=200`);
    expect(verdict.causes).toEqual(['C5', 'C3', 'C9']);
  });
  it('a server that sends its head in pieces sends it slowly, also where its span is known', () => {
    const verdict = verdictOf(`
      shop          |=========!
        shop>pay    |=========X  phase=wait budget=1000 url.full=http://pay/ sockeye.tcp.bytes_received=20 sockeye.tcp.unread=0 sockeye.tcp.last_data_received_ms=100
          pay       |==============|  left=1000`);
    expect(verdict).toMatchObject({ at: 'shop>pay', cause: 'G5', confidence: 'possible' });
    expect(verdict.alternatives.find(({ cause }) => cause === 'C3')?.against).toBe(
      'bytes of the answer came 0.100 s before the give-up',
    );
  });
  it('a server that had long answered lost its answer on the way back', () => {
    const verdict = verdictOf(`
      shop          |=========!
        shop>pay    |=========X  phase=wait budget=1000
          pay       |=|`);
    expect(verdict).toMatchObject({ at: 'shop>pay', phase: 'wait' });
    expect(verdict.causes.toSorted()).toEqual(['A1', 'A3', 'A4', 'A5']);
  });
});

describe('receive', () => {
  describe('an answer of which some lay with the caller unread', () => {
    const unread = (host: string, server: string) =>
      verdictOf(`
      shop        |===============!  host=one
        shop>pay  |===============X  phase=receive budget=1500 peer=pay:80 code=200 sockeye.tcp.unread=29696 host=one
          pay     ${server}  host=${host}`);
    const words = ({ evidence }: ReturnType<typeof unread>) => evidence.map(({ text }) => text);

    it('is neither of the server nor of the network, where the server had ended it by the same clock', () => {
      const verdict = unread('one', '|==|');
      expect(verdict).toMatchObject({ confidence: 'unknown', phase: 'receive' });
      expect(verdict.reason).toContain('lay with shop, which had not read them');
      expect(verdict.sentence).toContain(': the answer began, and not all of it that had come was read.');
      expect(verdict.evidence[0]).toMatchObject({ attribute: 'sockeye.tcp.unread', value: 29696 });
    });
    it('may be of the server, too, where its clock is another', () => {
      const verdict = unread('two', '|==|');
      expect(verdict).toMatchObject({ cause: 'G5', confidence: 'possible' });
      expect(verdict.causes).toContain('F3');
      expect(words(verdict).join()).not.toMatch(/had (?:not )?ended/);
    });
    it.each([
      ['one', '|==============|', 'unknown', 'pay had ended its answer'],
      ['one', '|===============|', 'possible', 'pay had not ended its answer'],
    ])('on host %s, %s', (host, server, confidence, said) => {
      const verdict = unread(host, server);
      expect(verdict.confidence).toBe(confidence);
      expect(words(verdict)).toContain(said);
    });
    it.each([
      ['|===============|', false],
      ['|===============~', true],
      ['|===============|  left=1500', true],
    ])(
      'on another host, that the server had not ended is said only where it is known: %s',
      (server, isSaid) => {
        expect(words(unread('two', server)).includes('pay had not ended its answer')).toBe(isSaid);
      },
    );
  });
  it('a server that had begun to answer hangs in its answer, not before it', () => {
    const drawing = (phases: string) => `
      shop           |============X|
        shop>pay     |============X   phase=receive budget=1200 ${phases}
          pay        |============|   left=1200`;
    const stalled = verdictOf(drawing('wait=2 receive=1190'));
    expect(stalled).toMatchObject({ cause: 'G5', phase: 'receive', confidence: 'possible', at: 'shop>pay' });
    expect(stalled.evidence.map(({ text }) => text)).toContain('pay had not ended its answer');
    expect(verdictOf(drawing('wait=1190 receive=10'))).toMatchObject({ at: 'pay', phase: 'none' });
  });

  it('an answer that began and stalled', () => {
    const verdict = failed('phase=receive');
    expect(verdict).toMatchObject({ cause: 'G5', confidence: 'possible', phase: 'receive' });
    expect(verdict.sentence).toContain('the answer began and never ended');
  });
});

describe('resets', () => {
  it('a connection that was given up because nothing sent got through any more is a dead path', () => {
    const words = 'error="Connection dropped" type=UNAVAILABLE rpc.response.status_code=UNAVAILABLE wait=900';
    const scope = 'sockeye.tcp.scope=connection sockeye.tcp.state=ESTABLISHED';
    const lost = failed(`${words} ${scope} sockeye.tcp.retransmits=3 sockeye.tcp.unacked=1`, '!');
    expect(lost).toMatchObject({ cause: 'A2', confidence: 'possible', giveUp: { kind: 'reset' } });
    expect(lost.causes).toContain('C7');
    expect(lost.evidence.map(({ attribute }) => attribute)).toContain('sockeye.tcp.unacked');
    const cut = failed(`${words} ${scope} sockeye.tcp.retransmits=0 sockeye.tcp.unacked=0`, '!');
    expect(cut.cause).toBe('C7');
  });
  it('a session of HTTP/2 that the peer ended in error is cut', () => {
    const verdict = failed('type=ERR_HTTP2_SESSION_ERROR error="Session closed with error code 11"', '!');
    expect(verdict).toMatchObject({ giveUp: { kind: 'reset' }, phase: 'wait' });
  });
  const hangUp = 'type=ECONNRESET error="socket hang up"';
  it('on a connection idle for long, a device forgot it; idle for a moment, the peer closed it', () => {
    const reused = `${hangUp} wait=1 sockeye.connection.reused=true`;
    expect(failed(`${reused} sockeye.connection.idle_ms=60000`, '!').cause).toBe('B5');
    expect(failed(`${reused} sockeye.connection.idle_ms=59999`, '!').cause).toBe('E3');
    expect(failed(`${reused} sockeye.connection.idle_ms=499`, '!').causes).not.toContain('E3');
  });
  it('on a new connection it can only be the peer', () => {
    const verdict = failed(`${hangUp} wait=1 sockeye.connection.reused=false`, '!');
    expect(verdict.causes).toEqual(['C7', 'B4', 'E4', 'C6']);
    expect(verdict.giveUp.kind).toBe('reset');
  });
  it('on a connection that may not be new, or in a request that was worked on, it was no lack of descriptors', () => {
    expect(failed(`${hangUp} wait=1`, '!').causes).not.toContain('C6');
    const served = verdictOf(`
      shop>pay   |====!  ${hangUp} wait=400 sockeye.connection.reused=false
        pay       |==|`);
    expect(served.causes).toContain('C7');
    expect(served.causes).not.toContain('C6');
  });
  it.each([
    ['0', 'it was cut before any answer came'],
    ['1', 'it was cut before an answer was read'],
  ])('with %s bytes that came back', (received, words) => {
    const verdict = failed(`${hangUp} wait=1 sockeye.tcp.bytes_received=${received}`, '!');
    expect(verdict.sentence).toContain(words);
  });
  it('in the middle of the answer', () => {
    expect(failed('type=ECONNRESET error="aborted" wait=1 receive=800 ', '!').phase).toBe('receive');
  });
});
