import { expect, it } from 'vitest';
import { reportReachability } from '../../instrumentation/export-health.ts';

function reporter() {
  const lines: string[] = [];
  let fails = false;
  const exporter = reportReachability<number>(
    {
      export: (_spans, done) =>
        done(fails ? { code: 1, error: new Error('14 UNAVAILABLE\nmore') } : { code: 0 }),
      shutdown: () => Promise.resolve(),
    },
    'http://collector:4317',
    (line) => lines.push(line),
  );
  const send = (count: number, failing: boolean) => {
    fails = failing;
    exporter.export(
      Array.from({ length: count }, (_, index) => index),
      () => {},
    );
  };
  return { lines, send };
}

it('nothing is said while spans arrive', () => {
  const { lines, send } = reporter();
  send(1, false);
  send(1, false);
  expect(lines).toEqual([]);
});

it('the first failure is said once, and the recovery with the number of spans lost', () => {
  const { lines, send } = reporter();
  send(3, true);
  send(4, true);
  send(1, false);
  send(1, false);
  expect(lines).toEqual([
    'sockeye: spans cannot be sent to http://collector:4317: 14 UNAVAILABLE. The program goes on; this is said once.',
    'sockeye: spans are sent to http://collector:4317 again; 7 were lost in between.',
  ]);
});

it('the next run of failures is said again', () => {
  const { lines, send } = reporter();
  send(1, true);
  send(1, false);
  send(1, true);
  expect(lines).toHaveLength(3);
});
