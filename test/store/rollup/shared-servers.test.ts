import { expect, test } from 'vitest';
import { decidedLines } from '../../../collector/store/rollup/decided-lines.ts';
import { LINE_WORDS, SPAN_HIGH, SPAN_LOW } from '../../../collector/store/rollup/row-lines.ts';
import { drawRows, type DrawnSpan } from './draw-rows.ts';

test('what is said to hang below an id that a server shared with its call was called by the server', () => {
  const failed = { outcome: 'timeout', phase: 'wait' } as const;
  const spans: DrawnSpan[] = [
    { id: 1, service: 'checkout', kind: 'client', startMs: 0, durationMs: 1_000, ...failed },
    { id: 2, parent: 1, service: 'payments', kind: 'server', startMs: 1, durationMs: 3_012 },
    { id: 3, parent: 1, service: 'payments', kind: 'client', startMs: 2, durationMs: 3_000, ...failed },
  ];
  const lines = drawRows(spans);
  const server = () => decidedLines(lines, 0, 3)?.[1];
  expect(server()).toBe(false);
  // As the id of the server says that it shared that of its call.
  lines.words[LINE_WORDS + SPAN_HIGH] = ~lines.words[SPAN_HIGH]!;
  lines.words[LINE_WORDS + SPAN_LOW] = ~lines.words[SPAN_LOW]!;
  expect(server()).toBe(true);
});
