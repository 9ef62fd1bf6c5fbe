import { describe, expect, it } from 'vitest';
import { describeFailure, type Circumstances } from '../../instrumentation/failures.ts';

const failure = (error: unknown, circumstances: Partial<Circumstances> = {}) =>
  describeFailure(error, {
    endedHere: false,
    neverConnected: false,
    idleTimer: undefined,
    undiciBudgetsMs: {},
    ownTimer: undefined,
    timerOfReason: () => undefined,
    ...circumstances,
  });

const systemError = (code: string, message = code) =>
  Object.assign(new Error(message), { code, errno: -1, syscall: 'connect' });
const timeoutReason = new DOMException('The operation was aborted due to timeout', 'TimeoutError');

describe('the type of a failure', () => {
  it.each([
    ['a system error is its code', systemError('ECONNREFUSED'), 'ECONNREFUSED'],
    [
      'an undici error is its code',
      Object.assign(new Error('x'), { code: 'UND_ERR_SOCKET', name: 'SocketError' }),
      'UND_ERR_SOCKET',
    ],
    ['an aborted call is AbortError, not 20', new DOMException('aborted', 'AbortError'), 'AbortError'],
    ['an expired signal is TimeoutError, not 23', timeoutReason, 'TimeoutError'],
    [
      'an abort because a signal expired is TimeoutError',
      Object.assign(new Error('aborted'), { name: 'AbortError', code: 'ABORT_ERR', cause: timeoutReason }),
      'TimeoutError',
    ],
    ['a class of its own is its name', new RangeError('x'), 'RangeError'],
    ['a bare Error is nothing to go by', new Error('x'), '_OTHER'],
    ['a thrown string is nothing to go by', 'broken', '_OTHER'],
  ])('%s', (_name, error, type) => {
    expect(failure(error).type).toBe(type);
  });

  it('of several addresses tried keeps the code the program sees and says what each met', () => {
    const error = Object.assign(
      new AggregateError([
        systemError('ECONNREFUSED', 'refused A'),
        systemError('EHOSTUNREACH', 'no way to B'),
      ]),
      {
        code: 'ECONNREFUSED',
      },
    );
    expect(failure(error)).toMatchObject({ type: 'ECONNREFUSED', message: 'refused A; no way to B' });
  });

  it('survives an error that throws when it is read', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('no');
        },
      },
    );
    expect(failure(hostile).type).toBe('_OTHER');
  });
});

