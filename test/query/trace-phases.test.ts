/** Where the time of a trace went, by phase. */
import { expect, test } from 'vitest';
import { buildTraceTree } from '../../collector/diagnose/tree.ts';
import { splitByPhase } from '../../collector/query/trace-phases.ts';
import { drawTrace } from '../diagnose/draw-trace.ts';

/** `connect 1900 open, none 100`. */
function split(drawing: string): string {
  const { parts, durationMs } = splitByPhase(buildTraceTree(drawTrace(drawing).spans));
  const sum = parts.reduce((total, part) => total + part.durationMs, 0);
  expect(sum).toBeCloseTo(durationMs, 6);
  return parts
    .map(({ phase, durationMs: ms, open }) => `${phase} ${Math.round(ms)}${open ? ' open' : ''}`)
    .join(', ');
}

test('own work, the phases of a call, and what its server did are told apart', () => {
  expect(
    split(`
      shop          |=========|
        shop>stock    |======|   connect=100 wait=600
          stock         |==|
    `),
  ).toBe('none 600, connect 100, wait 300');
});

test('the phase a call ended in is open', () => {
  expect(
    split(`
      shop            |===================X
        shop>payments  |==================X   phase=connect dns=100 connect=1800
    `),
  ).toBe('none 100, dns 100, connect 1800 open');
});

test('time that calls spend side by side is counted once', () => {
  expect(
    split(`
      shop       |=========|
        shop>a    |======|     wait=700
        shop>b     |======|    wait=700
    `),
  ).toBe('none 200, wait 800');
});

test('a call without measured phases waits', () => {
  expect(
    split(`
      shop       |====|
        shop>db   |==|
    `),
  ).toBe('none 200, wait 300');
});

test('an entry that has not ended is told as far as is known', () => {
  expect(
    split(`
      shop       |=========~
        shop>a    |==|        wait=300
        shop>b        |==|    wait=300
    `),
  ).toMatch(/wait 600/);
});

test('a trace without spans took no time', () => {
  expect(splitByPhase(buildTraceTree([]))).toEqual({ durationMs: 0, parts: [] });
});
