import { expect, it } from 'vitest';
import { reportReachability } from '../../instrumentation/export-health.ts';

function reporter(message = '14 UNAVAILABLE\nmore') {
  const lines: string[] = [];
  let fails = false;
  const exporter = reportReachability<number>(
    {
      export: (_spans, done) => done(fails ? { code: 1, error: new Error(message) } : { code: 0 }),
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
    'sockeye: spans cannot be sent to http://collector:4317 and are dropped until they can: 14 UNAVAILABLE. The program goes on; this is said once.',
    'sockeye: spans are sent to http://collector:4317 again; at least 7 were lost in between.',
  ]);
});

it('the next run of failures is said again', () => {
  const { lines, send } = reporter();
  send(1, true);
  send(1, false);
  send(1, true);
  expect(lines).toHaveLength(3);
});

it.each([
  {
    what: 'loses the note that gRPC leaves blank',
    message: '14 UNAVAILABLE: Last error: connect ECONNREFUSED 127.0.0.1:2. Resolution note: ',
    said: '14 UNAVAILABLE: Last error: connect ECONNREFUSED 127.0.0.1:2. The program',
  },
  {
    what: 'keeps a note that says something',
    message: '14 UNAVAILABLE: No addresses resolved. Resolution note: ENOTFOUND collector',
    said: 'No addresses resolved. Resolution note: ENOTFOUND collector. The program',
  },
  { what: 'of an empty message says that it is', message: '', said: 'no reason given. The program' },
])('the reason $what', ({ message, said }) => {
  const { lines, send } = reporter(message);
  send(1, true);
  expect(lines).toEqual([expect.stringContaining(said)]);
});
