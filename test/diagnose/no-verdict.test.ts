/** Traces in which nobody gave up, or which gave up on nothing, get no verdict; programs that have a timer of their own do. */
import { describe, expect, it } from 'vitest';
import { diagnoseDrawing, verdictOf } from './expect-verdict.ts';

describe('no verdict', () => {
  it.each([
    ['an empty trace', ''],
    [
      'a trace that succeeded, however slow',
      `
      gate         |=====================================================================|
        gate>shop  |=====================================================================|  wait=7000
          shop     |=====================================================================|`,
    ],
    [
      'a service that answered 500 at once',
      `
      gate         |===!
        gate>shop  |===!  code=500
          shop     |==!   code=500`,
    ],
    [
      'a hedged call whose sibling won',
      `
      shop         |=========|
        shop>a     |========|
        shop>b       |======X  phase=wait timer=abort type=AbortError`,
    ],
    [
      'a closed tab: the server was left, and what it called was cancelled',
      `
      shop         |=========!  left=900 code=499
        shop>a     |=========X  phase=wait timer=abort type=AbortError
          a        |=========!  code=499`,
    ],
    [
      'a cancelled RPC',
      `
      shop         |=========!  rpc.grpc.status_code=1
        shop>a     |=========!  rpc.grpc.status_code=1`,
    ],
    [
      'a timeout event without a destroy',
      `
      shop         |===================|
        shop>a     |===================|  sockeye.timeout.phase=wait sockeye.timeout.timer=http_timeout`,
    ],
    ['a stream cut by its own timer', 'shop>events |===================X  phase=receive sockeye.stream=true'],
    ['a long poll that ended empty', 'shop>queue |===================X  phase=wait sockeye.stream=true'],
    [
      'work that was left running on purpose',
      `
      shop           |===|
        shop>mail     |====================|
          mail        |===================|`,
    ],
    [
      'a consumer that works long after its producer',
      `
      shop           |===|
        shop>orders   |=|  kind=producer
          worker        |==================================|  kind=consumer`,
    ],
  ])('%s', (_, drawing) => {
    expect(diagnoseDrawing(drawing).verdicts).toEqual([]);
  });
});

describe("a program's own timer", () => {
  it('a parent that ended in error while its call was open gave up on it', () => {
    const verdict = verdictOf(`
      shop         |==========!
        shop>pay    |=================|  wait=1700
          pay       |================|`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'pay', giveUp: { kind: 'timeout', timer: 'app' } });
    expect(verdict.sentence).toBe(
      'shop gave up after 1.100 s, waiting for pay: pay was still in "serve pay", with nothing recorded below, 1.000 s of it.',
    );
  });
  it('a call that its failing parent cancelled counts as given up', () => {
    const verdict = verdictOf(`
      shop         |==========!
        shop>pay    |=========X  phase=connect timer=abort type=AbortError peer=pay:80`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'shop>pay', phase: 'connect' });
  });
  it('a parent that ended well left the call running on purpose', () => {
    expect(
      diagnoseDrawing(`
      shop         |==========|
        shop>pay    |=================|`).verdicts,
    ).toEqual([]);
  });
  it('a parent that failed with one call did not give up on the other', () => {
    expect(
      diagnoseDrawing(`
      shop         |==========!
        shop>pay    |=========!         code=500
        shop>mail   |=================|`).verdicts,
    ).toEqual([]);
  });
  it('an earlier failure that was handled does not explain a later end', () => {
    const verdict = verdictOf(`
      shop         |==================!
        shop>pay    |==!                        code=500
        shop>mail        |===================|`);
    expect(verdict).toMatchObject({ by: 'shop', at: 'shop>mail' });
  });
});
