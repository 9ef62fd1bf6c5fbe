import { describe, expect, it } from 'vitest';
import { diagnoseDrawing, verdictOf } from './expect-verdict.ts';

const STREAM = 'sockeye.stream=true phase=wait budget=2000 timer=grpc_deadline rpc.grpc.status_code=4';

describe('a stream that its caller failed with', () => {
  it('is a give-up, and what its server did is where it started', () => {
    const verdict = verdictOf(`
      shop            |====================!
        shop>quotes   |===================X   ${STREAM}
          quotes       |==========================!  sockeye.stream=true
            quotes>db  |=========================|`);
    expect(verdict).toMatchObject({ by: 'shop>quotes', at: 'quotes>db' });
  });

  it('is what the callers above it waited for', () => {
    const verdict = verdictOf(`
      gateway           |====================!
        gateway>shop    |====================X  phase=wait budget=2000
          shop          |===================!
            shop>quotes |===================X   ${STREAM}
            shop>stock  |==|`);
    expect(verdict.at).toBe('shop>quotes');
  });

  it('counts through a stream that serves it', () => {
    const verdict = verdictOf(`
      shop              |====================!
        shop>quotes     |===================X   ${STREAM}
          quotes        |===================!   sockeye.stream=true rpc.grpc.status_code=4
            quotes>feed |===================X   ${STREAM}`);
    expect(verdict.at).toBe('quotes>feed');
  });

  it('counts through steps of the caller’s own that ended well', () => {
    const verdict = verdictOf(`
      shop                |====================!   code=504
        shop>middleware   |====================|   kind=internal
          shop>handler    |=|                      kind=internal
            shop>quotes   |===================X    ${STREAM}`);
    expect(verdict.at).toBe('shop>quotes');
  });

  it('counts where a step of the caller’s own fails with it a moment later', () => {
    const verdict = verdictOf(`
      shop            |====================!
        shop>handler  |====================!    kind=internal error="request failed"
        shop>quotes   |===================X     ${STREAM}`);
    expect(verdict.at).toBe('shop>quotes');
  });
});

describe('a stream that something else ended with', () => {
  it('is no give-up when another call failed after it in a step of the caller’s own', () => {
    expect(
      diagnoseDrawing(`
      shop            |======================!
        shop>handler  |===================|    kind=internal
          shop>quotes |===================X    ${STREAM}
        shop>saving   |=====================|  kind=internal
          shop>db                         |=!  error="duplicate key"`).verdicts,
    ).toEqual([]);
  });

  it('is no give-up when a step of another service is between', () => {
    expect(
      diagnoseDrawing(`
      shop            |====================!
        other>handler |====================|   kind=internal
          shop>quotes |===================X    ${STREAM}`).verdicts,
    ).toEqual([]);
  });

  it('and that was cancelled for it is not where it started', () => {
    const verdict = verdictOf(`
      gateway           |====================!
        gateway>shop    |====================X  phase=wait budget=2000
          shop          |====================!
            shop>feed   |====================!  sockeye.stream=true error=AbortError
            shop>db      |==================!   error=AbortError peer=db:5432`);
    expect(verdict.at).toBe('shop>db');
  });

  it('is no give-up when another call failed after it', () => {
    expect(
      diagnoseDrawing(`
      shop            |=====================!
        shop>quotes   |===================X    ${STREAM}
        shop>db                           |=!  error="duplicate key"`).verdicts,
    ).toEqual([]);
  });

  it('is one of several that reached one deadline', () => {
    const { verdicts } = diagnoseDrawing(`
      shop            |===================!
        shop>quotes   |===================X   ${STREAM}
        shop>prices   |===================X   ${STREAM}`);
    expect(verdicts.map(({ by }) => by).toSorted()).toEqual(['shop>prices', 'shop>quotes']);
  });
});

describe('a stream that ended by its own timer', () => {
  it.each([
    ['alone', `shop>quotes |===================X ${STREAM}`],
    [
      'while its caller was well',
      `
      shop            |=========================|
        shop>quotes   |===================X   ${STREAM}`,
    ],
    [
      'long before its caller failed',
      `
      shop            |====================================!
        shop>quotes   |===================X   ${STREAM}`,
    ],
  ])('%s is no give-up', (_, drawing) => {
    expect(diagnoseDrawing(drawing).verdicts).toEqual([]);
  });
});
