import { describe, expect, it } from 'vitest';
import { measurePhases, openingMarks, type Mark } from '../../instrumentation/phases.ts';

/** `dns@0 connect@4` as marks. */
function marks(text: string): Mark[] {
  return text
    .split(' ')
    .filter(Boolean)
    .map((each) => {
      const [phase, at] = each.split('@');
      return { phase: phase as Mark['phase'], atMs: Number(at) };
    });
}

const measured = (startMs: number, text: string, endMs: number) =>
  measurePhases(startMs, marks(text), endMs)
    .map(({ phase, durationMs }) => `${phase}=${durationMs}`)
    .join(' ');

describe('the phases of a call', () => {
  it('last until the next one is entered, the last until the end', () => {
    expect(measured(0, 'dns@0 connect@4 tls@6 send@16 wait@17 receive@40', 45)).toBe(
      'dns=4 connect=2 tls=10 send=1 wait=23 receive=5',
    );
  });

  it('are empty when none was entered', () => {
    expect(measured(0, '', 9)).toBe('');
  });

  it('leave out those that were not entered', () => {
    expect(measured(0, 'send@0 wait@1', 9)).toBe('send=1 wait=8');
  });

  it('fill the whole time of the call: the first begins with it', () => {
    expect(measured(10, 'connect@12 send@15', 20)).toBe('connect=5 send=5');
  });

  it('of a connection that began to open before the call begin with the call', () => {
    expect(measured(10, 'dns@2 connect@5 send@14', 20)).toBe('dns=0 connect=4 send=6');
  });

  it('never go back: an answer before the request was sent leaves out the wait', () => {
    expect(measured(0, 'send@0 receive@5 wait@8', 10)).toBe('send=5 receive=5');
  });

  it('count a phase once, from when it was first entered', () => {
    expect(measured(0, 'connect@0 send@3 send@5 wait@6', 10)).toBe('connect=3 send=3 wait=4');
  });

  it('entered at the very end last no time, and never less', () => {
    expect(measured(0, 'send@0 wait@10', 10)).toBe('send=10 wait=0');
    expect(measured(0, 'send@0 wait@12', 10)).toBe('send=10 wait=0');
  });

  it('always add up to the time of the call', () => {
    const times = measurePhases(
      3,
      marks('queue@3 dns@20 connect@21.5 tls@22 send@30 wait@31 receive@90'),
      91.25,
    );
    expect(times.reduce((sum, { durationMs }) => sum + durationMs, 0)).toBeCloseTo(88.25, 9);
  });
});

describe('the opening of a connection', () => {
  const shown = (moments: Partial<Parameters<typeof openingMarks>[0]>) =>
    openingMarks({ startedMs: 0, needsLookup: true, needsTls: true, ...moments })
      .map(({ phase, atMs }) => `${phase}@${atMs}`)
      .join(' ');

  it('passes dns, connect, tls and is then ready to send', () => {
    expect(shown({ lookedUpMs: 2, connectedMs: 3, securedMs: 9 })).toBe('dns@0 connect@2 tls@3 send@9');
  });

  it('stays in the phase that has not come to its end', () => {
    expect(shown({})).toBe('dns@0');
    expect(shown({ lookedUpMs: 2 })).toBe('dns@0 connect@2');
    expect(shown({ lookedUpMs: 2, connectedMs: 3 })).toBe('dns@0 connect@2 tls@3');
  });

  it('has no dns for an address, and no tls without TLS', () => {
    expect(shown({ needsLookup: false, needsTls: false })).toBe('connect@0');
    expect(shown({ needsLookup: false, needsTls: false, connectedMs: 3 })).toBe('connect@0 send@3');
  });

  it('of a socket that was handed over connected has no connect', () => {
    expect(shown({ needsLookup: false, connectedMs: 0 })).toBe('tls@0');
    expect(shown({ needsLookup: false, needsTls: false, connectedMs: 0 })).toBe('send@0');
  });
});