describe('the timer of a failure', () => {
  it('is the abort signal, with its delay when it is known', () => {
    expect(failure(timeoutReason).timeout).toEqual({ timer: 'abort_signal', budgetMs: undefined });
    const known = { timer: 'abort_signal', budgetMs: 300 } as const;
    expect(failure(timeoutReason, { timerOfReason: () => known }).timeout).toEqual(known);
  });

  it('is an abort when the program aborted without saying why', () => {
    expect(failure(new DOMException('aborted', 'AbortError')).timeout).toEqual({
      timer: 'abort',
      budgetMs: undefined,
    });
  });

  it.each([
    ['UND_ERR_CONNECT_TIMEOUT', 'undici_connect'],
    ['UND_ERR_HEADERS_TIMEOUT', 'undici_headers'],
    ['UND_ERR_BODY_TIMEOUT', 'undici_body'],
  ])('is undici’s own for %s', (code, timer) => {
    expect(failure(Object.assign(new Error('x'), { code })).timeout).toEqual({ timer, budgetMs: undefined });
  });

  it('takes the budget from an undici error that states it', () => {
    const error = Object.assign(
      new Error('Connect Timeout Error (attempted address: 10.0.0.1:81, timeout: 10000ms)'),
      {
        code: 'UND_ERR_CONNECT_TIMEOUT',
      },
    );
    expect(failure(error).timeout).toEqual({ timer: 'undici_connect', budgetMs: 10000 });
  });

  it('is the kernel for ETIMEDOUT with a system error number, and not without', () => {
    expect(failure(systemError('ETIMEDOUT')).timeout).toEqual({ timer: 'kernel', budgetMs: undefined });
    expect(failure(Object.assign(new Error('x'), { code: 'ETIMEDOUT' })).timeout).toBeUndefined();
  });

  it('of several addresses is the kernel only when the last one timed out: Node itself cut the others short', () => {
    const tried = (...codes: string[]) =>
      Object.assign(new AggregateError(codes.map((code) => systemError(code))), { code: codes[0] });
    expect(failure(tried('ETIMEDOUT', 'ETIMEDOUT')).timeout?.timer).toBe('kernel');
    expect(failure(tried('ETIMEDOUT', 'ECONNREFUSED')).timeout).toBeUndefined();
  });

  it('is the socket’s idle timer when the program ended the call after it ran out, and not when the peer did', () => {
    const idleTimer = { timer: 'http_timeout', budgetMs: 500 } as const;
    const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    expect(failure(hangUp, { endedHere: true, idleTimer }).timeout).toEqual(idleTimer);
    expect(failure(hangUp, { endedHere: false, idleTimer }).timeout).toBeUndefined();
  });

  it('is the program’s own when its error speaks of a time-out', () => {
    const own = Object.assign(new Error('Request timed out'), { code: 'ESOCKETTIMEDOUT' });
    expect(failure(own, { endedHere: true }).timeout).toEqual({ timer: 'app', budgetMs: undefined });
    expect(
      failure(new Error('changed my mind'), { endedHere: true, ownTimer: { delayMs: 250 } }).timeout,
    ).toEqual({
      timer: 'app',
      budgetMs: 250,
    });
  });

  it.each([
    ["Timeout awaiting 'response' for 200ms", 200],
    ['timeout of 200 ms exceeded', 200],
    ['Request timed out', undefined],
  ])('is as long as its error says, where nothing else tells (%s)', (message, budgetMs) => {
    const timer = 'app';
    expect(failure(new Error(message), { endedHere: true }).timeout).toEqual({ timer, budgetMs });
    const cleared = { endedHere: true, ownTimer: { delayMs: undefined } };
    expect(failure(new Error(message), cleared).timeout).toEqual({ timer, budgetMs });
    const known = { endedHere: true, ownTimer: { delayMs: 300 } };
    expect(failure(new Error(message), known).timeout).toEqual({ timer, budgetMs: 300 });
    expect(failure(new Error(message)).timeout).toBeUndefined();
  });

  it('is that of the abort that made the program end the call, whatever its error says', () => {
    const abort = { timer: 'abort_signal', budgetMs: 300 } as const;
    const canceled = Object.assign(new Error('canceled'), { code: 'ERR_CANCELED' });
    expect(failure(canceled, { endedHere: true, ownTimer: { delayMs: 300 }, abort })).toMatchObject({
      type: 'ERR_CANCELED',
      timeout: abort,
    });
  });

  it('is the agent’s own when it has no connection and speaks of a time-out, not of its proxy’s answer', () => {
    const timeout = (message: string, neverConnected = true) =>
      failure(new Error(message), { neverConnected }).timeout;
    expect(timeout('Proxy connection timed out')).toEqual({ timer: 'app', budgetMs: undefined });
    expect(timeout('Proxy connection timed out', false)).toBeUndefined();
    expect(timeout('Proxy says no')).toBeUndefined();
    expect(timeout('Failed to establish tunnel: HTTP/1.1 504 Gateway Timeout')).toBeUndefined();
    expect(timeout('Bad response: 408 Request Timeout')).toBeUndefined();
  });

  it('is an abort when the program ended the call and nothing tells of a timer', () => {
    expect(failure(new Error('changed my mind'), { endedHere: true }).timeout).toEqual({
      timer: 'abort',
      budgetMs: undefined,
    });
    expect(failure(new Error('changed my mind')).timeout).toBeUndefined();
  });

  it('is the program’s for a DNS resolver that stops waiting', () => {
    expect(failure(Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' })).timeout?.timer).toBe(
      'app',
    );
  });

  it.each(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])(
    'does not exist for %s',
    (code) => {
      expect(failure(systemError(code)).timeout).toBeUndefined();
    },
  );
});
